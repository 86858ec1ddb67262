defmodule PortWorker.Pending do
  @moduledoc false
  # What those who call share with a connection.
  #
  # Each call gets its number here. Whoever starts a task, for which nobody may wait, enters it in a table
  # before it is sent. A table costs no message and no monitor, and outlives a connection that is killed: its
  # server inherits it, and tells those that wait.
  #
  # Nothing is taken out of the table when a task is answered: callers and connection would get into each other's way
  # there, at several times the price. A row belongs to one of some slots, which are atomics. One that holds the
  # number of a task is taken; to set it free is to answer for the task, and only one can. The row is
  # written over by the next task in that slot. A task whose slot is taken has a row to itself, which goes with it.
  #
  # It also says whether calls still go to the connection, so that a process may keep the route, and whether any of those that
  # went there is under way. That no more are to come is said in the counts themselves, which every call looks at anyway.

  alias PortWorker.{Calls, Error}

  @opaque t :: {:ets.tid(), marks :: :atomics.atomics_ref(), slots :: :atomics.atomics_ref()}
  @typedoc "Where a task is entered."
  @opaque place :: slot :: pos_integer() | :table

  # As many tasks as are often under way at once: few enough for rows to be in a processor's cache when they are written
  # over. A power of two.
  @slots 1_024

  @made 1
  @sent 2
  @options 3
  # Written by the connection again and again: far enough from what callers write that no two processors share it.
  @answered 20

  @compile {:inline, write: 3}

  # Added to a count: to the calls made, that no more are to come; to the calls sent, that nobody looks after tasks any more. More
  # than can be counted to, and less than what takes the VM longer to compare.
  @over Bitwise.bsl(1, 58)

  @doc "An empty table of the calling process, which `heir` gets in an `:\"ETS-TRANSFER\"` message should this process be killed."
  @spec new(heir :: pid()) :: t()
  def new(heir) do
    table = :ets.new(__MODULE__, [:set, :public])
    pending = {table, :atomics.new(@answered, []), :atomics.new(@slots, [])}
    true = :ets.setopts(table, {:heir, heir, pending})
    pending
  end

  @doc "The number of the next call, wherever calls go."
  @spec next(t()) :: Calls.id()
  def next({_table, marks, _slots}), do: :atomics.add_get(marks, @made, 1) |> rem(@over)

  @doc "The same if calls go here, else `nil`."
  @spec next_if_current(t()) :: Calls.id() | nil
  def next_if_current({_table, marks, _slots}) do
    id = :atomics.add_get(marks, @made, 1)
    if id < @over, do: id
  end

  @doc "The number of the last call."
  @spec made(t()) :: non_neg_integer()
  def made({_table, marks, _slots}), do: marks |> :atomics.get(@made) |> rem(@over)

  @doc "The number of the next options that the worker is to keep."
  @spec next_options(t()) :: pos_integer()
  def next_options({_table, marks, _slots}), do: :atomics.add_get(marks, @options, 1)

  @doc """
  A call is about to be sent, of any kind, and a task has been entered. Returns how many have been by now. If that is
  `open_by/1`, the task is looked after: it is answered, come what may; of others nobody may know.
  """
  @spec sent(t()) :: pos_integer()
  def sent({_table, marks, _slots}), do: :atomics.add_get(marks, @sent, 1)

  @doc "Whether tasks were still looked after when so many calls had been sent."
  defguard open_by(sent) when sent < @over

  @doc """
  Whether the call that was `sent` by that number is alone: all before it have been answered, so that nothing that is
  still to be written could matter to it.
  """
  @spec alone?(t(), pos_integer()) :: boolean()
  def alone?({_table, marks, _slots}, sent), do: :atomics.get(marks, @answered) == sent - 1

  @doc "So many calls have been answered by now."
  @spec answered(t(), non_neg_integer()) :: :ok
  def answered({_table, marks, _slots}, count), do: :atomics.put(marks, @answered, count)

  @doc "No new calls are to come here, though those that do are looked after."
  @spec withdraw(t()) :: :ok
  def withdraw({_table, marks, _slots}), do: mark(marks, @made)

  # By one process at a time: the connection, or its server when it is dead.
  defp mark(marks, count) do
    if :atomics.get(marks, count) < @over, do: :atomics.add(marks, count, @over)
    :ok
  end

  @doc "Whether calls go here."
  @spec current?(t()) :: boolean()
  def current?({_table, marks, _slots}), do: :atomics.get(marks, @made) < @over

  @doc "Enters a task. Returns where."
  @spec add(t(), Calls.id(), pid(), reference(), function :: String.t()) :: place()
  def add({table, _marks, slots}, id, pid, ref, function) do
    slot = Bitwise.band(id, @slots - 1) + 1

    case :atomics.compare_exchange(slots, slot, 0, id) do
      :ok -> write(table, {slot, id, pid, ref, function}, slot)
      _taken -> write(table, {{id}, id, pid, ref, function}, :table)
    end
  end

  defp write(table, row, place) do
    :ets.insert(table, row)
    place
  rescue
    # The table is gone, and so it is closed.
    ArgumentError -> place
  end

  @doc "Whether tasks are still looked after."
  @spec open?(t()) :: boolean()
  def open?({_table, marks, _slots}), do: :atomics.get(marks, @sent) |> open_by()

  @doc """
  Takes a task out, and returns whether the caller of this is the one who did: then it has to see to the
  answer, and nobody else will. `:gone` is for a table that was closed and emptied meanwhile: the answer has been
  sent, if the task was in it.
  """
  @spec claim(t(), Calls.id(), place()) :: boolean() | :gone
  def claim({table, _marks, _slots}, id, :table) do
    :ets.take(table, {id}) != []
  rescue
    ArgumentError -> :gone
  end

  def claim({_table, _marks, slots}, id, slot) do
    :atomics.compare_exchange(slots, slot, id, 0) == :ok
  end

  @doc "The function of a task that is in there, else `nil`."
  @spec function(t(), Calls.id(), place()) :: String.t() | nil
  def function({table, _marks, _slots}, id, place) do
    key = if place == :table, do: {id}, else: place

    case :ets.lookup(table, key) do
      [{^key, ^id, _pid, _ref, function}] -> function
      _anothers -> nil
    end
  rescue
    # The table is gone.
    ArgumentError -> nil
  end

  @doc "The numbers of all tasks."
  @spec all(t()) :: [Calls.id()]
  def all({table, _marks, slots}) do
    for {place, id, _pid, _ref, _function} <- :ets.tab2list(table),
        is_tuple(place) or :atomics.get(slots, place) == id,
        do: id
  end

  @doc "From now on nobody looks after what is entered."
  @spec close(t()) :: :ok
  def close({_table, marks, _slots} = pending) do
    withdraw(pending)
    mark(marks, @sent)
  end

  @doc "The end of a table that is closed: all tasks in it are answered with the error."
  @spec fail(t(), Error.t()) :: :ok
  def fail({table, _marks, _slots} = pending, error) do
    for {place, id, pid, ref, function} <- :ets.tab2list(table),
        claim(pending, id, if(is_tuple(place), do: :table, else: place)) do
      send(pid, {ref, {:error, %{error | function: function}}})
    end

    :ets.delete(table)
    :ok
  end
end
