defmodule PortWorker.WaitingTest do
  # Callers that wait without a timer: those that make a call for the second time.
  use ExUnit.Case, async: true

  import PortWorker.ScriptedWorker
  import PortWorker.TestWorker, only: [leftovers: 0, remembered: 1, retry: 1]

  alias PortWorker.{Error, Routes, Waiting}

  defp scripted(_context) do
    worker = start_supervised!({PortWorker, listen() ++ [backoff_min: 1, backoff_max: 1]})
    assert_received {:peer, peer, {:started, _}}
    assert_received {:peer, ^peer, {:hello, _}}
    {:ok, %{connection: connection}} = Routes.fetch(worker)
    %{worker: worker, peer: peer, connection: connection}
  end

  # Runs it in a process that has made the call before. It returns what is in its mailbox as well, beside a message that was there.
  defp caller(worker, peer, fun) do
    test = self()

    pid =
      spawn_link(fn ->
        {:ok, 1} = PortWorker.run(worker, "f")
        send(self(), :before)
        send(test, {:done, fun.(), leftovers()})
        receive do: (:stop -> :ok)
      end)

    assert_receive {:peer, ^peer, {:call, id, "f", [], _}}
    say(peer, {:result, id, {:ok, 1}})
    pid
  end

  defp called(peer) do
    assert_receive {:peer, ^peer, {:call, id, "f", [], _}}
    id
  end

  defp flags_of(connection) do
    for {{^connection, pid}, flag} when is_pid(pid) <- :ets.tab2list(Waiting),
        do: {pid, :atomics.get(flag, 1)}
  end

  describe "a caller" do
    setup :scripted

    test "is in the table with its flag up while it waits, and goes from there when it ends",
         context do
      %{worker: worker, peer: peer, connection: connection} = context
      pid = caller(worker, peer, fn -> PortWorker.run(worker, "f") end)
      id = called(peer)
      assert [{^pid, 1}] = flags_of(connection)
      say(peer, {:result, id, {:ok, 2}})
      assert_receive {:done, {:ok, 2}, [:before]}
      assert [{^pid, 0}] = flags_of(connection)
      send(pid, :stop)
      retry(fn -> flags_of(connection) == [] end)
    end

    test "gets an answer that comes after it was nudged", %{worker: worker, peer: peer} do
      pid = caller(worker, peer, fn -> PortWorker.run(worker, "f") end)
      id = called(peer)
      # From then on it watches the connection.
      retry(fn -> match?({:monitors, [_]}, Process.info(pid, :monitors)) end)
      # Of an off-heap mailbox the order is nobody's promise.
      {:dictionary, dictionary} = Process.info(pid, :dictionary)
      send(pid, {dictionary[:"$portworker_waits_for"], :watch})
      say(peer, {:result, id, {:ok, 2}})
      assert_receive {:done, {:ok, 2}, [:before]}
    end

    test "gives up in time on a worker that does not answer", %{worker: worker, peer: peer} do
      caller(worker, peer, fn ->
        {:ok, 1} = PortWorker.run(worker, "f", [], timeout: 20)
        {micros, result} = :timer.tc(PortWorker, :run, [worker, "f", [], [timeout: 20]])
        {div(micros, 1_000), result}
      end)

      say(peer, {:result, called(peer), {:ok, 1}})
      id = called(peer)
      assert_receive {:done, {waited, {:error, error}}, [:before]}
      assert %Error{reason: :timeout, function: "f"} = error
      assert waited in 1_020..3_000
      assert_receive {:peer, ^peer, {:cancel, ^id}}
      assert {[], _, _, _} = remembered(worker)
    end

    test "hears of the end of the OS process", %{worker: worker, peer: peer} do
      caller(worker, peer, fn -> PortWorker.run(worker, "f") end)
      called(peer)
      hang_up(peer)
      assert_receive {:done, {:error, %Error{reason: :worker_down, function: "f"}}, [:before]}
    end

    test "hears of a connection that is killed", context do
      %{worker: worker, peer: peer, connection: connection} = context
      caller(worker, peer, fn -> PortWorker.run(worker, "f") end)
      called(peer)
      Process.exit(connection, :kill)
      assert_receive {:done, {:error, %Error{reason: :worker_down, function: "f"}}, [:before]}
      assert flags_of(connection) == []
    end

    test "hears of it where the connection has not seen the call", context do
      %{worker: worker, peer: peer, connection: connection} = context

      pid =
        caller(worker, peer, fn ->
          {:ok, 2} = PortWorker.run(worker, "f")
          receive do: (:go -> PortWorker.run(worker, "f"))
        end)

      say(peer, {:result, called(peer), {:ok, 2}})
      retry(fn -> flags_of(connection) == [{pid, 0}] end)
      :sys.suspend(connection)
      send(pid, :go)
      retry(fn -> flags_of(connection) == [{pid, 1}] end)

      retry(fn ->
        match?({:message_queue_len, n} when n > 0, Process.info(connection, :message_queue_len))
      end)

      Process.exit(connection, :kill)
      assert_receive {:done, {:error, %Error{reason: :worker_down}}, [:before]}
    end
  end

  describe "a flag" do
    # A process that stands for a connection.
    setup do
      %{connection: spawn(fn -> receive do: (:never -> :ok) end)}
    end

    defp kill(connection, flag) do
      Process.exit(connection, :kill)
      retry(fn -> :atomics.get(flag, 1) in [2, 3] end)
    end

    test "is one for a process and a connection", %{connection: connection} do
      flag = Waiting.register(connection)
      assert Waiting.register(connection) == flag
      assert Task.await(Task.async(fn -> Waiting.register(connection) end)) != flag
    end

    test "that is up has its process nudged, once", %{connection: connection} do
      flag = Waiting.register(connection)
      assert Waiting.begin(flag, ref = make_ref())
      kill(connection, flag)
      assert_receive {^ref, :gone}
      refute Waiting.begin(flag, make_ref())
      assert flags_of(connection) == []
      assert leftovers() == []
    end

    test "that is down has nobody nudged", %{connection: connection} do
      flag = Waiting.register(connection)
      assert Waiting.begin(flag, ref = make_ref())
      Waiting.over(flag, ref)
      kill(connection, flag)
      refute Waiting.begin(flag, make_ref())
      assert leftovers() == []
    end

    test "that is taken down has its process expect the nudge, with the answer there first",
         context do
      flag = Waiting.register(context.connection)
      assert Waiting.begin(flag, ref = make_ref())
      send(self(), {ref, :answer})
      kill(context.connection, flag)
      assert_receive {^ref, :answer}
      assert Waiting.over(flag, ref) == :ok
      assert leftovers() == []
    end

    test "that was owed a nudge by one who was killed gets it, if only a second time",
         %{connection: connection} do
      flag = Waiting.register(connection)
      assert Waiting.begin(flag, ref = make_ref())
      :ok = :atomics.put(flag, 1, 2)
      send(self(), {ref, :gone})
      assert_receive {^ref, :gone}
      Process.exit(connection, :kill)
      retry(fn -> :atomics.get(flag, 1) == 3 end)
      assert Waiting.nudged(flag, ref) == :ok
      assert leftovers() == []
    end

    test "is down for good, and soon forgotten, if its connection was gone before",
         %{connection: connection} do
      monitor = Process.monitor(connection)
      Process.exit(connection, :kill)
      assert_receive {:DOWN, ^monitor, _, _, _}
      flag = Waiting.register(connection)
      retry(fn -> :ets.match(Waiting, {{connection, :_}, :_}) == [] end)
      refute Waiting.begin(flag, make_ref())
      assert leftovers() == []
    end
  end

  test "nobody waits for ever, and nothing is left, whenever the connection is killed" do
    opts = [
      command: PortWorker.Binary.path(),
      backoff_min: 1,
      backoff_max: 1,
      max_restarts: 1_000
    ]

    worker = start_supervised!({PortWorker, opts})

    callers = for _ <- 1..8, do: Task.async(fn -> call_until_told(worker, MapSet.new()) end)

    for n <- 1..40 do
      connection = connection(worker)
      # Some of them with calls in the mailbox.
      if rem(n, 2) == 0, do: suspend(connection)
      Process.exit(connection, :kill)
    end

    connection(worker)
    for caller <- callers, do: send(caller.pid, :stop)

    for {seen, last, left} <- Task.await_many(callers, 60_000) do
      assert MapSet.subset?(seen, MapSet.new([:ok, :worker_down]))
      assert last == {:ok, 7}
      assert left == []
    end
  end

  defp call_until_told(worker, seen) do
    seen =
      case PortWorker.run(worker, "echo", [7]) do
        {:ok, 7} -> MapSet.put(seen, :ok)
        {:error, error} -> MapSet.put(seen, error.reason)
      end

    receive do
      :stop -> {seen, PortWorker.run(worker, "echo", [7]), leftovers()}
    after
      0 -> call_until_told(worker, seen)
    end
  end

  # One that is alive: the route of one that was killed is there for a while.
  defp connection(worker) do
    retry(fn ->
      with {:ok, %{connection: connection}} <- Routes.fetch(worker),
           true <- Process.alive?(connection),
           do: connection,
           else: (_down -> nil)
    end)
  end

  defp suspend(connection) do
    :erlang.suspend_process(connection)
    retry(fn -> match?({_, n} when n > 0, Process.info(connection, :message_queue_len)) end)
  end
end
