defmodule PortWorker.Window do
  @moduledoc false
  # Bounds what a worker has on its way to this client: it goes on sending only as what
  # came before is acknowledged. Here the bytes are counted that were dealt with and not
  # acknowledged yet, so that one message can acknowledge many packets.

  # Much below any sensible window, and enough to make the messages few. In a small window
  # what is not acknowledged would soon hold something up, so there each packet is.
  @batch 65_536

  @enforce_keys [:batch]
  defstruct [:batch, pending: 0]

  @type t :: %__MODULE__{batch: pos_integer() | :infinity, pending: non_neg_integer()}

  @doc "A window of so many bytes; `:infinity` is none."
  @spec new(pos_integer() | :infinity) :: t()
  def new(:infinity), do: %__MODULE__{batch: :infinity}
  def new(bytes) when bytes >= 4 * @batch, do: %__MODULE__{batch: @batch}
  def new(_small), do: %__MODULE__{batch: 1}

  @doc "A packet was dealt with. Returns how many bytes are to be acknowledged now."
  @spec consumed(t(), non_neg_integer()) :: {non_neg_integer(), t()}
  def consumed(%{batch: :infinity} = window, _bytes), do: {0, window}

  def consumed(window, bytes) do
    window = %{window | pending: window.pending + bytes}
    if window.pending >= window.batch, do: settle(window), else: {0, window}
  end

  @doc "The same when there is nothing to do: a large message may wait for the last few bytes."
  @spec settle(t()) :: {non_neg_integer(), t()}
  def settle(window), do: {window.pending, %{window | pending: 0}}

  @doc "Whether anything is not acknowledged yet."
  @spec pending?(t()) :: boolean()
  def pending?(window), do: window.pending > 0
end
