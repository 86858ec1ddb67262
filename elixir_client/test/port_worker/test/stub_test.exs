defmodule PortWorker.Test.StubTest do
  # Stubs behind a name: whatever a worker can be asked for, answered by the test.
  use ExUnit.Case, async: true

  import PortWorker.TestWorker, only: [leftovers: 0]

  alias PortWorker.{Error, Test}
  alias PortWorker.Test.UnexpectedCallError

  # One worker for all tests of the module, which run beside those of others.
  setup_all do
    start_supervised!({PortWorker, name: MyApp.Stub, command: :stub, size: 3})
    :ok
  end

  doctest PortWorker.Test

  describe "a stub" do
    setup do
      Test.stub(MyApp.Stub, "upcase", fn text -> {:ok, String.upcase(text)} end)
      Test.stub(MyApp.Stub, :range, fn first, last -> first..last end)
      Test.stub(MyApp.Stub, "forever", fn -> Process.sleep(:infinity) end)
    end

    test "answers run, in all its forms" do
      assert PortWorker.run(MyApp.Stub, "upcase", ["a"]) == {:ok, "A"}
      assert PortWorker.run!(MyApp.Stub, :upcase, ["a"], timeout: :infinity) == "A"
      assert MyApp.Stub |> PortWorker.async("upcase", ["a"]) |> Task.await() == {:ok, "A"}

      assert MyApp.Stub |> PortWorker.start_task("upcase", ["a"]) |> PortWorker.await() ==
               {:ok, "A"}

      assert PortWorker.cast(MyApp.Stub, "upcase", ["a"]) == :ok

      assert MyApp.Stub |> PortWorker.async_stream(["a", "b"], "upcase") |> Enum.to_list() ==
               [ok: "A", ok: "B"]

      assert leftovers() == []
    end

    test "answers a stream, no more of it than is asked for" do
      test = self()

      Test.stub(MyApp.Stub, "watched", fn ->
        Stream.each(Stream.iterate(1, &(&1 + 1)), &send(test, {:made, &1}))
      end)

      stream = PortWorker.stream(MyApp.Stub, "watched", [], demand: 2, min_demand: 0)
      assert Enum.take(stream, 2) == [1, 2]
      assert_received {:made, 2}
      # One is made before it is known whether it is wanted.
      refute_received {:made, 4}
      assert MyApp.Stub |> PortWorker.stream("range", [1, 5000]) |> Enum.sum() == 12_502_500
    end

    test "answers a channel, with faults of its own making" do
      Test.stub(MyApp.Stub, "echo", fn -> Test.inputs() end)
      assert {:ok, channel} = PortWorker.open(MyApp.Stub, "echo")
      # More than are taken ahead.
      for n <- 1..200 do
        assert PortWorker.send(channel, n) == :ok
        assert PortWorker.recv(channel) == {:ok, n}
      end

      assert PortWorker.close_input(channel) == :ok
      assert PortWorker.recv(channel) == :done
      assert {:error, %Error{reason: :closed}} = PortWorker.send(channel, 1)

      Test.stub(MyApp.Stub, "refuses", fn -> {:error, :overloaded} end)
      assert {:ok, channel} = PortWorker.open(MyApp.Stub, "refuses")
      assert {:error, %Error{reason: :overloaded, function: "refuses"}} = PortWorker.recv(channel)
    end

    test "sees a closed input as often as it looks" do
      Test.stub(MyApp.Stub, "twice", fn -> [Enum.sum(Test.inputs()), Enum.sum(Test.inputs())] end)
      {:ok, channel} = PortWorker.open(MyApp.Stub, "twice", [], active: true)
      Enum.each(1..3, &PortWorker.send(channel, &1))
      PortWorker.close_input(channel)
      assert Enum.to_list(channel) == [6, 0]
    end

    test "is stopped by a timeout, a cancel and the death of its caller" do
      test = self()

      Test.stub(MyApp.Stub, "forever", fn ->
        send(test, {:runs, self()})
        Process.sleep(:infinity)
      end)

      task = PortWorker.start_task(MyApp.Stub, "forever", [], timeout: 500)
      ends = watch()
      assert {:error, %Error{reason: :timeout}} = PortWorker.await(task)
      assert_receive {:DOWN, ^ends, _, _, :killed}

      task = PortWorker.start_task(MyApp.Stub, "forever", [])
      ends = watch()
      assert PortWorker.yield(task, 0) == nil
      assert PortWorker.cancel(task) == :stopped
      assert_receive {:DOWN, ^ends, _, _, :killed}

      {:ok, caller} = Task.start(fn -> PortWorker.run(MyApp.Stub, "forever") end)
      ends = watch()
      Process.exit(caller, :kill)
      assert_receive {:DOWN, ^ends, _, _, :killed}
    end

    test "reports progress to those who ask for it" do
      Test.stub(MyApp.Stub, "copy", fn ->
        Test.progress(%{percent: 50})
        {:ok, nil}
      end)

      task = PortWorker.start_task(MyApp.Stub, "copy", [], on_progress: self())
      %{ref: ref} = task
      assert_receive {^ref, {:progress, %{percent: 50}}}
      assert PortWorker.await(task) == {:ok, nil}
      assert PortWorker.run(MyApp.Stub, "copy") == {:ok, nil}
      assert leftovers() == []
    end

    test "has the callers, the Logger metadata and the meta of the call" do
      Logger.metadata(request_id: "r1")

      Test.stub(MyApp.Stub, "context", fn ->
        {:ok, {Process.get(:"$callers"), Logger.metadata(), PortWorker.meta()}}
      end)

      assert PortWorker.run!(MyApp.Stub, "context", [], meta: %{"a" => "b"}) ==
               {[self()], [request_id: "r1"], %{"a" => "b"}}
    end

    test "may call other stubs of its test" do
      Test.stub(MyApp.Stub, "outer", fn text -> PortWorker.run(MyApp.Stub, "upcase", [text]) end)
      assert PortWorker.run(MyApp.Stub, "outer", ["a"]) == {:ok, "A"}
    end
  end

  describe "the error of a stub is" do
    for {name, returned, reason, message} <- [
          {"a reason", {:error, :circuit_open}, :circuit_open, ""},
          {"a message", {:error, "no such file"}, :failed, "no such file"},
          {"both", {:error, {:overloaded, "later"}}, :overloaded, "later"},
          {"an exception", {:error, %Error{reason: :draining, message: "soon"}}, :draining,
           "soon"},
          {"nothing known", {:error, :enoent}, :panic, "got: :enoent"},
          {"nothing of the kind", {:error, 5}, :panic, "got: 5"},
          {"no result at all", "A", :panic, "expected {:ok, value} or {:error, error}"}
        ] do
      test name do
        returned = unquote(Macro.escape(returned))
        Test.stub(MyApp.Stub, "f", fn -> returned end)
        assert {:error, %Error{} = error} = PortWorker.run(MyApp.Stub, "f")
        assert error.reason == unquote(reason)
        assert error.message =~ unquote(message)
        assert error.function == "f"
      end
    end

    test "what it raises" do
      Test.stub(MyApp.Stub, "f", fn -> raise %Error{reason: :failed, details: %{line: 3}} end)
      assert {:error, %Error{details: %{line: 3}}} = PortWorker.run(MyApp.Stub, "f")

      Test.stub(MyApp.Stub, "f", fn -> raise "boom" end)
      assert {:error, %Error{reason: :panic} = error} = PortWorker.run(MyApp.Stub, "f")
      assert error.message == "** (RuntimeError) boom"
      assert error.stack =~ "stub_test.exs"
      assert_raise RuntimeError, "boom", fn -> Test.verify!() end
    end

    test "no enumerable where one is expected" do
      Test.stub(MyApp.Stub, "f", fn -> {:ok, [1]} end)

      assert_raise Error, ~r/expected an enumerable of what the stream gives/, fn ->
        MyApp.Stub |> PortWorker.stream("f") |> Enum.to_list()
      end
    end

    test "its end, should somebody kill it" do
      Test.stub(MyApp.Stub, "f", fn -> Process.exit(self(), :kill) end)
      assert {:error, %Error{reason: :panic, message: message}} = PortWorker.run(MyApp.Stub, "f")
      assert message =~ "killed"
    end
  end

  describe "a call without a stub says what to write:" do
    for {name, call, example} <- [
          {"run", quote(do: PortWorker.run(MyApp.Stub, "f", [1, 2])),
           ~s|PortWorker.Test.stub(MyApp.Stub, "f", fn arg1, arg2 -> {:ok, nil} end)|},
          {"start_task", quote(do: PortWorker.start_task(MyApp.Stub, "f")),
           ~s|PortWorker.Test.stub(MyApp.Stub, "f", fn -> {:ok, nil} end)|},
          {"stream", quote(do: MyApp.Stub |> PortWorker.stream("f", [1]) |> Enum.to_list()),
           ~s|PortWorker.Test.stub(MyApp.Stub, "f", fn arg1 -> [1, 2, 3] end)|},
          {"open", quote(do: PortWorker.open(MyApp.Stub, "f")),
           ~s|fn -> Stream.map(PortWorker.Test.inputs(), & &1) end|}
        ] do
      test name do
        Test.stub(MyApp.Stub, "g", fn -> {:ok, 1} end)
        error = assert_raise UnexpectedCallError, fn -> unquote(call) end
        assert error.message =~ unquote(example)
        assert error.message =~ "PortWorker.Test.allow(MyApp.Stub, self(), pid)"
        assert error.message =~ ~s(There are stubs here for "g".)
        assert leftovers() == []
      end
    end

    test "with other arguments" do
      Test.stub(MyApp.Stub, "f", fn _one -> {:ok, 1} end)
      error = assert_raise UnexpectedCallError, fn -> PortWorker.run(MyApp.Stub, "f", [1, 2]) end
      assert error.message =~ "was called with 2 arguments, and its stub takes 1: [1, 2]"
    end

    test "more often than expected" do
      Test.expect(MyApp.Stub, "f", fn -> {:ok, 1} end)
      assert PortWorker.run(MyApp.Stub, "f") == {:ok, 1}
      error = assert_raise UnexpectedCallError, fn -> PortWorker.run(MyApp.Stub, "f") end
      assert error.message =~ "was expected once, and was called once more"
    end

    test "not for what a worker has by itself" do
      assert {:error, %Error{reason: :unsupported}} = PortWorker.history(MyApp.Stub)
      assert PortWorker.status(MyApp.Stub, stats: true).stats == nil
    end
  end

  describe "verify!/1" do
    test "raises for what was not called" do
      Test.expect(MyApp.Stub, "f", 2, fn -> {:ok, 1} end)
      PortWorker.run!(MyApp.Stub, "f")

      assert_raise UnexpectedCallError,
                   ~s("f" of MyApp.Stub was expected 2 times, and was called once),
                   fn -> Test.verify!() end

      PortWorker.run!(MyApp.Stub, "f")
      assert Test.verify!() == :ok
    end

    test "raises what a stub has raised" do
      Test.stub(MyApp.Stub, "f", fn n -> assert n == 1 && {:ok, n} end)
      assert {:error, _} = PortWorker.run(MyApp.Stub, "f", [2])
      assert_raise ExUnit.AssertionError, fn -> Test.verify!() end
    end

    test "a stub serves what was not expected" do
      Test.stub(MyApp.Stub, "f", fn -> {:ok, :stub} end)
      Test.expect(MyApp.Stub, "f", fn -> {:ok, :expected} end)
      assert [:expected, :stub, :stub] == for(_ <- 1..3, do: PortWorker.run!(MyApp.Stub, "f"))
      assert Test.verify!() == :ok
    end
  end

  describe "stubs are for" do
    test "each test process alone, however many there are" do
      # As many tests as may run at once, and more.
      1..64
      |> Task.async_stream(
        fn n ->
          # Processes of the same test module must not inherit from it.
          Process.delete(:"$callers")
          Process.delete(:"$ancestors")
          Test.stub(MyApp.Stub, "who", fn -> {:ok, n} end)

          for _ <- 1..20 do
            assert PortWorker.run(MyApp.Stub, "who") == {:ok, n}
            assert MyApp.Stub |> PortWorker.async("who") |> Task.await() == {:ok, n}
          end
        end,
        max_concurrency: 64
      )
      |> Enum.each(&assert {:ok, _} = &1)

      assert_raise UnexpectedCallError, fn -> PortWorker.run(MyApp.Stub, "who") end
    end

    test "processes that the test has started" do
      Test.stub(MyApp.Stub, "f", fn -> {:ok, 1} end)
      agent = start_supervised!({Agent, fn -> nil end})
      assert Agent.get(agent, fn _ -> PortWorker.run(MyApp.Stub, "f") end) == {:ok, 1}
    end

    test "others that are allowed to use them, and those they call for" do
      test = self()
      stranger = spawn_link(fn -> serve(test) end)
      Process.register(stranger, :a_stranger)
      ask(stranger, fn -> catch_error(PortWorker.run(MyApp.Stub, "f")) end)
      assert_receive {:answer, %UnexpectedCallError{}}

      Test.stub(MyApp.Stub, "f", fn -> {:ok, 1} end)
      assert Test.allow(MyApp.Stub, self(), :a_stranger) == :ok
      ask(stranger, fn -> PortWorker.run(MyApp.Stub, "f") end)
      assert_receive {:answer, {:ok, 1}}
      ask(stranger, fn -> MyApp.Stub |> PortWorker.async("f") |> Task.await() end)
      assert_receive {:answer, {:ok, 1}}
    end

    test "nobody any more when their process has ended" do
      {:ok, pid} = Agent.start(fn -> Test.stub(MyApp.Stub, "f", fn -> {:ok, 1} end) end)
      Test.allow(MyApp.Stub, pid, self())
      assert PortWorker.run(MyApp.Stub, "f") == {:ok, 1}
      Agent.stop(pid)
      assert_raise UnexpectedCallError, fn -> PortWorker.run(MyApp.Stub, "f") end
    end
  end

  describe "what is no worker with stubs is refused:" do
    test "a real one" do
      real = start_supervised!({PortWorker, command: PortWorker.TestWorker.path()})
      error = assert_raise ArgumentError, fn -> Test.stub(real, "f", fn -> {:ok, 1} end) end
      assert error.message =~ "command: :stub"
      assert error.message =~ "is a real one"
    end

    test "none at all" do
      error = assert_raise ArgumentError, fn -> Test.stub(Nobody, "f", fn -> {:ok, 1} end) end
      assert error.message =~ "no worker Nobody is running"
      assert_raise ArgumentError, fn -> Test.allow(MyApp.Stub, self(), :nobody_at_all) end
      assert_raise ArgumentError, fn -> Test.stub(MyApp.Stub, "", fn -> {:ok, 1} end) end
    end

    test "a process that runs no stub" do
      assert_raise ArgumentError, ~r/for the process that runs a stub/, fn -> Test.progress(1) end
      Test.stub(MyApp.Stub, "f", fn -> {:ok, Test.inputs()} end)
      assert {:error, %Error{message: message}} = PortWorker.run(MyApp.Stub, "f")
      assert message =~ "only one that is opened"
    end
  end

  test "a stubbed worker is as any other to those who ask" do
    assert %{state: :up, name: "stub", in_flight: 0, error: nil} = PortWorker.status(MyApp.Stub)
    assert PortWorker.functions(MyApp.Stub) == []
  end

  test "it is stopped when what runs has ended, and needs no name" do
    worker = start_supervised!({PortWorker, command: :stub})
    test = self()

    Test.stub(worker, "f", fn ->
      send(test, {:runs, self()})
      receive do: (:go -> {:ok, 1})
    end)

    task = PortWorker.start_task(worker, "f")
    assert_receive {:runs, stub}
    stopped = Task.async(fn -> PortWorker.stop(worker) end)
    refused(worker)
    send(stub, :go)
    assert PortWorker.await(task) == {:ok, 1}
    assert Task.await(stopped) == :ok
  end

  # Returns when it takes no calls any more.
  defp refused(worker) do
    case PortWorker.Routes.lookup({worker, 1}) do
      {:error, %Error{reason: :draining}} -> :ok
      {:ok, _route} -> refused(worker)
    end
  end

  # A monitor of the stub that runs.
  defp watch do
    assert_receive {:runs, stub}
    Process.monitor(stub)
  end

  defp ask(pid, fun), do: send(pid, {:ask, fun})

  defp serve(test) do
    receive do
      {:ask, fun} ->
        Process.delete(:"$callers")
        send(test, {:answer, fun.()})
        serve(test)
    end
  end
end
