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
    calls = for n <- 1..20, _ <- 1..3, do: {"f#{rem(n, 10)}", [timeout: 100 + rem(n, 3)]}

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

  test "calls that are never the same again are not kept", %{worker: worker, peer: peer} do
    caller(fn ->
      for n <- 1..40, do: {:ok, _} = PortWorker.run(worker, "f", [], timeout: 1_000 + n)
      {kept(), length(Process.get(:"$portworker_seen"))}
    end)

    for _ <- 1..40, do: answer(peer, 1)
    assert_receive {:done, {[], seen}} when seen <= 16
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

  describe "where the worker reads short calls" do
    @describetag start: [peer: [hello: %{short_calls: true}]]

    defp short(peer) do
      assert_receive {:peer, ^peer, {id, function, args, number}}
      say(peer, {id, 1})
      {function, args, number}
    end

    test "the second call has its options kept, and those after it bring their number", context do
      %{worker: worker, peer: peer} = context

      pid =
        caller(fn ->
          for n <- 1..3, do: {:ok, 1} = PortWorker.run(worker, "f", [n], timeout: 77)
          task = PortWorker.start_task(worker, "f", [:binary.copy("x", 100)], timeout: 77)
          {:ok, 1} = PortWorker.await(task)
        end)

      options = %{timeout: 77, progress: false, owner: pid}
      assert {_id, {"f", [1], ^options}} = answer(peer, 1)
      assert {_id, {"f", [2], keeping}} = answer(peer, 1)
      assert {number, ^options} = Map.pop(keeping, :keep)
      assert {"f", [3], ^number} = short(peer)
      assert {"f", [<<"xxx", _::binary>>], ^number} = short(peer)
      assert_receive {:done, {:ok, 1}}
    end

    test "each process has numbers of its own, and each of its calls", context do
      %{worker: worker, peer: peer} = context
      call = fn timeout -> {:ok, 1} = PortWorker.run(worker, "f", [], timeout: timeout) end

      numbers =
        for _ <- 1..2 do
          caller(fn ->
            for timeout <- [1_001, 1_002, 1_001, 1_002, 1_002, 1_001], do: call.(timeout)
          end)

          for _ <- 1..2, do: answer(peer, 1)

          [first, second] =
            for _ <- 1..2, do: answer(peer, 1) |> elem(1) |> elem(2) |> Map.fetch!(:keep)

          assert {"f", [], ^second} = short(peer)
          assert {"f", [], ^first} = short(peer)
          assert_receive {:done, _results}
          [first, second]
        end

      assert numbers |> List.flatten() |> Enum.uniq() |> length() == 4
    end

    test "options are brought until a call with them could be sent", context do
      %{worker: worker, peer: peer} = context

      caller(fn ->
        {:ok, 1} = PortWorker.run(worker, "f", [1])
        {:error, error} = PortWorker.run(worker, "f", [:binary.copy("x", 1_000_001)])
        for n <- 2..3, do: {:ok, 1} = PortWorker.run(worker, "f", [n])
        error.reason
      end)

      answer(peer, 1)
      assert {_id, {"f", [2], %{keep: number}}} = answer(peer, 1)
      assert {"f", [3], ^number} = short(peer)
      assert_receive {:done, :frame_too_large}
    end

    test "what outlives its owner is never kept: nothing would tell the worker to forget it",
         context do
      %{worker: worker, peer: peer} = context
      caller(fn -> for n <- 1..3, do: PortWorker.run(worker, "f", [n], detach: true) end)
      for n <- 1..3, do: assert({_id, {"f", [^n], %{timeout: 5_000}}} = answer(peer, 1))
      assert_receive {:done, _results}
    end

    @tag start: [peer: [hello: %{short_calls: true}], backoff_min: 1, backoff_max: 1]
    test "a new process of the worker is told anew", %{worker: worker, peer: peer} do
      pid =
        caller(fn ->
          for n <- 1..3, do: {:ok, 1} = PortWorker.run(worker, "f", [n])
          receive do: (:again -> :ok)
          for n <- 4..6, do: {:ok, 1} = PortWorker.run(worker, "f", [n])
        end)

      for _ <- 1..2, do: answer(peer, 1)
      short(peer)
      hang_up(peer)
      assert_receive {:peer, new, {:started, _}} when new != peer
      assert_receive {:peer, ^new, {:hello, _}}
      await_up(worker)
      send(pid, :again)
      assert {_id, {"f", [4], %{keep: number}}} = answer(new, 1)
      assert {"f", [5], ^number} = short(new)
      assert {"f", [6], ^number} = short(new)
      assert_receive {:done, _results}
    end

    test "a process has no more than so many kept", %{worker: worker, peer: peer} do
      reply_with(peer, fn
        {:call, ref, _name, _args, opts} -> {:result, ref, {:ok, is_map_key(opts, :keep)}}
        {ref, _name, _args, _number} -> {ref, :short}
      end)

      caller(fn ->
        for timeout <- 1_000..1_149 do
          for _ <- 1..3, do: PortWorker.run!(worker, "f", [], timeout: timeout)
        end
        |> Enum.frequencies()
      end)

      assert_receive {:done, %{[false, true, :short] => 100, [false, false, false] => 50}}
    end
  end
end
