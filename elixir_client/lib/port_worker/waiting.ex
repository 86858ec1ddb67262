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

  use GenServer

  @waits_for :"$portworker_waits_for"

  # Of a flag. It stays at the last when its connection has ended.
  @down 0
  @up 1
  @gone 2

  # How long, in milliseconds, a nudge may take that is owed: this process may be killed in between.
  @owed 1_000

  @type flag :: :atomics.atomics_ref()

  @spec start_link(term()) :: GenServer.on_start()
  def start_link(_arg), do: GenServer.start_link(__MODULE__, [], name: __MODULE__)

  @doc "Has those nudged that wait for the calling process, a connection, once it has ended."
  @spec look_after() :: :ok
  def look_after, do: GenServer.cast(__MODULE__, {:look_after, self()})

  @doc "The flag of the calling process for waiting for a connection, or `nil` if nobody would see to it."
  @spec register(connection :: pid()) :: flag() | nil
  def register(connection) do
    key = {connection, self()}
    :ets.insert_new(__MODULE__, {key, :atomics.new(1, [])})
    flag = :ets.lookup_element(__MODULE__, key, 2)

    # Of one that ends after this, the flags are looked for after this.
    if Process.alive?(connection) do
      flag
    else
      _ = :ets.delete(__MODULE__, key)
      nil
    end
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
  The calling process is about to wait for `{ref, _}`. Returns whether it will be nudged: not where the connection is gone. Whatever else comes
  than `{ref, :gone}`, it is `over/2` then.
  """
  @spec begin(flag(), reference()) :: boolean()
  def begin(flag, ref) do
    _ = Process.put(@waits_for, ref)
    :atomics.compare_exchange(flag, 1, @down, @up) == :ok
  end

  @doc "It has been answered, or nudged by the connection. Takes a nudge of this process's if one is owed."
  @spec over(flag(), reference()) :: :ok
  def over(flag, ref) do
    with @gone <- :atomics.compare_exchange(flag, 1, @up, @down) do
      receive do
        {^ref, :gone} -> :ok
      after
        @owed -> :ok
      end
    end
  end

  @impl true
  def init(_arg) do
    _ = :ets.new(__MODULE__, [:named_table, :ordered_set, :public, write_concurrency: true])
    {:ok, nil}
  end

  @impl true
  def handle_cast({:look_after, connection}, state) do
    _ = Process.monitor(connection)
    {:noreply, state}
  end

  @impl true
  def handle_info({:DOWN, _monitor, :process, connection, _reason}, state) do
    # A number comes before any pid.
    gone(connection, :ets.next(__MODULE__, {connection, 0}))
    {:noreply, state}
  end

  defp gone(connection, {connection, pid} = key) do
    for {_key, flag} <- :ets.take(__MODULE__, key),
        :atomics.exchange(flag, 1, @gone) == @up,
        do: nudge(pid)

    gone(connection, :ets.next(__MODULE__, key))
  end

  defp gone(_connection, _anothers), do: :ok

  # It waits for that one until it has the nudge.
  defp nudge(pid) do
    with {:dictionary, dictionary} <- Process.info(pid, :dictionary) do
      {@waits_for, ref} = List.keyfind(dictionary, @waits_for, 0)
      send(pid, {ref, :gone})
    end
  end
end
