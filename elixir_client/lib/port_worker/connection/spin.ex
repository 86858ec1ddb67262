defmodule PortWorker.Connection.Spin do
  @moduledoc false
  # A connection that waits for the answer to a lone call stays awake for a while.
  #
  # A scheduler that has nothing to do looks for input once, and sleeps; to wake it takes longer than most workers
  # need for a small call. One that has something to do looks for input in between, each time some thousand
  # reductions have been used. So the connection uses some up, lets others run, and begins anew.
  #
  # That takes the scheduler's time from nobody, but it takes the processor's. When answers do not come while it is
  # awake, it does so for ever fewer calls. And it is only done for one who calls again and again: where several do,
  # a connection that is awake would write each call by itself.

  alias PortWorker.Executable

  # Reductions of one turn: half of what a process has before others run, a fourth of what is between two looks.
  @turn 2_000
  # Turns between two looks at messages of all kinds, which take longer than the turns.
  @at_once 4
  # And so many times that between two looks at the clock.
  @turns 8
  # Calls in a row that must have been lone.
  @row 8
  # Of so many calls one is tried at least.
  @most_left_out 64

  # Where the turns are counted: in the dictionary of the process, for a state would be copied in each.
  @left :"$portworker_turns"

  @enforce_keys [:limit]
  # Times are in native units. `row` is how many lone calls are missing in the row, `missed` how many times in a row no
  # answer has come, and `rest` how many calls are left out now. It sleeps from `until` on, which is nil before the first
  # look at the clock.
  defstruct [:limit, awake?: false, until: nil, row: @row, missed: 0, rest: 0]

  @type t :: %__MODULE__{
          limit: non_neg_integer(),
          awake?: boolean(),
          until: integer() | nil,
          row: non_neg_integer(),
          missed: non_neg_integer(),
          rest: non_neg_integer()
        }

  @doc "For about so many microseconds; for none where the worker would have no processor meanwhile."
  @spec new(non_neg_integer()) :: t()
  def new(microseconds) do
    microseconds = if processors() == 1, do: 0, else: microseconds
    %__MODULE__{limit: System.convert_time_unit(microseconds, :microsecond, :native)}
  end

  defp processors, do: :erlang.system_info(:logical_processors_available)

  @doc "A lone call has been written: whether to stay awake."
  @spec begin(t()) :: {:awake | :asleep, t()}
  def begin(%{limit: 0} = spin), do: {:asleep, spin}
  def begin(%{row: row} = spin) when row > 0, do: {:asleep, %{spin | row: row - 1}}
  def begin(%{rest: rest} = spin) when rest > 0, do: {:asleep, %{spin | rest: rest - 1}}

  def begin(spin) do
    _ = Process.put(@left, @turns)
    {:awake, %{spin | awake?: true, until: nil}}
  end

  @doc "A call has been written beside others."
  @spec crowd(t()) :: t()
  def crowd(%{row: @row} = spin), do: spin
  def crowd(spin), do: %{spin | row: @row}

  @doc """
  Nothing has come yet: lets others run and the scheduler look for input, some times. Returns what the port has said by then, or
  whether to stay awake, as it is or changed; other messages are left to the next look at all of them.
  """
  @spec turn(t(), Executable.program()) :: {:said, tuple()} | :awake | {:awake | :asleep, t()}
  def turn(%{awake?: false} = spin, _port), do: {:asleep, spin}

  def turn(spin, port) do
    case Process.get(@left) do
      0 ->
        look(spin, :erlang.monotonic_time())

      left ->
        _ = Process.put(@left, left - 1)
        turns(@at_once, port)
    end
  end

  defp turns(0, _port), do: :awake

  defp turns(left, port) do
    _ = :erlang.bump_reductions(@turn)

    receive do
      {^port, {:data, _packet}} = message -> {:said, message}
    after
      0 -> turns(left - 1, port)
    end
  end

  # A number is less than nil.
  defp look(%{until: until} = spin, now) when now < until do
    _ = Process.put(@left, @turns)
    {:awake, %{spin | until: until || now + spin.limit}}
  end

  defp look(%{missed: missed} = spin, _now) do
    rest = min(Bitwise.bsl(1, min(missed, 6)), @most_left_out) - 1
    {:asleep, %{spin | awake?: false, missed: missed + 1, rest: rest}}
  end

  @doc "An answer has come."
  @spec answered(t()) :: t()
  def answered(%{awake?: false} = spin), do: spin
  def answered(spin), do: %{spin | awake?: false, missed: 0}
end
