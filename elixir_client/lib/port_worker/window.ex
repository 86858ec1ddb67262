defmodule PortWorker.Window do
  @moduledoc false
  # Bounds what a worker has on its way to this client: it goes on sending only as what
  # came before is acknowledged. Here the bytes are counted that were dealt with and not
  # acknowledged yet, so that one message can acknowledge many packets.
  #
  # A packet that only acknowledges wakes the worker for nothing else. So there is one only where a quarter of the
  # window would be held back, and what is worth it goes along with the next call. In a small window what is
  # not acknowledged would soon hold something up, so there each packet is.

  # Much below any sensible window, and worth a message that goes along.
  @batch 65_536

  @enforce_keys [:batch]
  defstruct [:batch, pending: 0]

  @type t :: %__MODULE__{batch: pos_integer() | :infinity, pending: non_neg_integer()}

  @doc "A window of so many bytes; `:infinity` is none."
  @spec new(pos_integer() | :infinity) :: t()
  def new(:infinity), do: %__MODULE__{batch: :infinity}
  def new(bytes) when bytes >= 4 * @batch, do: %__MODULE__{batch: div(bytes, 4)}
  def new(_small), do: %__MODULE__{batch: 1}

  @doc "A packet was dealt with. Returns how many bytes are to be acknowledged now."
  @spec consumed(t(), non_neg_integer()) :: {non_neg_integer(), t()}
  def consumed(%{batch: :infinity} = window, _bytes), do: {0, window}

  def consumed(window, bytes) do
    window = %{window | pending: window.pending + bytes}
    if window.pending >= window.batch, do: settle(window), else: {0, window}
  end

  @doc "How many bytes are to be acknowledged where something is written anyway."
  @spec along(t()) :: {non_neg_integer(), t()}
  def along(%{pending: pending} = window) when pending >= @batch, do: settle(window)
  def along(window), do: {0, window}

  @doc "The same when there is nothing to do: a large message may wait for the last few bytes."
  @spec settle(t()) :: {non_neg_integer(), t()}
  def settle(window), do: {window.pending, %{window | pending: 0}}

  @doc "Whether anything is not acknowledged yet."
  @spec pending?(t()) :: boolean()
  def pending?(window), do: window.pending > 0
end
