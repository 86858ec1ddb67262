defmodule PortWorker.WindowTest do
  use ExUnit.Case, async: true

  import PortWorker.TestWorker

  alias PortWorker.{TestWorker, Window}

  @window 4 * 1024 * 1024
  @blob 500_000

  setup context do
    opts = [command: TestWorker.path(), timeout: :infinity, heartbeat: :infinity]
    %{worker: start_supervised!({PortWorker, opts ++ Map.get(context, :start, [])})}
  end

  defp connection(worker) do
    {:ok, %{connection: connection}} = PortWorker.Routes.fetch(worker)
    connection
  end

  # Bytes of the worker's output in the mailbox of its connection.
  defp waiting(connection) do
    {:messages, messages} = Process.info(connection, :messages)
    Enum.sum(for {port, {:data, packet}} when is_port(port) <- messages, do: byte_size(packet))
  end

  # The connection does nothing while the worker is asked for 100 large results.
  defp flood(worker) do
    connection = connection(worker)
    %{port: port} = :sys.get_state(connection)
    :erlang.suspend_process(connection)
    refs = for _ <- 1..100, do: :erlang.alias([:reply])

    for ref <- refs do
      Port.command(port, :erlang.term_to_binary({:call, ref, "blob", [@blob]}))
    end

    {connection, refs}
  end

  defp assert_all_arrive({connection, refs}) do
    :erlang.resume_process(connection)
    for ref <- refs, do: assert_receive({^ref, {:ok, <<_::binary-size(@blob)>>}})
  end

  @tag start: [window: @window]
  test "bounds what waits for a connection that is slow", %{worker: worker} do
    {connection, _refs} = flood = flood(worker)
    retry(fn -> waiting(connection) > @window - 2 * @blob end)
    for _ <- 1..20_000, do: assert(waiting(connection) <= @window)
    assert_all_arrive(flood)
  end

  @tag start: [window: :infinity]
  test "without one, nothing does", %{worker: worker} do
    {connection, _refs} = flood = flood(worker)
    retry(fn -> waiting(connection) > 10 * @window end)
    assert_all_arrive(flood)
  end

  @tag start: [window: 100_000]
  test "smaller than a message holds nothing up", %{worker: worker} do
    for _ <- 1..20 do
      assert {:ok, <<_::binary-size(@blob)>>} = PortWorker.run(worker, "blob", [@blob])
      assert {:ok, "x"} = PortWorker.run(worker, "blob", [1])
    end
  end

  @tag start: [window: 1]
  test "of one byte works, one message at a time", %{worker: worker} do
    assert worker |> PortWorker.stream("range", [1, 500]) |> Enum.sum() == 125_250
  end

  @tag start: [window: @window]
  test "bounds a stream whose demand is large, and a slow consumer stalls nobody", context do
    %{worker: worker} = context
    slow = PortWorker.stream(worker, "blobs", [1_000, @blob], demand: 2)
    fast = PortWorker.stream(worker, "blobs", [100, @blob], demand: 1_000)

    assert {:suspended, 1, stop} =
             Enumerable.reduce(slow, {:cont, 0}, fn _, n -> {:suspend, n + 1} end)

    assert Enum.count(fast) == 100
    assert {:halted, 1} = stop.({:halt, 1})
    retry(fn -> running(worker) == 0 end)
    assert leftovers() == []
  end

  test "is acknowledged in batches" do
    for {size, bytes, acknowledged} <- [
          {:infinity, [1_000_000], [0]},
          {4 * 65_536, [65_535, 1, 65_536, 1], [0, 65_536, 65_536, 0]},
          {16 * 1024 * 1024, [4 * 1024 * 1024 - 1, 1], [0, 4 * 1024 * 1024]},
          {4 * 65_536 - 1, [99, 1], [99, 1]},
          {1, [1, 20], [1, 20]}
        ] do
      {acks, _window} = Enum.map_reduce(bytes, Window.new(size), &Window.consumed(&2, &1))
      assert acks == acknowledged, "#{inspect(size)}: #{inspect(acks)}"
    end
  end

  test "is acknowledged along with what is written, if it is worth it" do
    {0, window} = Window.consumed(Window.new(16 * 1024 * 1024), 65_535)
    assert {0, ^window} = Window.along(window)
    {0, window} = Window.consumed(window, 1)
    assert {65_536, window} = Window.along(window)
    assert {0, _window} = Window.along(window)
  end

  test "is settled when there is nothing to do" do
    {0, window} = Window.consumed(Window.new(1_000_000), 100)
    assert Window.pending?(window)
    assert {100, window} = Window.settle(window)
    refute Window.pending?(window)
  end
end
