defmodule PortWorker.CallbacksTest do
  use ExUnit.Case, async: true

  import PortWorker.TestWorker

  alias PortWorker.{Callbacks, Error, TestWorker}

  defmodule Offered do
    @moduledoc false
    # A module whose functions the worker may call.
    defmacro hidden(term), do: term
    def double(n), do: 2 * n
    def add(a, b), do: a + b
    def add(a), do: a
    def own_process, do: {self(), Process.get(:"$callers"), Logger.metadata()}
    def boom(kind), do: :erlang.raise(kind, RuntimeError.exception("boom"), [])
    def die, do: Process.exit(self(), :kill)
    def large, do: :binary.copy("x", 64 * 1024 * 1024)

    def wait(test) do
      send(test, {:waiting, self()})
      receive do: (:go_on -> :went_on)
    end
  end

  setup context do
    opts = [command: TestWorker.path(), callbacks: Map.get(context, :callbacks, Offered)]
    %{worker: start_supervised!({PortWorker, opts})}
  end

  defp ask(worker, name, args, opts \\ []), do: PortWorker.run(worker, "ask", [name, args], opts)

  defp why(worker, name, args) do
    assert {:ok, failure} = PortWorker.run(worker, "why", [name, args])
    failure
  end

  defp waiting do
    assert_receive {:waiting, pid}
    pid
  end

  defp assert_killed(pid) do
    monitor = Process.monitor(pid)
    assert_receive {:DOWN, ^monitor, _, _, reason}
    assert reason in [:killed, :noproc]
  end

  describe "a call back" do
    test "returns what the function returns", %{worker: worker} do
      assert ask(worker, "double", [21]) == {:ok, 42}
      assert ask(worker, "add", [1, 2]) == {:ok, 3}
      assert ask(worker, "add", [1]) == {:ok, 1}
    end

    @tag callbacks: %{:fun => &__MODULE__.Offered.double/1, "mf" => {Offered, :add}}
    test "may go to functions and pairs by name", %{worker: worker} do
      assert ask(worker, "fun", [4]) == {:ok, 8}
      assert ask(worker, "mf", [4, 5]) == {:ok, 9}
      assert {:error, %Error{reason: :unknown_function}} = ask(worker, "double", [4])
    end

    test "to what is not offered is refused", %{worker: worker} do
      for name <- ["nope", "module_info", "__info__", "hidden", "MACRO-hidden"] do
        assert {:error, %Error{reason: :unknown_function} = error} = ask(worker, name, [])
        assert error.message =~ name
      end
    end

    test "runs in a process of its own, with callers and metadata", %{worker: worker} do
      Logger.metadata(request_id: "r1")
      test = self()
      callers = [test | Process.get(:"$callers", [])]
      assert {:ok, {pid, ^callers, metadata}} = ask(worker, "own_process", [])
      assert pid != test
      assert metadata[:request_id] == "r1"

      task = PortWorker.async(worker, "ask", ["own_process", []])
      pid = task.pid
      assert {:ok, {_pid, [^pid | ^callers], _metadata}} = Task.await(task)

      task = PortWorker.start_task(worker, "ask", ["own_process", []])
      assert {:ok, {_pid, ^callers, _metadata}} = PortWorker.await(task)

      :ok = PortWorker.cast(worker, "ask", ["wait", [test]])
      pid = waiting()
      assert {:dictionary, dictionary} = Process.info(pid, :dictionary)
      assert dictionary[:"$callers"] == callers
      send(pid, :go_on)
      retry(fn -> PortWorker.status(worker).in_flight == 0 end)
    end

    test "can be many at once", %{worker: worker} do
      numbers = Enum.to_list(1..2_000)
      assert {:ok, doubled} = PortWorker.run(worker, "ask_all", ["double", numbers])
      assert doubled == Enum.map(numbers, &(&1 * 2))
    end

    test "may end the task by itself", %{worker: worker} do
      assert PortWorker.run(worker, "hand_over", ["double", [21]]) == {:ok, 42}
      assert {:error, error} = PortWorker.run(worker, "hand_over", ["boom", [:error]])
      assert error.message =~ "boom"
    end
  end

  test "calls nest to any depth" do
    name = __MODULE__.Nested

    nested = fn
      _self, 0 -> 0
      name, n -> 1 + PortWorker.run!(name, "ask", ["nested", [name, n - 1]])
    end

    opts = [command: TestWorker.path(), callbacks: [nested: nested], lanes: [cpu: 1, io: 2]]
    start_supervised!({PortWorker, [name: name] ++ opts}, id: name)
    assert PortWorker.run(name, "ask", ["nested", [name, 100]]) == {:ok, 100}
  end

  describe "a function that" do
    for {kind, message} <- [
          error: "boom",
          throw: ~s(%RuntimeError{message: "boom"}),
          exit: "RuntimeError"
        ] do
      test "ends with #{kind} is a typed error", %{worker: worker} do
        kind = unquote(kind)
        assert %{kind: name, message: message, stack: stack} = why(worker, "boom", [kind])
        assert name == Atom.to_string(kind)
        assert message =~ unquote(message)
        assert is_binary(stack)
      end
    end

    test "is not there for so many arguments", %{worker: worker} do
      assert %{kind: "error", message: message, stack: stack} = why(worker, "double", [1, 2])
      assert message =~ "double/2 is undefined"
      assert stack =~ "double(1, 2)"
    end

    test "is killed", %{worker: worker} do
      assert %{kind: "exit", message: "killed"} = why(worker, "die", [])
    end

    test "returns more than the worker accepts", %{worker: worker} do
      assert %{kind: "error", message: message} = why(worker, "large", [])
      assert message =~ "the answer is 67108"
    end
  end

  describe "the process is killed when" do
    test "its task is cancelled", %{worker: worker} do
      task = PortWorker.start_task(worker, "ask", ["wait", [self()]])
      pid = waiting()
      assert PortWorker.cancel(task) == :stopped
      assert_killed(pid)
    end

    test "the caller dies", %{worker: worker} do
      test = self()
      caller = spawn(fn -> ask(worker, "wait", [test]) end)
      pid = waiting()
      Process.exit(caller, :kill)
      assert_killed(pid)
    end

    test "the deadline of its task passes", %{worker: worker} do
      assert {:error, %Error{reason: :timeout}} = ask(worker, "wait", [self()], timeout: 50)
      assert_killed(waiting())
    end

    test "its own time is up", %{worker: worker} do
      args = [50, "wait", [self()]]
      assert {:error, %Error{}} = PortWorker.run(worker, "ask_within", args)
      assert_killed(waiting())
    end

    test "the worker dies", %{worker: worker} do
      os_pid = PortWorker.status(worker).os_pid
      task = PortWorker.start_task(worker, "ask", ["wait", [self()]])
      pid = waiting()
      monitor = Process.monitor(pid)
      PortWorker.ScriptedWorker.signal(os_pid, "KILL")
      assert {:error, %Error{reason: :worker_down}} = PortWorker.await(task)
      assert_receive {:DOWN, ^monitor, _, _, _}
    end
  end

  test "streams and channels can call back", %{worker: worker} do
    assert worker |> PortWorker.stream("range", [1, 3]) |> Enum.to_list() == [1, 2, 3]
    assert worker |> PortWorker.stream("range", [1, 1_000_000]) |> Enum.take(1) == [1]
    retry(fn -> running(worker) == 0 end)
    assert leftovers() == []
  end

  test "10,000 calls that call back leave nothing behind", %{worker: worker} do
    1..10_000
    |> Task.async_stream(&assert(ask(worker, "double", [&1]) == {:ok, 2 * &1}))
    |> Stream.run()

    # The processes that called have ended; the word of the last may be on its way.
    retry(fn -> remembered(worker) == {[], [], [], []} end)
  end

  describe "a notification" do
    test "goes to a pid, an alias or a name", %{worker: worker} do
      assert PortWorker.run(worker, "tell", [self(), %{"any" => ["term"]}]) == {:ok, nil}
      assert_receive %{"any" => ["term"]}

      assert PortWorker.run(worker, "tell", [:erlang.alias(), :to_an_alias]) == {:ok, nil}
      assert_receive :to_an_alias

      Process.register(self(), __MODULE__)
      assert PortWorker.run(worker, "tell", [__MODULE__, :to_a_name]) == {:ok, nil}
      assert_receive :to_a_name
    end

    test "to nobody harms nothing", %{worker: worker} do
      {gone, monitor} = spawn_monitor(fn -> :ok end)
      assert_receive {:DOWN, ^monitor, _, _, _}

      for to <- [gone, make_ref(), :nobody_has_this_name, "no name", {:name, node()}, nil] do
        assert PortWorker.run(worker, "tell", [to, 1]) == {:ok, nil}
      end

      assert PortWorker.status(worker).restarts == 0
    end
  end

  describe "the option" do
    test "takes functions, pairs and modules" do
      fun = fn -> :ok end
      assert Callbacks.functions(a: fun) == {:ok, %{"a" => fun}}
      assert Callbacks.functions(%{"b" => {M, :f}}) == {:ok, %{"b" => {M, :f}}}
      assert {:ok, %{"double" => {Offered, :double}} = exported} = Callbacks.functions(Offered)
      refute Map.has_key?(exported, "module_info")
    end

    test "takes nothing else" do
      for wrong <- [NoSuchModule, nil, "f", [1], [a: 1], %{1 => &self/0}, [a: {M, "f"}]] do
        assert Callbacks.functions(wrong) == :error, inspect(wrong)
      end

      assert {:error, error} = PortWorker.start_link(command: "x", callbacks: NoSuchModule)
      assert error.message =~ "option :callbacks: expected a loaded module"
    end
  end
end
