defmodule PortWorker.Pool.DeathTest do
  # Several OS processes behind one name: what the end of one means to the others.
  use ExUnit.Case, async: true

  import PortWorker.ScriptedPool
  import PortWorker.ScriptedWorker
  import PortWorker.TestWorker, only: [leftovers: 0, retry: 1]
  import ExUnit.CaptureLog

  alias PortWorker.{Error, TestWorker}

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
      opts = [command: TestWorker.path(), size: 3] ++ eager()
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
end
