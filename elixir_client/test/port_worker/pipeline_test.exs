defmodule PortWorker.PipelineTest do
  use ExUnit.Case, async: true

  import PortWorker.TestWorker

  alias PortWorker.{Error, Pipeline, TestWorker}

  setup do
    %{worker: start_supervised!({PortWorker, command: TestWorker.path()})}
  end

  defp list, do: Pipeline.from_list(1..6)

  for {name, pipeline, expected} <- [
        {"a list", quote(do: list()), [1, 2, 3, 4, 5, 6]},
        {"a call", quote(do: Pipeline.call(:twice, [3])), [3, 3]},
        {"a stream", quote(do: Pipeline.stream("range", [1, 4])), [1, 2, 3, 4]},
        {"map/2", quote(do: Pipeline.map(list(), "double")), [2, 4, 6, 8, 10, 12]},
        {"filter/2", quote(do: Pipeline.filter(list(), :even)), [2, 4, 6]},
        {"reject/2", quote(do: Pipeline.reject(list(), "even")), [1, 3, 5]},
        {"flat_map/2", quote(do: list() |> Pipeline.take(2) |> Pipeline.flat_map("twice")),
         [1, 1, 2, 2]},
        {"buffered/3", quote(do: Pipeline.buffered(list(), "double", 3)), [2, 4, 6, 8, 10, 12]},
        {"take/2", quote(do: Pipeline.take(list(), 2)), [1, 2]},
        {"skip/2", quote(do: Pipeline.skip(list(), 4)), [5, 6]},
        {"chunk/2", quote(do: Pipeline.chunk(list(), 4)), [[1, 2, 3, 4], [5, 6]]},
        {"throttle/2", quote(do: Pipeline.throttle(list(), 1)), [1, 2, 3, 4, 5, 6]},
        {"stages in their order",
         quote(do: list() |> Pipeline.skip(2) |> Pipeline.take(2) |> Pipeline.map("double")),
         [6, 8]}
      ] do
    test "#{name} gives the same as a list and as a stream", %{worker: worker} do
      pipeline = unquote(pipeline)
      assert Pipeline.collect(pipeline, worker) == {:ok, unquote(expected)}
      assert Enum.to_list(Pipeline.stream(pipeline, worker, demand: 1)) == unquote(expected)
      assert Pipeline.count(pipeline, worker) == {:ok, length(unquote(expected))}
    end
  end

  test "buffer_unordered/3 gives results as they come", %{worker: worker} do
    assert {:ok, results} =
             list() |> Pipeline.buffer_unordered("double", 6) |> Pipeline.collect(worker)

    assert Enum.sort(results) == [2, 4, 6, 8, 10, 12]
  end

  test "fold/5 goes from state to state", %{worker: worker} do
    assert Pipeline.fold(list(), worker, "add", 100) == {:ok, 121}
  end

  test "a stream is made as it is consumed, and ends with its consumer", %{worker: worker} do
    stream = "range" |> Pipeline.stream([1, 1_000_000_000]) |> Pipeline.map("double")
    assert stream |> Pipeline.stream(worker, demand: 2) |> Enum.take(3) == [2, 4, 6]
    assert leftovers() == []
    retry(fn -> running(worker) == 0 end)
  end

  test "reports what its functions report", %{worker: worker} do
    test = self()
    opts = [on_progress: &send(test, {:progress, &1})]
    pipeline = list() |> Pipeline.take(2) |> Pipeline.map("report")
    assert Pipeline.collect(pipeline, worker, opts) == {:ok, [1, 2]}
    assert Enum.to_list(Pipeline.stream(pipeline, worker, opts)) == [1, 2]
    for n <- [1, 2, 1, 2], do: assert_received({:progress, ^n})
  end

  test "its first failure is its error", %{worker: worker} do
    pipeline = list() |> Pipeline.skip(5) |> Pipeline.map("fail")
    assert {:error, %Error{reason: :bad_args, function: nil}} = Pipeline.collect(pipeline, worker)

    failing = Pipeline.stream("fails", [2])
    assert {:error, %Error{message: "out of numbers"}} = Pipeline.collect(failing, worker)

    assert_raise Error, ~r/out of numbers/, fn ->
      Enum.to_list(Pipeline.stream(failing, worker))
    end

    assert {:error, %{reason: :bad_args}} =
             Pipeline.collect(Pipeline.stream("double", [1]), worker)
  end

  test "ends when its time is up", %{worker: worker} do
    pipeline = list() |> Pipeline.buffered("forever", 6)
    assert {:error, %Error{reason: :timeout}} = Pipeline.collect(pipeline, worker, timeout: 20)
    retry(fn -> running(worker) == 0 end)
  end

  test "what makes no sense is said where it is built" do
    assert_raise ArgumentError, ~r/whole number from 1 to/, fn -> Pipeline.chunk(list(), 0) end
    assert_raise ArgumentError, ~r/name of a function/, fn -> Pipeline.map(list(), 1) end
    assert_raise ArgumentError, ~r/list of arguments/, fn -> Pipeline.call("twice", 1) end

    assert_raise ArgumentError, ~r/unknown option :retry/, fn ->
      Pipeline.count(list(), :w, retry: [])
    end
  end
end
