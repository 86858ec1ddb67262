defmodule PortWorker.BinaryTest do
  # The client and the real binary together.
  use ExUnit.Case, async: true

  import PortWorker.ScriptedWorker, only: [os_process?: 1, signal: 2]

  alias PortWorker.Error

  setup context do
    opts = [command: PortWorker.Binary.path(), args: ["--debug-functions"], backoff_min: 1]
    worker = start_supervised!({PortWorker, Keyword.merge(opts, Map.get(context, :start, []))})
    %{worker: worker, os_pid: PortWorker.status(worker).os_pid}
  end

  defp running(worker), do: PortWorker.status(worker, stats: true).stats.running - 1

  defp retry(fun), do: fun.() || retry(fun)

  test "any term comes back as it went", %{worker: worker} do
    fun = &String.upcase/1

    for term <- [
          nil,
          true,
          :atom,
          :ünï,
          0,
          -1,
          2 ** 64,
          -(2 ** 4_000),
          1.5,
          -0.0,
          "",
          "ünï",
          <<0, 255>>,
          <<5::3>>,
          [],
          [1, 2, 3],
          [:a | :b],
          ~c"hi",
          {},
          {1, {2, [3]}},
          List.to_tuple(Enum.to_list(1..300)),
          %{},
          %{"k" => 1, :k => 2, {1} => 3, nil => 4},
          self(),
          make_ref(),
          fun,
          ~D[2024-02-29],
          DateTime.utc_now(),
          :binary.copy("x", 1_000_000)
        ] do
      assert {:ok, back} = PortWorker.run(worker, "echo", [term])
      assert back === term
    end
  end

  test "errors say what was wrong", %{worker: worker} do
    assert {:error, %Error{reason: :unknown_function, function: "upcas"}} =
             PortWorker.run(worker, "upcas", ["x"])

    assert {:error, %Error{reason: :bad_args, message: message}} =
             PortWorker.run(worker, "upcase", [1])

    assert message =~ "expected binary, got integer 1"

    assert {:error, %Error{reason: :panic, stack: stack}} =
             PortWorker.run(worker, "debug.panic", ["boom"])

    assert stack =~ "goroutine"
    assert {:ok, "X"} = PortWorker.run(worker, "upcase", ["x"])
  end

  test "1,000 sleeps of 200 ms at once", %{worker: worker} do
    tasks = for _ <- 1..1_000, do: PortWorker.start_task(worker, "sleep", [200])
    assert Enum.all?(tasks, &match?({:ok, :ok}, PortWorker.await(&1)))
    assert PortWorker.status(worker).in_flight == 0
  end

  test "1,000 processes calling at once get their own results", %{worker: worker} do
    results =
      1..1_000
      |> Task.async_stream(&PortWorker.run(worker, "echo", [&1]), max_concurrency: 1_000)
      |> Enum.map(fn {:ok, {:ok, n}} -> n end)

    assert results == Enum.to_list(1..1_000)
  end

  test "progress arrives in order, before the result", %{worker: worker} do
    test = self()
    items = Enum.map(1..50, &"item #{&1}")
    report = &send(test, {:progressed, &1.done})

    assert {:ok, %{items: 50}} =
             PortWorker.run(worker, "process_items", [items], on_progress: report)

    for n <- 1..50, do: assert_received({:progressed, ^n})
  end

  test "a timeout stops the work over there", %{worker: worker} do
    assert {:error, %Error{reason: :timeout}} =
             PortWorker.run(worker, "sleep", [60_000], timeout: 10)

    retry(fn -> running(worker) == 0 end)
  end

  test "the death of the caller stops the work over there", %{worker: worker} do
    for _ <- 1..10 do
      task = PortWorker.async(worker, "sleep", [60_000], timeout: :infinity)
      spawn(fn -> PortWorker.run(worker, "sleep", [60_000], timeout: :infinity) end)
      retry(fn -> running(worker) > 0 end)
      Task.shutdown(task, :brutal_kill)
    end

    # The ten that were spawned are still there; these end with their process.
    retry(fn -> running(worker) == 10 end)

    pid =
      spawn(fn ->
        for _ <- 1..5, do: PortWorker.start_task(worker, "sleep", [60_000])
        receive do: (:never -> :ok)
      end)

    retry(fn -> running(worker) == 15 end)
    Process.exit(pid, :kill)
    retry(fn -> running(worker) == 10 end)
  end

  test "detached work outlives its caller", %{worker: worker} do
    {pid, monitor} =
      spawn_monitor(fn ->
        PortWorker.start_task(worker, "sleep", [60_000], detach: true, timeout: 60_000)
      end)

    assert_receive {:DOWN, ^monitor, _, ^pid, _}
    # A later call of another process is behind whatever the death caused.
    assert {:ok, 1} = PortWorker.run(worker, "echo", [1])
    assert running(worker) == 1
  end

  test "cancel says how the task ended", %{worker: worker} do
    assert PortWorker.cancel(PortWorker.start_task(worker, "sleep", [60_000])) == :stopped
  end

  @tag start: [cancel_grace: 50, drain_timeout: 100]
  test "cancel shows where a deaf handler is", %{worker: worker} do
    task = PortWorker.start_task(worker, "debug.spin", [60_000])
    retry(fn -> running(worker) == 1 end)
    assert {:still_running, stack} = PortWorker.cancel(task)
    assert stack =~ "goroutine"
  end

  test "what a handler prints harms nothing", %{worker: worker} do
    assert {:ok, _} = PortWorker.run(worker, "debug.print", ["."])
    assert {:ok, "X"} = PortWorker.run(worker, "upcase", ["x"])
  end

  @tag start: [descriptors: :private]
  test "the descriptors can be private", %{worker: worker} do
    assert {:ok, _} = PortWorker.run(worker, "debug.print", ["."])
    assert {:ok, "X"} = PortWorker.run(worker, "upcase", ["x"])
  end

  @tag start: [max_running: 2, lanes: [io: 2]]
  test "settings reach the worker", %{worker: worker} do
    tasks = for _ <- 1..3, do: PortWorker.start_task(worker, "sleep", [50])
    results = Enum.map(tasks, &PortWorker.await/1)
    assert [{:ok, :ok}, {:ok, :ok}, {:error, %Error{reason: :overloaded}}] = results
  end

  for {name, function} <- [{"exits", "debug.exit"}, {"dies of a fatal error", "debug.fatal"}] do
    @tag start: [max_restarts: 100]
    test "a worker that #{name} leaves no caller waiting and comes back", context do
      %{worker: worker, os_pid: os_pid} = context

      waiting =
        for _ <- 1..20, do: PortWorker.async(worker, "sleep", [60_000], timeout: :infinity)

      retry(fn -> running(worker) == 20 end)
      assert {:error, %Error{reason: :worker_down}} = PortWorker.run(worker, unquote(function))

      for result <- Task.await_many(waiting),
          do: assert({:error, %Error{reason: :worker_down}} = result)

      retry(fn -> PortWorker.run(worker, "upcase", ["x"]) == {:ok, "X"} end)
      assert PortWorker.status(worker).os_pid != os_pid
    end
  end

  test "SIGKILL leaves no caller waiting", %{worker: worker, os_pid: os_pid} do
    waiting = for _ <- 1..20, do: PortWorker.async(worker, "sleep", [60_000], timeout: :infinity)
    retry(fn -> running(worker) == 20 end)
    signal(os_pid, "KILL")

    for result <- Task.await_many(waiting),
        do: assert({:error, %Error{reason: :worker_down}} = result)

    retry(fn -> PortWorker.run(worker, "upcase", ["x"]) == {:ok, "X"} end)
  end

  @tag start: [max_restarts: 0]
  test "SIGTERM drains, and is no failure", %{worker: worker, os_pid: os_pid} do
    task = PortWorker.start_task(worker, "sleep", [100])
    retry(fn -> running(worker) == 1 end)
    signal(os_pid, "TERM")
    assert PortWorker.await(task) == {:ok, :ok}
    retry(fn -> match?(%{state: :up, restarts: 1}, PortWorker.status(worker)) end)
  end

  test "stop lets running work finish and leaves no OS process", %{worker: worker, os_pid: os_pid} do
    task = PortWorker.start_task(worker, "sleep", [100])
    retry(fn -> running(worker) == 1 end)
    stop_supervised!(PortWorker)
    assert PortWorker.await(task) == {:ok, :ok}
    refute os_process?(os_pid)
  end

  @tag start: [drain_timeout: 100]
  test "stop ends also what is deaf", %{worker: worker, os_pid: os_pid} do
    task = PortWorker.start_task(worker, "debug.spin", [60_000], timeout: :infinity)
    retry(fn -> running(worker) == 1 end)
    stop_supervised!(PortWorker)
    assert {:error, %Error{}} = PortWorker.await(task)
    refute os_process?(os_pid)
  end

  test "stats and functions tell what is there", %{worker: worker} do
    assert %{calls: calls, lanes: %{}, goroutines: _, heap: _} =
             PortWorker.status(worker, stats: true).stats

    assert calls > 0
    digest = Enum.find(PortWorker.functions(worker), &(&1.name == "file.digest"))
    assert %{kind: :function, lane: :blocking, args: [:binary, _], doc: doc} = digest
    assert doc != ""
  end
end
