defmodule PortWorker.Pool.StatusTest do
  # Several OS processes behind one name: what is known of them, and how they start and stop.
  use ExUnit.Case, async: true

  import PortWorker.ScriptedPool
  import PortWorker.ScriptedWorker
  import PortWorker.TestWorker, only: [retry: 1]
  import ExUnit.CaptureLog

  alias PortWorker.{Error, TestWorker}

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
    hello = fn count -> if count == 1, do: %{protocol: 2}, else: %{} end
    opts = listen(hello: hello) ++ [size: 3, drain_timeout: 1]
    assert {:error, error} = PortWorker.start_link(opts)
    assert error.message =~ "speaks version 2 of the protocol"
    # None is left behind.
    assert_received {:peer, _peer, {:started, _os_pid}}

    for {:peer, _, {:started, os_pid}} <- elem(Process.info(self(), :messages), 1) do
      refute os_process?(os_pid)
    end
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
