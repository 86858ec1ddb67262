defmodule PortWorker.CallsTest do
  # What a caller sees, against a worker that does exactly what the test says.
  use ExUnit.Case, async: true

  import PortWorker.ScriptedWorker

  alias PortWorker.{Error, Ref, UnknownAtom}

  setup context do
    opts = Map.get(context, :start, [])
    {peer_opts, opts} = Keyword.pop(opts, :peer, [])
    worker = start_supervised!({PortWorker, Keyword.merge(listen(peer_opts), opts)})
    assert_received {:peer, peer, {:started, os_pid}}
    assert_received {:peer, ^peer, {:hello, _}}
    %{worker: worker, peer: peer, os_pid: os_pid}
  end

  # Runs `fun` in a process of its own, whose result arrives as `{tag, result}`.
  defp concurrently(tag, fun) do
    test = self()
    spawn_link(fn -> send(test, {tag, fun.()}) end)
  end

  defp refute_leftovers do
    assert {:messages, messages} = Process.info(self(), :messages)
    assert for({ref, _} = message when is_reference(ref) <- messages, do: message) == []
  end

  describe "run/4" do
    test "sends name, arguments and options", %{worker: worker, peer: peer} do
      opts = [timeout: :infinity, lane: :cpu, priority: :high, name: "n", meta: %{"k" => "v"}]
      pid = concurrently(:done, fn -> PortWorker.run(worker, :upcase, ["a", 1], opts) end)
      assert_receive {:peer, ^peer, {:call, ref, "upcase", ["a", 1], sent}}

      assert sent == %{
               timeout: :infinity,
               lane: :cpu,
               priority: :high,
               name: "n",
               meta: %{"k" => "v"},
               progress: false,
               owner: pid
             }

      say(peer, {:result, ref, {:ok, "A"}})
      assert_receive {:done, {:ok, "A"}}
    end

    test "gives the worker's error, with the function", %{worker: worker, peer: peer} do
      concurrently(:done, fn -> PortWorker.run(worker, "f") end)
      assert_receive {:peer, ^peer, {:call, ref, "f", [], _}}

      say(
        peer,
        {:result, ref, {:error, %{reason: :failed, message: "no disk", details: %{path: "x"}}}}
      )

      assert_receive {:done, {:error, error}}

      assert error == %Error{
               reason: :failed,
               message: "no disk",
               function: "f",
               details: %{path: "x"}
             }
    end

    test "leaves no message behind", %{worker: worker, peer: peer} do
      answer(peer)
      assert PortWorker.run(worker, "f") == {:ok, "f"}
      refute_leftovers()
    end

    @tag start: [timeout: 70]
    test "uses the worker's timeout, or the earlier of timeout and deadline", context do
      %{worker: worker, peer: peer} = context
      soon = System.monotonic_time(:millisecond) + 10_000

      for {opts, range} <- [
            {[], 70..70},
            {[timeout: 9], 9..9},
            {[deadline: soon], 70..70},
            {[timeout: 60_000, deadline: soon], 9_000..10_000}
          ] do
        concurrently(:done, fn -> PortWorker.run(worker, "f", [], opts) end)
        assert_receive {:peer, ^peer, {:call, ref, "f", [], %{timeout: sent}}}
        assert sent in range, "#{inspect(opts)}: #{sent}"
        say(peer, {:result, ref, {:ok, 1}})
        assert_receive {:done, {:ok, 1}}
      end
    end

    test "does not send what has no time left", %{worker: worker, peer: peer} do
      past = System.monotonic_time(:millisecond) - 1
      assert {:error, %Error{reason: :timeout}} = PortWorker.run(worker, "f", [], deadline: past)
      refute_receive {:peer, ^peer, {:call, _, _, _, _}}, 20
      refute_leftovers()
    end

    test "gives up on a worker that does not keep the time, and cancels", context do
      %{worker: worker, peer: peer} = context
      assert {:error, error} = PortWorker.run(worker, "f", [], timeout: 1)
      assert %Error{reason: :timeout, function: "f"} = error
      assert_receive {:peer, ^peer, {:call, ref, "f", [], _}}
      assert_receive {:peer, ^peer, {:cancel, ^ref}}

      # The late reply reaches nobody, and above all not the next call.
      say(peer, {:result, ref, {:ok, :late}})
      answer(peer)
      assert PortWorker.run(worker, "g") == {:ok, "g"}
      refute_leftovers()
    end

    test "refuses a call the worker would not accept", %{worker: worker} do
      large = :binary.copy("x", 1_000_001)
      assert {:error, error} = PortWorker.run(worker, "f", [large])
      assert error.reason == :frame_too_large
      assert error.message =~ "the worker accepts packets of up to 1000000"
      refute_leftovers()
    end

    test "hands progress to a function in the caller", %{worker: worker, peer: peer} do
      concurrently(:done, fn ->
        me = self()

        result =
          PortWorker.run(worker, "f", [], on_progress: &send(me, {:progressed, &1, self()}))

        assert_received {:progressed, 1, ^me}
        assert_received {:progressed, 2, ^me}
        result
      end)

      assert_receive {:peer, ^peer, {:call, ref, "f", [], %{progress: true}}}
      say(peer, [{:progress, ref, 1}, {:progress, ref, 2}, {:result, ref, {:ok, :done}}])
      assert_receive {:done, {:ok, :done}}
    end

    test "hands progress to a pid", %{worker: worker, peer: peer} do
      test = self()
      concurrently(:done, fn -> PortWorker.run(worker, "f", [], on_progress: test) end)
      assert_receive {:peer, ^peer, {:call, id, "f", [], _}}
      say(peer, [{:progress, id, 1}, {:result, id, {:ok, :done}}])
      assert_receive {ref, {:progress, 1}} when is_reference(ref)
      assert_receive {:done, {:ok, :done}}
    end

    test "cancels when the progress function raises", %{worker: worker, peer: peer} do
      concurrently(:done, fn ->
        assert_raise RuntimeError, "stop", fn ->
          PortWorker.run(worker, "f", [], on_progress: fn _ -> raise "stop" end)
        end

        Process.info(self(), :message_queue_len)
      end)

      assert_receive {:peer, ^peer, {:call, ref, "f", [], _}}
      say(peer, [{:progress, ref, 1}, {:progress, ref, 2}])
      assert_receive {:peer, ^peer, {:cancel, ^ref}}
      assert_receive {:done, {:message_queue_len, 0}}
    end

    test "an unknown atom in a batch fails the call it belongs to, and says which", context do
      %{worker: worker, peer: peer} = context
      concurrently(:bad, fn -> PortWorker.run(worker, "bad") end)
      assert_receive {:peer, ^peer, {:call, bad, "bad", [], _}}
      concurrently(:good, fn -> PortWorker.run(worker, "good") end)
      assert_receive {:peer, ^peer, {:call, good, "good", [], _}}

      batch = [{:result, bad, {:ok, UnknownAtom.marker()}}, {:result, good, {:ok, 1}}]
      bytes(peer, frame(UnknownAtom.term_to_binary(batch, "callunkn")))

      assert_receive {:good, {:ok, 1}}
      assert_receive {:bad, {:error, %Error{reason: :bad_message, message: message}}}
      assert message =~ ~s(the atom "callunkn")
    end

    for {name, args, message} <- [
          {"a name that is none", [17, []],
           "expected the name of a function, a string or an atom, got: 17"},
          {"arguments that are no list", ["f", %{}], "expected a list of arguments, got: %{}"},
          {"an improper list", ["f", [1 | 2]], "expected a list of arguments"},
          {"an unknown option", ["f", [], [timout: 1]], "unknown option :timout"}
        ] do
      test "raises for #{name}", %{worker: worker} do
        assert_raise ArgumentError, ~r/#{Regex.escape(unquote(message))}/, fn ->
          apply(PortWorker, :run, [worker | unquote(Macro.escape(args))])
        end
      end
    end

    test "says so when there is no such worker" do
      assert {:error, %Error{reason: :worker_down, message: message}} =
               PortWorker.run(Nobody, "f")

      assert message == "no worker Nobody is running"

      assert_raise ArgumentError, ~r/expected a worker's name or pid/, fn ->
        PortWorker.run("x", "f")
      end
    end

    test "run!/4 raises", %{worker: worker, peer: peer} do
      answer(peer)
      assert PortWorker.run!(worker, "f") == "f"
      assert_raise Error, ~r/no worker Nobody/, fn -> PortWorker.run!(Nobody, "f") end
    end
  end

  test "1,000 concurrent callers all get their own result", %{worker: worker, peer: peer} do
    echo(peer)

    results =
      1..1_000
      |> Task.async_stream(&PortWorker.run(worker, "echo", [&1]), max_concurrency: 1_000)
      |> Enum.map(fn {:ok, {:ok, [n]}} -> n end)

    assert results == Enum.to_list(1..1_000)
    assert PortWorker.status(worker).in_flight == 0
  end

  describe "async/4" do
    test "gives a task that Task.await/2 and Task.yield/2 take", %{worker: worker, peer: peer} do
      task = PortWorker.async(worker, "f")
      assert Task.yield(task, 0) == nil
      answer(peer)
      assert Task.await(task) == {:ok, "f"}
    end

    test "Task.shutdown/2 stops the work over there, also brutally", %{worker: worker, peer: peer} do
      for how <- [5_000, :brutal_kill] do
        %Task{pid: pid} = task = PortWorker.async(worker, "f")
        assert_receive {:peer, ^peer, {:call, _ref, "f", [], %{owner: ^pid}}}
        assert Task.shutdown(task, how) == nil
        assert_receive {:peer, ^peer, {:owner_down, ^pid}}
      end

      refute_leftovers()
    end

    test "raises in the caller for a wrong option", %{worker: worker} do
      assert_raise ArgumentError, fn -> PortWorker.async(worker, "f", [], timeout: "x") end
    end

    test "sets $callers", %{worker: worker, peer: peer} do
      test = self()

      report = fn _ -> send(test, {:callers, Process.get(:"$callers")}) end
      task = PortWorker.async(worker, "f", [], on_progress: report)
      assert_receive {:peer, ^peer, {:call, ref, "f", [], _}}
      say(peer, [{:progress, ref, 1}, {:result, ref, {:ok, 1}}])
      assert_receive {:callers, [^test]}
      assert Task.await(task) == {:ok, 1}
    end
  end

  describe "start_task/4" do
    test "its messages are the result under the ref", %{worker: worker, peer: peer} do
      %Ref{ref: ref, function: "f", owner: owner} =
        PortWorker.start_task(worker, "f", [], on_progress: self())

      assert owner == self()
      assert_receive {:peer, ^peer, {:call, id, "f", [], _}}
      say(peer, [{:progress, id, 1}, {:result, id, {:ok, 2}}])
      assert_receive {^ref, {:progress, 1}}
      assert_receive {^ref, {:ok, 2}}
    end

    test "await gives the result and calls the progress function", %{worker: worker, peer: peer} do
      test = self()
      task = PortWorker.start_task(worker, "f", [], on_progress: &send(test, {:progressed, &1}))
      assert_receive {:peer, ^peer, {:call, ref, "f", [], _}}
      say(peer, [{:progress, ref, 1}, {:result, ref, {:ok, 2}}])
      assert PortWorker.await(task) == {:ok, 2}
      assert_received {:progressed, 1}
      refute_leftovers()
    end

    test "yield lets it go on", %{worker: worker, peer: peer} do
      task = PortWorker.start_task(worker, "f")
      assert PortWorker.yield(task, 0) == nil
      answer(peer)
      assert PortWorker.yield(task) == {:ok, "f"}
    end

    test "await with a timeout cancels and leaves nothing behind", %{worker: worker, peer: peer} do
      task = PortWorker.start_task(worker, "f", [], on_progress: self())
      assert_receive {:peer, ^peer, {:call, ref, "f", [], _}}
      say(peer, {:progress, ref, 1})
      assert {:error, %Error{reason: :timeout}} = PortWorker.await(task, 1)
      assert_receive {:peer, ^peer, {:cancel, ^ref}}

      say(peer, [{:progress, ref, 2}, {:result, ref, {:ok, :late}}])
      answer(peer)
      assert PortWorker.run(worker, "g") == {:ok, "g"}
      refute_leftovers()
    end

    test "only its owner can await it", %{worker: worker} do
      task = PortWorker.start_task(worker, "f")

      concurrently(:done, fn ->
        assert_raise ArgumentError, ~r/must be awaited by the process that started it/, fn ->
          PortWorker.await(task)
        end
      end)

      assert_receive {:done, %ArgumentError{}}
    end

    test "nothing but its own kind is awaited", %{worker: worker} do
      task = PortWorker.async(worker, "f")
      assert_raise ArgumentError, ~r/got a Task/, fn -> PortWorker.await(task) end
      assert_raise ArgumentError, ~r/got: :x/, fn -> PortWorker.cancel(:x) end
      Task.shutdown(task, :brutal_kill)
    end

    test "what cannot be sent gives a message, too, and is kept nowhere", %{worker: worker} do
      %Ref{ref: ref} = task = PortWorker.start_task(worker, "f", [:binary.copy("x", 1_000_001)])
      assert_received {^ref, {:error, %Error{reason: :frame_too_large, function: "f"}}}
      assert PortWorker.cancel(task) == :not_found
      {:ok, route} = PortWorker.Routes.fetch(worker)
      assert :sys.get_state(route.connection).session.tasks == %{}
    end

    test "a worker that is not there gives a message, too" do
      %Ref{ref: ref} = PortWorker.start_task(Nobody, "f")
      assert_received {^ref, {:error, %Error{reason: :worker_down, function: "f"}}}
    end

    test "is inspected without what is private", %{worker: worker} do
      text = inspect(PortWorker.start_task(worker, "f"))
      assert text =~ "#PortWorker.Ref<"
      refute text =~ "route"
    end
  end

  describe "cancel/2" do
    setup %{worker: worker, peer: peer} do
      task = PortWorker.start_task(worker, "f")
      assert_receive {:peer, ^peer, {:call, ref, "f", [], _}}
      %{task: task, ref: ref}
    end

    test "waits for the receipt", %{task: task, ref: ref, peer: peer} do
      reply_to_cancel(peer, ref, %{still_running: false})
      assert PortWorker.cancel(task) == :stopped
      refute_leftovers()
    end

    test "shows where a deaf handler is", %{task: task, ref: ref, peer: peer} do
      reply_to_cancel(peer, ref, %{still_running: true, stack: "goroutine 7"})
      assert PortWorker.cancel(task) == {:still_running, "goroutine 7"}
    end

    test "of a finished task gives its result, once", %{task: task, ref: ref, peer: peer} do
      say(peer, {:result, ref, {:ok, 1}})
      # The result of a later call comes after it.
      answer(peer)
      {:ok, _} = PortWorker.run(task.worker, "g")
      assert PortWorker.cancel(task) == {:finished, {:ok, 1}}
      assert PortWorker.cancel(task) == :not_found
      refute_leftovers()
    end

    test "by another process tells the owner", %{task: task, ref: ref, peer: peer} do
      reply_to_cancel(peer, ref, %{still_running: false})
      concurrently(:receipt, fn -> PortWorker.cancel(task) end)
      assert_receive {:receipt, :stopped}
      assert {:error, %Error{reason: :cancelled}} = PortWorker.await(task)
    end

    test "gives up waiting, and the task can still be awaited", %{
      task: task,
      ref: ref,
      peer: peer
    } do
      assert {:error, %Error{reason: :timeout}} = PortWorker.cancel(task, 1)
      say(peer, {:result, ref, {:ok, 1}})
      assert PortWorker.await(task) == {:ok, 1}
    end
  end

  describe "owners" do
    test "the death of a caller is told, once for all its calls", %{worker: worker, peer: peer} do
      pid =
        spawn(fn ->
          for _ <- 1..3, do: PortWorker.start_task(worker, "f")
          receive do: (:never -> :ok)
        end)

      for _ <- 1..3, do: assert_receive({:peer, ^peer, {:call, _, "f", [], %{owner: ^pid}}})
      Process.exit(pid, :kill)
      assert_receive {:peer, ^peer, {:owner_down, ^pid}}
      refute_receive {:peer, ^peer, {:owner_down, _}}, 20
    end

    test "a caller that was dead before its call arrived is told, too", %{
      worker: worker,
      peer: peer
    } do
      pid = spawn(fn -> PortWorker.start_task(worker, "f") end)
      assert_receive {:peer, ^peer, {:call, _, "f", [], _}}
      assert_receive {:peer, ^peer, {:owner_down, ^pid}}
    end

    test "a detached call has none", %{worker: worker, peer: peer} do
      spawn(fn -> PortWorker.start_task(worker, "f", [], detach: true) end)
      assert_receive {:peer, ^peer, {:call, _, "f", [], opts}}
      refute Map.has_key?(opts, :owner)
      refute_receive {:peer, ^peer, {:owner_down, _}}, 20
    end
  end

  describe "cast/4" do
    test "has nobody to tell of progress", %{worker: worker, peer: peer} do
      {:ok, route} = PortWorker.Routes.fetch(worker)
      assert PortWorker.cast(worker, "f", [], on_progress: fn _ -> :unused end) == :ok
      assert_receive {:peer, ^peer, {:call, ref, "f", [], _}}
      say(peer, [{:progress, ref, 1}, {:result, ref, {:ok, 1}}])
      answer(peer)
      assert PortWorker.run(worker, "g") == {:ok, "g"}
      assert {:ok, ^route} = PortWorker.Routes.fetch(worker)
    end

    test "returns at once and outlives its caller", %{worker: worker, peer: peer} do
      assert PortWorker.cast(worker, "f", [1]) == :ok
      assert_receive {:peer, ^peer, {:call, ref, "f", [1], opts}}
      refute Map.has_key?(opts, :owner)
      say(peer, {:result, ref, {:ok, 1}})
      answer(peer)
      assert PortWorker.run(worker, "g") == {:ok, "g"}
      refute_leftovers()
    end

    test "can be tied to its caller", %{worker: worker, peer: peer} do
      assert PortWorker.cast(worker, "f", [], detach: false) == :ok
      assert_receive {:peer, ^peer, {:call, _, "f", [], %{owner: owner}}}
      assert owner == self()
    end

    test "says when there is nobody to take it" do
      assert {:error, %Error{reason: :worker_down}} = PortWorker.cast(Nobody, "f")
    end
  end

  test "a callback to a function that is not there is answered", %{peer: peer} do
    say(peer, {:callback, 7, make_ref(), "lookup", [], %{}})
    assert_receive {:peer, ^peer, {:reply, 7, {:error, %{reason: :unknown_function}}}}
  end

  test "what was received is acknowledged along with the next call", context do
    %{worker: worker, peer: peer} = context
    task = PortWorker.start_task(worker, "f")
    assert_receive {:peer, ^peer, {:call, id, "f", [], _}}
    large = :binary.copy("x", 100_000)
    say(peer, [{:log, :debug, large, %{}}, {:result, id, {:ok, 1}}])
    assert PortWorker.await(task) == {:ok, 1}
    refute_received {:peer, ^peer, {:ack, _bytes}}

    PortWorker.start_task(worker, "g")
    assert_receive {:peer, ^peer, {:call, _, "g", [], _}}
    assert_received {:peer, ^peer, {:ack, bytes}} when bytes > 100_000
  end

  test "calls that wait go out in batches no larger than the worker accepts", context do
    %{worker: worker, peer: peer} = context
    argument = :binary.copy("x", 30_000)
    for _ <- 1..100, do: PortWorker.start_task(worker, "f", [argument])
    # The scripted worker reads nothing longer than what it announced.
    for _ <- 1..100, do: assert_receive({:peer, ^peer, {:call, _, "f", [_], _}})
  end
end
