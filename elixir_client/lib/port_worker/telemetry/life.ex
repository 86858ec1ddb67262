defmodule PortWorker.Telemetry.Life do
  @moduledoc false
  # The life of one OS process, as its connection tells it: it comes up, it answers pings, it goes down.

  alias PortWorker.{Error, Hello, Telemetry}

  @enforce_keys [:of, :started]
  defstruct [:of, :started, :up, :os_pid, :pinged]

  @typedoc "Which one: the worker, and the index among its OS processes."
  @type of :: %{worker: PortWorker.worker(), index: pos_integer()}

  @type t :: %__MODULE__{
          of: of(),
          started: integer(),
          up: integer() | nil,
          os_pid: pos_integer() | nil,
          pinged: integer() | nil
        }

  @doc "The executable of that worker is started, as its OS process `index`."
  @spec new(PortWorker.worker(), pos_integer()) :: t()
  def new(worker, index) do
    %__MODULE__{of: %{worker: worker, index: index}, started: now()}
  end

  @doc "The OS process has said hello."
  @spec up(t(), Hello.t()) :: t()
  def up(life, hello) do
    now = now()

    said = Map.take(hello, [:os_pid, :name, :version])
    Telemetry.execute([:worker, :up], measured(life.started, now), Map.merge(life.of, said))

    %{life | up: now, os_pid: hello.os_pid}
  end

  @doc "A ping is sent."
  @spec pinged(t()) :: t()
  def pinged(life), do: %{life | pinged: now()}

  @doc "It is answered."
  @spec ponged(t(), non_neg_integer()) :: :ok
  def ponged(life, in_flight) do
    now = now()
    measurements = %{duration: now - life.pinged, in_flight: in_flight, monotonic_time: now}
    Telemetry.execute([:heartbeat], measurements, life.of)
  end

  @doc "The OS process has ended, or cannot be used any more. `phase` is what it was, as its session calls it."
  @spec down(t(), Error.t(), :hello | :up | :draining) :: :ok
  def down(life, error, phase) do
    metadata = %{
      os_pid: life.os_pid,
      state: if(phase == :hello, do: :starting, else: phase),
      reason: error.reason,
      exit_status: exit_status(error.details)
    }

    now = now()
    measurements = measured(life.up || now, now)
    Telemetry.execute([:worker, :down], measurements, Map.merge(life.of, metadata))
  end

  defp exit_status(%{exit_status: status}), do: status
  defp exit_status(_unknown), do: nil

  defp measured(since, now) do
    %{duration: now - since, monotonic_time: now, system_time: System.system_time()}
  end

  defp now, do: System.monotonic_time()
end
