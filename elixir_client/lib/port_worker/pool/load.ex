defmodule PortWorker.Pool.Load do
  @moduledoc false
  # How much the OS processes of one worker have to do: for each, the calls that were written and those
  # that were answered. Any process can read it, without asking anybody.
  #
  # A call is counted when it is written and not when it is routed. So nothing has to be undone for a call that
  # is never sent, and what a dead connection has counted goes with it.

  @enforce_keys [:counts, :size]
  defstruct [:counts, :size]

  @type t :: %__MODULE__{counts: :atomics.atomics_ref(), size: pos_integer()}
  @typedoc "The counts of one OS process. They are written by its connection only."
  @type share :: {:atomics.atomics_ref(), written :: pos_integer()}

  # The first count is that of turns; two follow for each OS process.
  @turns 1
  # More than any process can have to do, and small enough to be added to.
  @closed Bitwise.bsl(1, 60)

  @doc "The load of `size` OS processes, of which none takes calls yet."
  @spec new(pos_integer()) :: t()
  def new(size) do
    load = %__MODULE__{counts: :atomics.new(2 * size + 1, []), size: size}
    for index <- 1..size, do: load |> share(index) |> close()
    load
  end

  @doc "The part of the process of that index, from 1."
  @spec share(t(), pos_integer()) :: share()
  def share(%__MODULE__{counts: counts}, index), do: {counts, 2 * index}

  @doc "The process takes calls from now on, and has none."
  @spec open(share()) :: :ok
  def open({counts, written}) do
    :atomics.put(counts, written + 1, 0)
    :atomics.put(counts, written, 0)
  end

  @doc "The process takes no calls: every other one has less to do."
  @spec close(share()) :: :ok
  def close({counts, written}), do: :atomics.put(counts, written, @closed)

  @doc "So many calls more are written."
  @spec wrote(share(), non_neg_integer()) :: :ok
  def wrote({counts, written}, calls), do: :atomics.add(counts, written, calls)

  @doc "So many calls are answered, since the process was opened."
  @spec answered(share(), non_neg_integer()) :: :ok
  def answered({counts, written}, calls), do: :atomics.put(counts, written + 1, calls)

  @doc "Calls that were written and not answered; none of a process that takes no calls."
  @spec in_flight(share()) :: non_neg_integer()
  def in_flight({counts, written}) do
    case difference(counts, written) do
      count when count < div(@closed, 2) -> max(count, 0)
      _closed -> 0
    end
  end

  @doc "The index whose turn it is."
  @spec turn(t()) :: pos_integer()
  def turn(%__MODULE__{counts: counts, size: size}) do
    rem(:atomics.add_get(counts, @turns, 1), size) + 1
  end

  @doc """
  The index of the process that has least to do, leaving out those `tried`. Of several it is the first from where the turn is: when
  all are idle, each gets its share.
  """
  @spec least(t(), tried :: [pos_integer()]) :: pos_integer() | nil
  def least(%__MODULE__{} = load, tried), do: least(load, turn(load), load.size, tried, nil, nil)

  defp least(_load, _index, 0, _tried, best, _least), do: best

  defp least(%{counts: counts, size: size} = load, index, left, tried, best, least) do
    next = if index == size, do: 1, else: index + 1
    count = difference(counts, 2 * index)

    # A number is less than the `nil` of the beginning.
    if count < least and index not in tried,
      do: least(load, next, left - 1, tried, index, count),
      else: least(load, next, left - 1, tried, best, least)
  end

  defp difference(counts, written) do
    :atomics.get(counts, written) - :atomics.get(counts, written + 1)
  end
end
