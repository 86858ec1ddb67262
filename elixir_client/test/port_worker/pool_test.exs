defmodule PortWorker.PoolTest do
  # Several OS processes behind one name.
  use ExUnit.Case, async: true

  import PortWorker.ScriptedWorker
  import PortWorker.TestWorker, only: [leftovers: 0, retry: 1]
  import ExUnit.CaptureLog

  alias PortWorker.{Error, TestWorker}

  @eager [backoff_min: 1, backoff_max: 1, max_restarts: 100]

  # A pool of programs that the test speaks for, in no order.
  defp start(size, opts \\ [], peer_opts \\ []) do
    {name, opts} = Keyword.pop(opts, :name)
    name = if name, do: [name: name], else: []
    opts = name ++ Keyword.merge(listen(peer_opts) ++ @eager ++ [size: size], opts)
    worker = start_supervised!({PortWorker, opts})
    peers = for _ <- 1..size, do: started()
    {worker, peers}
  end

  defp started do
    assert_receive {:peer, peer, {:started, _os_pid}}
    assert_receive {:peer, ^peer, {:hello, _}}
    peer
  end

  # The peer that gets a call with these options, and the task.
  defp route(worker, opts \\ []) do
    task = PortWorker.start_task(worker, "f", [], opts)
    %{ref: ref} = task
    assert_receive {:peer, peer, {:call, ^ref, "f", [], _opts}}
    {peer, task}
  end

  defp reply(peer, %{ref: ref}, value), do: say(peer, {:result, ref, {:ok, value}})

  defp restarted(worker, size) do
    peer = started()
    retry(fn -> Enum.count(PortWorker.status(worker).workers, &(&1.state == :up)) == size end)
    peer
  end

  # With its process down, so that its calls have to go elsewhere.
  defp bring_down(worker, peer) do
    up = fn -> Enum.count(PortWorker.status(worker).workers, &(&1.state == :up)) end
    before = up.()
    hang_up(peer)
    retry(fn -> up.() < before end)
  end

  describe "a call without a key" do
    for route <- [:least_busy, :round_robin] do
      test "goes to each in turn while all are idle, by #{route}" do
        {worker, peers} = start(3, route: unquote(route))

        counts =
          Enum.frequencies(
            for _ <- 1..30 do
              {peer, task} = route(worker)
              reply(peer, task, 1)
              assert PortWorker.await(task) == {:ok, 1}
              peer
            end
          )

        assert counts == Map.new(peers, &{&1, 10})
      end
    end

    test "does not go to one that is stuck, by default" do
      {worker, peers} = start(3)
      {stuck, task} = route(worker)
      Enum.each(peers -- [stuck], &answer/1)
      for _ <- 1..100, do: assert(PortWorker.run(worker, "g") == {:ok, "g"})
      refute_received {:peer, ^stuck, {:call, _, "g", _, _}}
      reply(stuck, task, 1)
      assert PortWorker.await(task) == {:ok, 1}
    end

    test "is spread when nothing is answered" do
      {worker, peers} = start(3)
      counts = Enum.frequencies(for _ <- 1..30, do: worker |> route() |> elem(0))
      assert counts == Map.new(peers, &{&1, 10})
      assert PortWorker.status(worker).in_flight == 30
    end

    test "goes to each in turn, stuck or not, by round_robin" do
      {worker, _peers} = start(2, route: :round_robin)
      peers = for _ <- 1..6, do: worker |> route() |> elem(0)
      assert [a, b, a, b, a, b] = peers
      assert a != b
    end
  end

  describe "a call with a key" do
    test "goes to the same process as all others with it" do
      {worker, peers} = start(4)
      by_key = for key <- 1..100, do: {key, worker |> route(key: key) |> elem(0)}
      for {key, peer} <- by_key, do: assert({^peer, _} = route(worker, key: key))
      # No process is without keys.
      assert by_key |> Enum.map(&elem(&1, 1)) |> Enum.uniq() |> Enum.sort() == Enum.sort(peers)
    end

    test "goes to one other while that is down, as those with another key go on, and comes back" do
      {worker, _peers} = start(3)
      before = for key <- 1..60, into: %{}, do: {key, worker |> route(key: key) |> elem(0)}
      down = before[1]
      indices = fn -> for key <- 1..60, into: %{}, do: {key, index(worker, key)} end
      first = indices.()

      # It stays down for as long as the test needs.
      :sys.suspend(worker)
      hang_up(down)
      retry(fn -> index(worker, 1) != first[1] end)
      during = indices.()
      {moved, stayed} = Enum.split_with(first, fn {_key, index} -> index == first[1] end)
      for {key, index} <- stayed, do: assert(during[key] == index)
      for {key, index} <- moved, do: assert(during[key] != index)
      # They are spread over all that are left.
      assert moved |> Enum.map(fn {key, _} -> during[key] end) |> Enum.uniq() |> length() == 2
      assert during == indices.()

      :sys.resume(worker)
      restarted(worker, 3)
      assert indices.() == first
    end

    test "of nil is one without" do
      {worker, _peers} = start(2, route: :round_robin)

      assert 2 ==
               for(_ <- 1..2, do: worker |> route(key: nil) |> elem(0)) |> Enum.uniq() |> length()
    end

    test "may be any call" do
      worker = start_supervised!({PortWorker, command: TestWorker.path(), size: 2})
      key = [key: {:user, 5}]
      assert PortWorker.run(worker, "double", [2], key) == {:ok, 4}
      assert worker |> PortWorker.stream("range", [0, 3], key) |> Enum.to_list() != []

      assert worker |> PortWorker.async_stream([1, 2], "double", key) |> Enum.to_list() == [
               ok: 2,
               ok: 4
             ]

      assert PortWorker.group(worker, [{"double", [1]}], key) == {:ok, [ok: 2]}
      assert {:ok, channel} = PortWorker.open(worker, "echo", [], key)
      PortWorker.close(channel)
    end
  end

  # Where calls with a key go.
  defp index(worker, key) do
    call = PortWorker.Call.new!("f", [], key: key)
    {:ok, %{key: {_worker, index}}} = PortWorker.Routes.fetch(worker, call)
    index
  end

  describe "one that dies" do
    test "takes only its own calls, all of them" do
      {worker, peers} = start(3)
      calls = for _ <- 1..90, do: route(worker)
      [dead | alive] = peers
      hang_up(dead)

      {lost, others} = Enum.split_with(calls, fn {peer, _task} -> peer == dead end)
      assert length(lost) == 30

      for {_peer, task} <- lost do
        assert {:error, %Error{reason: :worker_down}} = PortWorker.await(task)
      end

      for {peer, task} <- others do
        assert peer in alive
        reply(peer, task, peer)
        assert PortWorker.await(task) == {:ok, peer}
      end

      back = restarted(worker, 3)
      assert back not in peers
      assert PortWorker.status(worker).restarts == 1
      assert leftovers() == []
    end

    test "costs callers under load no more than what it was doing" do
      opts = [command: TestWorker.path(), size: 3] ++ @eager
      worker = start_supervised!({PortWorker, opts})
      test = self()
      callers = 16

      tasks =
        for _ <- 1..callers do
          Task.async(fn ->
            outcomes = for n <- 1..300, do: call(worker, n, test)
            Enum.frequencies(outcomes)
          end)
        end

      # All are at work.
      for _ <- 1..callers, do: assert_receive(:under_way)
      %{workers: [%{os_pid: os_pid} | _]} = PortWorker.status(worker)
      signal(os_pid, "KILL")

      counts =
        tasks
        |> Task.await_many(30_000)
        |> Enum.reduce(&Map.merge(&1, &2, fn _, a, b -> a + b end))

      lost = Map.get(counts, :worker_down, 0)
      assert counts[:ok] + lost == callers * 300
      # Each caller has one call at a time.
      assert lost <= callers
      retry(fn -> PortWorker.status(worker).restarts == 1 end)
    end

    test "is started again with pauses of its own; the others are not" do
      {worker, [dead | alive]} = start(2)
      bring_down(worker, dead)
      restarted(worker, 2)
      assert Enum.sort(for(w <- PortWorker.status(worker).workers, do: w.restarts)) == [0, 1]
      Enum.each(alive, &answer/1)
      refute_received {:peer, _, :closed}
    end

    test "too often makes the pool give up, and the others may finish" do
      {:ok, worker} =
        start_unlinked(listen() ++ [size: 2, max_restarts: 1, backoff_min: 1, backoff_max: 1])

      peers = for _ <- 1..2, do: started()
      monitor = Process.monitor(worker)
      {good, task} = route(worker)
      [bad] = peers -- [good]
      hang_up(bad)
      bad = restarted(worker, 2)

      log =
        capture_log(fn ->
          hang_up(bad)
          assert_receive {:peer, ^good, :drain}
          reply(good, task, 1)
          assert PortWorker.await(task) == {:ok, 1}
          hang_up(good)
          assert_receive {:DOWN, ^monitor, _, _, {:gave_up, %Error{reason: :worker_down}}}
        end)

      assert log =~ "giving up after 2 failures"
    end

    test "leaves failures of different processes uncounted together" do
      {worker, peers} = start(3, max_restarts: 1)

      for peer <- peers do
        bring_down(worker, peer)
        restarted(worker, 3)
      end

      assert PortWorker.status(worker).restarts == 3
    end
  end

  defp call(worker, n, test) do
    if n == 20, do: send(test, :under_way)

    case PortWorker.run(worker, "double", [n]) do
      {:ok, double} when double == 2 * n -> :ok
      {:error, %Error{reason: reason}} -> reason
    end
  end

  defp start_unlinked(opts) do
    with {:ok, worker} <- PortWorker.start_link(opts) do
      Process.unlink(worker)
      {:ok, worker}
    end
  end

  test "while all are down calls are refused, and say why" do
    {worker, peers} = start(2, backoff_min: 60_000, backoff_max: 60_000)
    Enum.each(peers, &hang_up/1)
    retry(fn -> PortWorker.status(worker).state == :down end)

    for opts <- [[], [key: 1]] do
      assert {:error, %Error{reason: :worker_down} = error} =
               PortWorker.run(worker, "f", [], opts)

      assert error.message =~ "exited with status 1"
    end
  end

  test "those that ask to be replaced are, one at a time, while the others take the calls" do
    {worker, [first, second, third]} = start(3, [], exit_status: 0)
    {^first, running} = until_routed(worker, first)
    say(first, {:replace, %{reason: "tired"}})
    assert_receive {:peer, ^first, :drain}
    say(second, {:replace, %{reason: "tired too"}})

    answered(worker, second)
    refute_received {:peer, ^second, :drain}

    for _ <- 1..20 do
      {peer, task} = route(worker)
      assert peer in [second, third]
      reply(peer, task, 1)
      assert PortWorker.await(task) == {:ok, 1}
    end

    reply(first, running, 1)
    assert PortWorker.await(running) == {:ok, 1}
    hang_up(first)
    new = started()
    assert_receive {:peer, ^second, :drain}
    hang_up(second)
    newer = restarted(worker, 3)
    refute_received {:peer, _any, :drain}
    assert %{restarts: 2, state: :up} = PortWorker.status(worker)
    for peer <- [new, newer, third], do: answered(worker, peer)
  end

  # Calls until one goes to that peer.
  defp until_routed(worker, peer) do
    case route(worker) do
      {^peer, task} ->
        {peer, task}

      {other, task} ->
        reply(other, task, 0)
        PortWorker.await(task)
        until_routed(worker, peer)
    end
  end

  # What a peer has said before the answer to a call is dealt with before it.
  defp answered(worker, peer) do
    {^peer, task} = until_routed(worker, peer)
    reply(peer, task, 1)
    assert PortWorker.await(task) == {:ok, 1}
  end

  describe "what is known:" do
    test "status has all together, and each" do
      {worker, _peers} = start(2, name: __MODULE__.Known)
      route(worker)
      status = PortWorker.status(__MODULE__.Known)

      assert %{state: :up, os_pid: nil, name: "scripted", version: "1.2.3"} = status
      assert %{restarts: 0, in_flight: 1, error: nil} = status
      assert [%{worker: {__MODULE__.Known, 1}}, %{worker: {__MODULE__.Known, 2}}] = status.workers
      assert status.workers |> Enum.map(& &1.os_pid) |> Enum.uniq() |> length() == 2
      assert status.workers |> Enum.map(& &1.in_flight) |> Enum.sort() == [0, 1]
    end

    test "status of one alone is as ever" do
      worker = start_supervised!({PortWorker, listen() ++ [size: 1]})
      refute is_map_key(PortWorker.status(worker), :workers)
    end

    test "stats are each one's own" do
      worker = start_supervised!({PortWorker, command: TestWorker.path(), size: 2})

      assert %{workers: [%{stats: %{calls: _}}, %{stats: %{calls: _}}]} =
               PortWorker.status(worker, stats: true)

      assert [_ | _] = PortWorker.functions(worker)
    end

    test "one can be asked by its index" do
      worker = start_supervised!({PortWorker, command: TestWorker.path(), size: 2})
      %{workers: workers} = PortWorker.status(worker)

      for %{worker: {^worker, index} = one} <- workers do
        assert PortWorker.run(one, "double", [index]) == {:ok, 2 * index}
      end

      [second] = for %{worker: {_, 2}, os_pid: os_pid} <- workers, do: os_pid
      assert {:ok, [_ | _]} = PortWorker.history({worker, 2})
      signal(second, "KILL")
      retry(fn -> match?({:error, _}, PortWorker.run({worker, 2}, "double", [1])) end)
      assert {:error, %Error{message: message}} = PortWorker.run({worker, 3}, "double", [1])
      assert message =~ "no worker {#{inspect(worker)}, 3} is running"
    end

    test "logs say which it was" do
      {_worker, [peer, _other]} = start(2, name: __MODULE__.Logs)

      log =
        capture_log([metadata: [:portworker, :portworker_index]], fn ->
          say(peer, {:log, :warning, "careful", %{}})
          answered(__MODULE__.Logs, peer)
        end)

      assert log =~ ~r/portworker=#{inspect(__MODULE__.Logs)}.*portworker_index=[12]/
      assert log =~ ~r/\{#{inspect(__MODULE__.Logs)}, [12]\}: careful/
    end
  end

  for {kind, name} <- [
        {"a via name", {:via, :global, :portworker_pool_test_via}},
        {"a global name", {:global, :portworker_pool_test}}
      ] do
    test "has #{kind}" do
      {worker, _peers} = start(2, name: unquote(Macro.escape(name)))
      assert {_peer, _task} = route(unquote(Macro.escape(name)))
      assert {_peer, _task} = route({worker, 1})
    end
  end

  test "stop drains all, at the same time" do
    {worker, [one, two]} = start(2, [], exit_status: 0)
    stopped = Task.async(fn -> PortWorker.stop(worker) end)
    assert_receive {:peer, ^one, :drain}
    assert_receive {:peer, ^two, :drain}
    hang_up(two)
    hang_up(one)
    assert Task.await(stopped) == :ok
  end

  test "it starts when all have come up, or not at all" do
    Process.flag(:trap_exit, true)
    hello = fn count -> if count == 1, do: %{protocol: 2}, else: %{} end
    assert {:error, error} = PortWorker.start_link(listen(hello: hello) ++ [size: 3])
    assert error.message =~ "speaks version 2 of the protocol"
    for _ <- 1..3, do: assert_receive({:peer, _peer, :closed})
  end

  test "channels, streams and groups stay where they began" do
    worker = start_supervised!({PortWorker, command: TestWorker.path(), size: 3})
    channels = for _ <- 1..6, do: elem(PortWorker.open(worker, "echo"), 1)

    for n <- 1..100, channel <- channels do
      assert PortWorker.send(channel, n) == :ok
      assert PortWorker.recv(channel) == {:ok, n}
    end

    assert PortWorker.status(worker).in_flight == 6
    Enum.each(channels, &PortWorker.close/1)
    calls = for n <- 1..50, do: {"double", [n]}
    assert PortWorker.group(worker, calls) == {:ok, for(n <- 1..50, do: {:ok, 2 * n})}
    retry(fn -> PortWorker.status(worker).in_flight == 0 end)
  end
end
