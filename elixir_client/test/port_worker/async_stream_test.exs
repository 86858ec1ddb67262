defmodule PortWorker.AsyncStreamTest do
  use ExUnit.Case, async: true

  import PortWorker.TestWorker

  alias PortWorker.{Binary, Error}

  setup do
    %{worker: start_supervised!({PortWorker, command: Binary.path(), backoff_min: 1})}
  end

  defp sleeps(worker, enumerable, opts \\ []) do
    PortWorker.async_stream(worker, enumerable, "sleep", opts)
  end

  defp assert_stopped(worker) do
    assert leftovers() == []
    retry(fn -> running(worker) == 0 end)
  end

  test "gives a result for each element, in order", %{worker: worker} do
    for max <- [1, 2, 100] do
      stream = PortWorker.async_stream(worker, 1..1_000, :echo, max_concurrency: max)
      assert Enum.to_list(stream) == Enum.map(1..1_000, &{:ok, &1})
    end

    assert worker |> PortWorker.async_stream([], "echo") |> Enum.to_list() == []
    assert_stopped(worker)
  end

  test "gives results as they come when order does not matter", %{worker: worker} do
    stream =
      PortWorker.async_stream(worker, [200, 1], "sleep", ordered: false, max_concurrency: 2)

    monotonic = Enum.map(stream, fn {:ok, :ok} -> System.monotonic_time(:millisecond) end)
    assert [first, second] = monotonic
    assert second - first > 100

    stream = PortWorker.async_stream(worker, 1..100, "echo", ordered: false, max_concurrency: 10)
    assert Enum.sort(stream) == Enum.map(1..100, &{:ok, &1})
  end

  test "passes further arguments", %{worker: worker} do
    stream = PortWorker.async_stream(worker, [__ENV__.file], "file.digest", args: ["md5"])
    assert [{:ok, %{algorithm: "md5"}}] = Enum.to_list(stream)
  end

  test "goes on after an error", %{worker: worker} do
    assert [{:ok, "A"}, {:error, %Error{reason: :bad_args, function: "upcase"}}, {:ok, "B"}] =
             worker |> PortWorker.async_stream(["a", 1, "b"], "upcase") |> Enum.to_list()

    assert [{:error, %Error{reason: :unknown_function, function: "nope"}}] =
             worker |> PortWorker.async_stream([1], "nope") |> Enum.to_list()

    assert [{:error, %Error{reason: :worker_down}}] =
             :nobody_here |> PortWorker.async_stream([1], "echo") |> Enum.to_list()

    assert_stopped(worker)
  end

  test "takes elements as results are consumed, and no more at once than allowed", context do
    %{worker: worker} = context
    test = self()
    input = Stream.each(1..1_000_000, &send(test, {:taken, &1}))

    for ordered <- [true, false] do
      opts = [max_concurrency: 3, ordered: ordered]
      stream = PortWorker.async_stream(worker, input, "echo", opts)
      assert [ok: _, ok: _] = Enum.take(stream, 2)
      for n <- 1..3, do: assert_received({:taken, ^n})
      refute_received {:taken, 5}
      assert_received {:taken, 4}
      assert_stopped(worker)
    end
  end

  test "closes its input, and cancels, when the consumer has had enough or raises", context do
    %{worker: worker} = context
    test = self()

    input = Stream.resource(fn -> 0 end, &{[&1], 60_000}, fn _ -> send(test, :closed) end)

    assert input |> then(&sleeps(worker, &1, max_concurrency: 5)) |> Enum.take(1) == [ok: :ok]
    assert_received :closed
    assert_stopped(worker)

    each = fn -> input |> then(&sleeps(worker, &1)) |> Enum.each(fn _ -> raise "enough" end) end
    assert_raise RuntimeError, "enough", each
    assert_received :closed
    assert_stopped(worker)
  end

  test "cancels when its input raises, or its consumer dies", %{worker: worker} do
    input = Stream.map([60_000, :bad], fn n -> if n == :bad, do: raise("no input"), else: n end)
    assert_raise RuntimeError, "no input", fn -> Enum.to_list(sleeps(worker, input)) end
    assert_stopped(worker)

    consumer = spawn(fn -> Stream.run(sleeps(worker, [60_000, 60_000])) end)
    retry(fn -> running(worker) == 2 end)
    Process.exit(consumer, :kill)
    assert_stopped(worker)
  end

  test "can be suspended, as zip does", %{worker: worker} do
    stream = PortWorker.async_stream(worker, 1..1_000, "echo")
    assert Enum.zip(stream, [:a, :b]) == [{{:ok, 1}, :a}, {{:ok, 2}, :b}]
    assert_stopped(worker)
  end

  test "exits when a call takes too long", %{worker: worker} do
    stream = sleeps(worker, [60_000, 60_000], timeout: 20)

    assert {:timeout, {PortWorker, :async_stream, [_, "sleep"]}} =
             catch_exit(Enum.to_list(stream))

    assert_stopped(worker)
  end

  test "or goes on, if that is wanted", %{worker: worker} do
    stream = sleeps(worker, [0, 60_000, 0], timeout: 100, on_timeout: :kill_task)
    assert Enum.to_list(stream) == [ok: :ok, exit: :timeout, ok: :ok]
    assert_stopped(worker)
  end

  test "tells of a worker that dies", %{worker: worker} do
    os_pid = PortWorker.status(worker).os_pid
    stream = sleeps(worker, [0, 60_000, 60_000], max_concurrency: 3)

    [{:ok, :ok} | rest] =
      Enum.map(stream, fn result ->
        if result == {:ok, :ok}, do: PortWorker.ScriptedWorker.signal(os_pid, "KILL")
        result
      end)

    assert [{:error, %Error{reason: :worker_down}}, {:error, %Error{}}] = rest
    assert leftovers() == []
  end

  test "gives up on a worker that does not keep the time" do
    import PortWorker.ScriptedWorker
    worker = start_supervised!({PortWorker, [window: :infinity] ++ listen()}, id: :scripted)
    assert_received {:peer, peer, {:started, _}}
    assert_received {:peer, ^peer, {:hello, _}}
    opts = [timeout: 1, on_timeout: :kill_task]
    assert worker |> PortWorker.async_stream([1], "f", opts) |> Enum.to_list() == [exit: :timeout]
    assert_receive {:peer, ^peer, {:call, ref, "f", [1], _}}
    assert_receive {:peer, ^peer, {:cancel, ^ref}}
    say(peer, {:result, ref, {:ok, :late}})
    assert PortWorker.status(worker).state == :up
    assert leftovers() == []
  end

  test "options that make no sense raise" do
    for {opts, message} <- [
          {[max_concurrency: 0], "option :max_concurrency: expected a whole number from 1"},
          {[on_timeout: :raise], "option :on_timeout: expected one of :exit, :kill_task"},
          {[args: :none], "option :args: expected a list of arguments"}
        ] do
      error = assert_raise ArgumentError, fn -> PortWorker.async_stream(:any, [], "f", opts) end
      assert error.message =~ message
    end
  end
end
