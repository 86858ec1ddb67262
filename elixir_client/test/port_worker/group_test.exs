defmodule PortWorker.GroupTest do
  use ExUnit.Case, async: true

  import PortWorker.TestWorker

  alias PortWorker.{Error, TestWorker}

  setup do
    %{worker: start_supervised!({PortWorker, command: TestWorker.path()})}
  end

  # Every call has ended over there, and nothing is left of it here.
  defp assert_over(worker) do
    assert leftovers() == []
    assert running(worker) == 0
  end

  defp reasons(outcomes), do: Enum.map(outcomes, fn {:error, error} -> error.reason end)

  describe "group/3" do
    test "has the outcomes in the order of the calls", %{worker: worker} do
      calls = [
        {:double, [1]},
        {"twice", [2], lane: :cpu, priority: :high, name: "b"},
        {"add", [1, 2]}
      ]

      assert PortWorker.group(worker, calls) == {:ok, [ok: 2, ok: [2, 2], ok: 3]}
      assert PortWorker.group(worker, []) == {:ok, []}
      assert_over(worker)
    end

    test "is one call of the worker", %{worker: worker} do
      before = PortWorker.status(worker, stats: true).stats
      assert {:ok, outcomes} = PortWorker.group(worker, for(n <- 1..1_000, do: {"double", [n]}))
      assert outcomes == for(n <- 1..1_000, do: {:ok, 2 * n})
      after_it = PortWorker.status(worker, stats: true).stats
      assert after_it.functions["double"].calls == 1_000
      assert after_it.messages - before.messages == 2
    end

    test "stops the others when one fails", %{worker: worker} do
      calls = [{"forever", [1]}, {"fail", ["no"]}, {"forever", [2]}]
      assert {:ok, [stopped, {:error, failed}, stopped_too]} = PortWorker.group(worker, calls)
      assert reasons([stopped, stopped_too]) == [:cancelled, :cancelled]
      assert %Error{reason: :failed, message: "no", function: "fail"} = failed
      assert_over(worker)
    end

    test "waits for all when it is told to", %{worker: worker} do
      calls = [{"fail", ["no"]}, {"double", [2]}, {"panics", [0]}, {"no such function", []}]
      assert {:ok, outcomes} = PortWorker.group(worker, calls, on_error: :wait_all)
      assert outcomes == elem(PortWorker.join_all(worker, calls), 1)

      assert [{:error, %{reason: :failed}}, {:ok, 4}, {:error, stream}, {:error, unknown}] =
               outcomes

      assert {stream.reason, unknown.reason} == {:bad_args, :unknown_function}
      assert stream.message =~ "is a stream"
    end

    test "fails fast when it is told to", %{worker: worker} do
      calls = [{"forever", [1]}, {"fail", ["no"]}]
      assert {:error, error} = PortWorker.group(worker, calls, on_error: :fail_fast)
      assert Exception.message(error) == "call 1: no (failed)"
      assert PortWorker.try_join_all(worker, calls) == {:error, error}
      assert PortWorker.try_join_all(worker, [{"double", [1]}, {"double", [2]}]) == {:ok, [2, 4]}
      assert_over(worker)
    end

    test "reports progress with the index of the call", %{worker: worker} do
      test = self()
      calls = [{"report", ["a"]}, {"report", ["b"]}]
      assert {:ok, _} = PortWorker.group(worker, calls, on_progress: &send(test, {:progress, &1}))
      assert_received {:progress, {0, "a"}}
      assert_received {:progress, {1, "b"}}
    end

    test "runs as many at once as it may", %{worker: worker} do
      test = self()
      report = &send(test, {:begun, &1})
      calls = [{"forever", [0], timeout: 200}, {"report", [1]}]
      opts = [on_error: :wait_all, max_concurrency: 1, on_progress: report]

      assert {:ok, [{:error, %{reason: :timeout}}, {:ok, 1}]} =
               PortWorker.group(worker, calls, opts)

      assert_received {:begun, {0, 0}}
      assert_received {:begun, {1, 1}}
    end

    test "refuses more calls than it may have", %{worker: worker} do
      calls = [{"double", [1]}, {"double", [2]}]
      assert {:error, error} = PortWorker.group(worker, calls, max_tasks: 1)
      assert {error.reason, error.details} == {:overloaded, %{max_tasks: 1}}
      assert error.message =~ "task limit exceeded"
      assert {:ok, [_, _]} = PortWorker.group(worker, calls, max_tasks: 2)
    end

    test "ends when its time is up", %{worker: worker} do
      calls = [{"forever", [1]}, {"double", [1]}]
      assert {:error, %Error{reason: :timeout}} = PortWorker.group(worker, calls, timeout: 20)
      retry(fn -> running(worker) == 0 end)
      assert leftovers() == []
    end

    test "ends with the process that waits for it", %{worker: worker} do
      test = self()
      report = &send(test, {:begun, &1})
      calls = [{"forever", [1]}, {"forever", [2]}]
      {:ok, pid} = Task.start(fn -> PortWorker.group(worker, calls, on_progress: report) end)
      assert_receive {:begun, {0, 1}}
      assert_receive {:begun, {1, 2}}
      Process.exit(pid, :kill)
      retry(fn -> running(worker) == 0 end)
    end

    test "tries calls again that say how", %{worker: worker} do
      again = [retry: [max_attempts: 3, backoff: 1]]
      assert PortWorker.group(worker, [{"flaky", [2], again}]) == {:ok, [ok: 3]}
    end

    for {name, calls, opts, message} <- [
          {"no list", {"f", []}, [], "expected a list of calls"},
          {"no call", [:f], [],
           "expected a call, {name, arguments} or {name, arguments, options}"},
          {"no name", [{1, []}], [], "expected the name of a function"},
          {"no arguments", [{"f", 1}], [], "expected a list of arguments"},
          {"an option that is none", [{"f", [], detach: true}], [], "unknown option :detach"},
          {"a group's option that is none", [], [lane: :cpu], "unknown option :lane"},
          {"a wrong word", [], [on_error: :retry],
           "option :on_error: expected one of :cancel_all"}
        ] do
      test "raises for #{name}", %{worker: worker} do
        assert_raise ArgumentError, ~r/#{unquote(message)}/, fn ->
          PortWorker.group(worker, unquote(Macro.escape(calls)), unquote(opts))
        end
      end
    end

    test "says that the worker is down" do
      assert {:error, %Error{reason: :worker_down}} =
               PortWorker.group(:no_worker, [{"double", [1]}])
    end
  end

  describe "the first of several" do
    test "wins a race, whatever it ended with", %{worker: worker} do
      assert PortWorker.race(worker, [{"forever", [1]}, {"double", [2]}]) == {:ok, 4}
      assert {:error, error} = PortWorker.race(worker, [{"forever", [1]}, {"fail", ["no"]}])
      assert {error.function, error.message} == {"fail", "no"}
      assert_over(worker)
    end

    test "is selected with its index", %{worker: worker} do
      calls = [{"forever", [1]}, {"forever", [2]}, {"double", [2]}]
      assert PortWorker.select_all(worker, calls) == {:ok, {2, {:ok, 4}}}
      assert_over(worker)
    end

    test "that succeeds is taken, and failures before it are not", %{worker: worker} do
      calls = [{"forever", [1]}, {"fail", ["no"]}, {"flaky", [1], retry: [backoff: 20]}]
      assert PortWorker.try_first(worker, calls) == {:ok, 2}
      assert_over(worker)
    end

    test "is an error with all outcomes when none succeeds", %{worker: worker} do
      assert {:error, error} = PortWorker.try_first(worker, [{"fail", ["a"]}, {"fail", ["b"]}])
      assert error.reason == :failed

      assert [{:error, %Error{message: "a", function: "fail"}}, {:error, %{message: "b"}}] =
               error.details
    end

    test "decides, so that there is nothing to say of errors", %{worker: worker} do
      assert_raise ArgumentError, ~r/unknown option :on_error/, fn ->
        PortWorker.race(worker, [{"double", [1]}], on_error: :wait_all)
      end
    end

    test "of none is an error", %{worker: worker} do
      assert {:error, %Error{reason: :bad_args}} = PortWorker.race(worker, [])
    end
  end

  describe "one function with many arguments" do
    test "has all outcomes with async_map/4", %{worker: worker} do
      assert PortWorker.async_map(worker, "add", 1..3, args: [10]) ==
               {:ok, [ok: 11, ok: 12, ok: 13]}

      assert {:ok, [{:error, _}, {:ok, 2}]} = PortWorker.async_map(worker, "double", ["x", 1])
    end

    test "has all values with parallel_map/4, on the cpu lane", %{worker: worker} do
      assert PortWorker.parallel_map(worker, "double", 1..100) ==
               {:ok, Enum.map(1..100, &(2 * &1))}

      assert {:ok, [%{function: "double", lane: "cpu"} | _]} = PortWorker.history(worker)
      assert {:error, %{reason: :bad_args}} = PortWorker.parallel_map(worker, "double", [1, "x"])
    end

    test "has one value with parallel_reduce/5", %{worker: worker} do
      for opts <- [
            [],
            [chunk: 1],
            [chunk: 7, max_concurrency: 2],
            [chunk: 5_000],
            [combine: :total]
          ] do
        assert PortWorker.parallel_reduce(worker, "total", 1..1_000, 5, opts) == {:ok, 500_505}
      end

      assert PortWorker.parallel_reduce(worker, "total", [], 5) == {:ok, 5}
      assert {:ok, [%{lane: "cpu"} | _]} = PortWorker.history(worker)

      assert {:error, error} =
               PortWorker.parallel_reduce(worker, "total", [1, "x"], 0, timeout: 1_000)

      assert error.reason == :bad_args
    end
  end
end
