defmodule PortWorker.Pending do
  @moduledoc false
  # The tasks of one connection that have not been answered. Whoever starts a task enters it here before
  # it is sent; the connection strikes it out with the answer.
  #
  # It is a table, so that a task costs no message to the connection and no monitor, and so that it
  # outlives a connection that is killed: its server inherits it, and tells those that wait.

  alias PortWorker.Error

  @opaque t :: {:ets.tid(), closed :: :atomics.atomics_ref()}

  @doc "An empty table of the calling process, which `heir` gets in an `:\"ETS-TRANSFER\"` message should this process be killed."
  @spec new(heir :: pid()) :: t()
  def new(heir) do
    table = :ets.new(__MODULE__, [:set, :public])
    pending = {table, :atomics.new(1, [])}
    true = :ets.setopts(table, {:heir, heir, pending})
    pending
  end

  @doc "Enters a task, whose answer goes to the alias `ref`."
  @spec add(t(), reference(), function :: String.t()) :: :ok
  def add({table, _closed}, ref, function) do
    :ets.insert(table, {ref, function})
    :ok
  rescue
    # The table is gone, and so it is closed.
    ArgumentError -> :ok
  end

  @doc """
  Whether it is still looked after. A task that was entered before is answered then, come what may; of one that
  was not, nobody may know.
  """
  @spec open?(t()) :: boolean()
  def open?({_table, closed}), do: :atomics.get(closed, 1) == 0

  @doc "Strikes a task out."
  @spec strike(t(), reference()) :: true
  def strike({table, _closed}, ref), do: :ets.delete(table, ref)

  @doc "Strikes a task out. Returns its function, or `nil` if there is no such task."
  @spec take(t(), reference()) :: String.t() | nil
  def take({table, _closed}, ref) do
    case :ets.take(table, ref) do
      [{^ref, function}] -> function
      [] -> nil
    end
  end

  @doc "The function of a task, or `nil` if there is no such task."
  @spec function(t(), reference()) :: String.t() | nil
  def function({table, _closed}, ref) do
    case :ets.lookup(table, ref) do
      [{^ref, function}] -> function
      [] -> nil
    end
  end

  @doc "All tasks."
  @spec all(t()) :: [{reference(), function :: String.t()}]
  def all({table, _closed}), do: :ets.tab2list(table)

  @doc "From now on nobody looks after what is entered. Returns the tasks that are still to be answered."
  @spec close(t()) :: [{reference(), function :: String.t()}]
  def close({_table, closed} = pending) do
    :atomics.put(closed, 1, 1)
    all(pending)
  end

  @doc "Ends a table that is closed."
  @spec delete(t()) :: true
  def delete({table, _closed}), do: :ets.delete(table)

  @doc "The end of a table that was inherited: all tasks are answered with the error."
  @spec fail(t(), Error.t()) :: :ok
  def fail(pending, error) do
    for {ref, function} <- close(pending) do
      send(ref, {ref, {:error, %{error | function: function}}})
    end

    delete(pending)
    :ok
  end
end
