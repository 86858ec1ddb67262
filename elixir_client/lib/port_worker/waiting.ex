defmodule PortWorker.Waiting do
  @moduledoc false
  # Callers that wait for an answer without a timer of their own. To set one and to take it back, often from another scheduler than it
  # was set on, is a tenth of what a call costs the VM where many call.
  #
  # Others see to it that such a caller does not wait for ever: the connection, if there is no answer for a while, and this
  # process, when the connection is gone. They nudge it, with `{ref, :watch}` and `{ref, :gone}`, and it goes on with a timer and a
  # monitor.
  #
  # A connection nudges those it has not answered, and each once. This process does not know who has been: so a caller has a flag
  # for each connection, an atomic, which is up while it waits. To take that down is to owe it a nudge, which it then expects. A flag has its
  # place in a table, by connection; for which reference its caller waits is in the caller's dictionary.
  #
  # The table is the application's. So this process may be killed as well, and the next one goes on from it.

  use GenServer

  @waits_for :"$portworker_waits_for"

  # Of a flag. When its connection has ended it stays at one of the last two: the caller is owed a nudge, or nothing any more.
  @down 0
  @up 1
  @owed 2
  @gone 3

  # How long, in milliseconds, a nudge may take that is owed: this process may be killed in between, and owe it twice.
  @patience 1_000

  # Beside the flags for a connection stands that it is watched. A number comes before any pid, and a string after.
  @watched 0
  @past ""

  @type flag :: :atomics.atomics_ref()

  @spec start_link(term()) :: GenServer.on_start()
  def start_link(_arg), do: GenServer.start_link(__MODULE__, [], name: __MODULE__)

  @doc "Makes the table, which is the calling process's."
  @spec new() :: :ok
  def new do
    _ = :ets.new(__MODULE__, [:named_table, :ordered_set, :public, write_concurrency: true])
    :ok
  end

  @doc "The flag of the calling process for waiting for a connection, or `nil` if nobody would see to it."
  @spec register(connection :: pid()) :: flag() | nil
  def register(connection) do
    key = {connection, self()}
    :ets.insert_new(__MODULE__, {key, :atomics.new(1, [])})
    flag = :ets.lookup_element(__MODULE__, key, 2)

    # After the flag: who takes this out looks for flags then. If nobody gets the message, the next one looks through the table.
    if :ets.insert_new(__MODULE__, {{connection, @watched}, nil}),
      do: GenServer.cast(__MODULE__, {:watch, connection})

    flag
  rescue
    # The table is gone.
    ArgumentError -> nil
  end

  @doc "A process that may have a flag for the calling process, a connection, has ended."
  @spec unregister(pid()) :: :ok
  def unregister(pid) do
    _ = :ets.delete(__MODULE__, {self(), pid})
    :ok
  rescue
    ArgumentError -> :ok
  end

  @doc """
  The calling process is about to wait for `{ref, _}`. Returns whether it will be nudged: not where the connection is gone. Whatever comes
  then, it is `over/2` or, after `{ref, :gone}`, `nudged/2`.
  """
  @spec begin(flag(), reference()) :: boolean()
  def begin(flag, ref) do
    _ = Process.put(@waits_for, ref)
    :atomics.compare_exchange(flag, 1, @down, @up) == :ok
  end

  @doc "It has been answered, or nudged by the connection. Takes a nudge of this process's if one is owed."
  @spec over(flag(), reference()) :: :ok
  def over(flag, ref) do
    case :atomics.compare_exchange(flag, 1, @up, @down) do
      :ok ->
        :ok

      _owed_or_gone ->
        take_nudge(ref)
        nudged(flag, ref)
    end
  end

  @doc "It has been nudged by this process. Takes another nudge if this process was killed meanwhile, and the next has nudged again."
  @spec nudged(flag(), reference()) :: :ok
  def nudged(flag, ref) do
    with @gone <- :atomics.compare_exchange(flag, 1, @owed, @gone), do: take_nudge(ref)
  end

  defp take_nudge(ref) do
    receive do
      {^ref, :gone} -> :ok
    after
      @patience -> :ok
    end
  end

  @impl true
  def init(_arg) do
    watch_all(:ets.first(__MODULE__))
    {:ok, nil}
  end

  # Those that somebody waits for already.
  defp watch_all({connection, _pid}) do
    _ = Process.monitor(connection)
    watch_all(:ets.next(__MODULE__, {connection, @past}))
  end

  defp watch_all(:"$end_of_table"), do: :ok

  @impl true
  def handle_cast({:watch, connection}, state) do
    _ = Process.monitor(connection)
    {:noreply, state}
  end

  @impl true
  def handle_info({:DOWN, _monitor, :process, connection, _reason}, state) do
    _ = :ets.delete(__MODULE__, {connection, @watched})
    gone(connection, :ets.next(__MODULE__, {connection, @watched}))
    {:noreply, state}
  end

  defp gone(connection, {connection, pid} = key) do
    for {_key, flag} <- :ets.lookup(__MODULE__, key), do: take_down(flag, pid)
    _ = :ets.delete(__MODULE__, key)
    gone(connection, :ets.next(__MODULE__, key))
  end

  defp gone(_connection, _anothers), do: :ok

  defp take_down(flag, pid) do
    case :atomics.compare_exchange(flag, 1, @up, @owed) do
      :ok ->
        nudge(pid)

      @down ->
        with @up <- :atomics.compare_exchange(flag, 1, @down, @gone), do: take_down(flag, pid)

      # Whoever did this before has nudged or not.
      @owed ->
        with :ok <- :atomics.compare_exchange(flag, 1, @owed, @gone), do: nudge(pid)

      @gone ->
        :ok
    end
  end

  # It waits for that one until it has the nudge.
  defp nudge(pid) do
    with {:dictionary, dictionary} <- Process.info(pid, :dictionary) do
      {@waits_for, ref} = List.keyfind(dictionary, @waits_for, 0)
      send(pid, {ref, :gone})
    end
  end
end
