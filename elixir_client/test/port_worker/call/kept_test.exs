defmodule PortWorker.Call.KeptTest do
  # Calls that are made again do as the first one did, against a worker that says what it got.
  use ExUnit.Case, async: true

  import PortWorker.ScriptedWorker
  import PortWorker.TestWorker, only: [leftovers: 0]

  alias PortWorker.Error

  setup context do
    {peer_opts, opts} = Keyword.pop(Map.get(context, :start, []), :peer, [])
    worker = start_supervised!({PortWorker, Keyword.merge(listen(peer_opts), opts)})
    assert_received {:peer, peer, {:started, _}}
    assert_received {:peer, ^peer, {:hello, _}}
    %{worker: worker, peer: peer}
  end

  # Runs it in a process of its own, which has what it keeps for itself.
  defp caller(fun) do
    test = self()
    spawn_link(fn -> send(test, {:done, fun.()}) end)
  end

  defp answer(peer, value) do
    assert_receive {:peer, ^peer, {:call, id, function, args, options}}
    say(peer, {:result, id, {:ok, value}})
    {id, {function, args, options}}
  end

  defp kept, do: Process.get(:"$portworker_calls", [])

  for {name, opts, sent} <- [
        {"without options", [], %{timeout: 5_000}},
        {"with a timeout", [timeout: 77], %{timeout: 77}},
        {"with options", [lane: :cpu, meta: %{"k" => "v"}, name: "n"],
         %{timeout: 5_000, lane: :cpu, meta: %{"k" => "v"}, name: "n"}},
        {"that outlive their caller", [detach: true], %{timeout: 5_000, owner: nil}}
      ] do
    test "calls #{name} are written as the first was", %{worker: worker, peer: peer} do
      opts = unquote(Macro.escape(opts))

      pid =
        caller(fn ->
          first = PortWorker.run(worker, :f, [1], opts)
          second = PortWorker.run(worker, :f, [2], opts)
          task = PortWorker.start_task(worker, :f, [3], opts)
          {first, second, PortWorker.await(task), task.function, length(kept())}
        end)

      calls = for value <- [:a, :b, :c], do: answer(peer, value)
      ids = for {id, _call} <- calls, do: id
      assert ids == Enum.sort(ids) and ids == Enum.uniq(ids)

      options =
        %{progress: false, owner: pid}
        |> Map.merge(unquote(Macro.escape(sent)))
        |> Map.reject(fn {_key, value} -> value == nil end)

      assert [{"f", [1], ^options}, {"f", [2], ^options}, {"f", [3], ^options}] =
               for({_id, call} <- calls, do: call)

      assert_receive {:done, {{:ok, :a}, {:ok, :b}, {:ok, :c}, "f", 1}}
    end
  end

  test "other options, functions and workers make other calls", %{worker: worker, peer: peer} do
    calls = for n <- 1..20, do: {"f#{rem(n, 10)}", [timeout: 100 + rem(n, 3)]}

    caller(fn ->
      for {function, opts} <- calls, do: {:ok, _} = PortWorker.run(worker, function, [], opts)
      length(kept())
    end)

    for {function, [timeout: timeout]} <- calls do
      assert {_id, {^function, [], %{timeout: ^timeout}}} = answer(peer, 1)
    end

    assert_receive {:done, 8}
    assert {:error, %Error{reason: :worker_down}} = PortWorker.run(:"no such worker", "f1")
  end

  test "what is no list of arguments is refused again", %{worker: worker, peer: peer} do
    caller(fn ->
      {:ok, 1} = PortWorker.run(worker, "f", [1])

      for args <- [:a, [1 | 2]], call <- [:run, :start_task] do
        assert_raise ArgumentError, ~r/expected a list of arguments/, fn ->
          apply(PortWorker, call, [worker, "f", args])
        end
      end

      :refused
    end)

    answer(peer, 1)
    assert_receive {:done, :refused}
  end

  @tag start: [peer: [hello: %{limits: %{max_frame: 1_000}}]]
  test "a call that is too large is refused again", %{worker: worker, peer: peer} do
    caller(fn ->
      {:ok, 1} = PortWorker.run(worker, "f", [1])
      large = :binary.copy("x", 1_000)
      run = PortWorker.run(worker, "f", [large])
      task = PortWorker.start_task(worker, "f", [large])
      {run, PortWorker.await(task), leftovers()}
    end)

    answer(peer, 1)
    assert_receive {:done, {{:error, run}, {:error, task}, []}}
    assert %Error{reason: :frame_too_large, function: "f"} = run
    assert task == run
  end

  @tag start: [backoff_min: 1, backoff_max: 1]
  test "calls go to the worker's new process once it is restarted", %{worker: worker, peer: peer} do
    pid =
      caller(fn ->
        {:ok, 1} = PortWorker.run(worker, "f")
        receive do: (:again -> {PortWorker.run(worker, "f"), length(kept())})
      end)

    {_id, {"f", [], _}} = answer(peer, 1)
    hang_up(peer)
    assert_receive {:peer, new, {:started, _}} when new != peer
    assert_receive {:peer, ^new, {:hello, _}}
    await_up(worker)
    send(pid, :again)
    answer(new, 2)
    assert_receive {:done, {{:ok, 2}, 1}}
  end

  defp await_up(worker) do
    PortWorker.TestWorker.retry(fn -> PortWorker.status(worker).state == :up end)
  end

  test "what ends at a point in time, or reports, is never made again", context do
    %{worker: worker, peer: peer} = context
    test = self()

    caller(fn ->
      deadline = System.monotonic_time(:millisecond) + 60_000
      {:ok, 1} = PortWorker.run(worker, "f", [], deadline: deadline)
      {:ok, 1} = PortWorker.run(worker, "f", [], on_progress: test)
      kept()
    end)

    for _ <- 1..2, do: answer(peer, 1)
    assert_receive {:done, []}
  end

  @tag start: [callbacks: %{"g" => {Kernel, :self}}]
  test "nothing is kept of a worker that calls back", %{worker: worker, peer: peer} do
    caller(fn -> {PortWorker.run(worker, "f"), kept()} end)
    answer(peer, 1)
    assert_receive {:done, {{:ok, 1}, []}}
  end

  test "nothing of the arguments is kept", %{worker: worker, peer: peer} do
    caller(fn ->
      {:ok, 1} = PortWorker.run(worker, "f", [:binary.copy("x", 100_000)])
      {:ok, 1} = PortWorker.run(worker, "f", [:binary.copy("y", 100_000)])
      :erts_debug.flat_size(kept())
    end)

    for _ <- 1..2, do: answer(peer, 1)
    assert_receive {:done, words} when words < 1_000
  end
end
