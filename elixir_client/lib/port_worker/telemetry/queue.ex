defmodule PortWorker.Telemetry.Queue do
  @moduledoc false
  # What waits because the pipe is full: high from the upper mark on, and low when nothing is left.

  alias PortWorker.Telemetry
  alias PortWorker.Telemetry.Life

  # Messages. Fewer come and go while a worker is well.
  @high 1_024

  @enforce_keys [:of]
  defstruct [:of, :high_since]

  @type t :: %__MODULE__{of: Life.of(), high_since: integer() | nil}

  @doc "The queue of that OS process, or `nil` if nobody is to know of it."
  @spec new(Life.of()) :: t() | nil
  def new(of), do: if(Telemetry.on?(), do: %__MODULE__{of: of})

  @doc "So many messages wait that the port does not take."
  @spec grown(t() | nil, pos_integer()) :: t() | nil
  def grown(%{high_since: nil} = queue, length) when length >= @high, do: high(queue, length)
  def grown(queue, _length), do: queue

  defp high(queue, length) do
    now = System.monotonic_time()
    measurements = %{length: length, monotonic_time: now, system_time: System.system_time()}
    Telemetry.execute([:queue, :high], measurements, queue.of)
    %{queue | high_since: now}
  end

  @doc "All is written."
  @spec emptied(t() | nil) :: t() | nil
  def emptied(%{high_since: since} = queue) when since != nil do
    now = System.monotonic_time()
    system_time = System.system_time()
    measurements = %{duration: now - since, monotonic_time: now, system_time: system_time}
    Telemetry.execute([:queue, :low], measurements, queue.of)
    %{queue | high_since: nil}
  end

  def emptied(queue), do: queue
end
