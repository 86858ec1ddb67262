defmodule PortWorker.AloneTest do
  # A call that is alone is written by its caller. The connection, which would write any other, is suspended meanwhile.
  use ExUnit.Case, async: true

  import PortWorker.ScriptedWorker
  import PortWorker.TestWorker, only: [remembered: 1, retry: 1, writer: 1]

  alias PortWorker.{Calls, Connection, Error, Pending, Routes, Sender, Wire, Writer}

  setup context do
    opts = Map.get(context, :start, [])
    worker = start_supervised!({PortWorker, listen() ++ opts})
    assert_received {:peer, peer, {:started, _os_pid}}
    assert_received {:peer, ^peer, {:hello, _}}
    {:ok, %{connection: connection}} = Routes.fetch(worker)
    %{worker: worker, peer: peer, connection: connection}
  end

  defp concurrently(fun) do
    test = self()
    spawn(fn -> send(test, {:done, self(), fun.()}) end)
  end

  # What ends at once, and what ends when it is cancelled.
  defp reply({:call, ref, "f", _args, _opts}), do: {:result, ref, {:ok, nil}}

  defp reply({:cancel, ref}) do
    {:result, ref, {:error, %{reason: :cancelled, message: "cancelled"}}}
  end

  # A caller whose call arrives while the connection does nothing.
  defp call_alone(context, name, args \\ []) do
    :ok = :sys.suspend(context.connection)
    pid = concurrently(fn -> PortWorker.run(context.worker, name, args, timeout: :infinity) end)
    peer = context.peer
    assert_receive {:peer, ^peer, {:call, ref, ^name, ^args, %{owner: ^pid}}}
    {pid, ref}
  end

  test "reaches the worker while the connection is busy, and its answer the caller", context do
    {pid, ref} = call_alone(context, "f", [1])
    say(context.peer, {:result, ref, {:ok, 2}})
    refute_received {:done, ^pid, _result}
    :sys.resume(context.connection)
    assert_receive {:done, ^pid, {:ok, 2}}
  end

  test "waits for its turn behind what its process has sent before", context do
    %{worker: worker, peer: peer, connection: connection} = context
    :ok = :sys.suspend(connection)

    pid =
      concurrently(fn ->
        :ok = PortWorker.cast(worker, "first")
        PortWorker.run(worker, "second")
      end)

    retry(fn -> Process.info(pid, :status) == {:status, :waiting} end)
    refute_received {:peer, ^peer, {:call, _, "second", _, _}}
    :sys.resume(connection)
    assert_receive {:peer, ^peer, {:call, _, name, _, _}}
    assert name == "first"
    assert_receive {:peer, ^peer, {:call, ref, "second", _, _}}
    say(peer, {:result, ref, {:ok, 2}})
    assert_receive {:done, ^pid, {:ok, 2}}
  end

  test "is one of 64 KiB at most", context do
    %{worker: worker, peer: peer, connection: connection} = context
    :ok = :sys.suspend(connection)
    large = :binary.copy("x", 65_536)
    pid = concurrently(fn -> PortWorker.run(worker, "large", [large]) end)
    retry(fn -> Process.info(pid, :status) == {:status, :waiting} end)
    refute_received {:peer, ^peer, {:call, _, _, _, _}}
    :sys.resume(connection)
    assert_receive {:peer, ^peer, {:call, ref, "large", [^large], _}}
    say(peer, {:result, ref, {:ok, 1}})
    assert_receive {:done, ^pid, {:ok, 1}}
  end

  test "ends with its caller", context do
    %{worker: worker, peer: peer, connection: connection} = context
    {pid, ref} = call_alone(context, "f")
    Process.exit(pid, :kill)
    :sys.resume(connection)
    assert_receive {:peer, ^peer, {:owner_down, ^pid}}
    say(peer, {:result, ref, {:error, %{reason: :cancelled, message: "its owner is down"}}})
    retry(fn -> remembered(worker) == {[], [], [], []} end)
  end

  test "is told of the end of the worker", context do
    {pid, _ref} = call_alone(context, "f")
    hang_up(context.peer)
    :sys.resume(context.connection)
    assert_receive {:done, ^pid, {:error, %Error{reason: :worker_down}}}
  end

  test "is told of a connection that is killed", context do
    {pid, _ref} = call_alone(context, "f")
    Process.exit(context.connection, :kill)
    assert_receive {:done, ^pid, {:error, %Error{reason: :worker_down}}}
  end

  test "does not make its caller wait for a port that is full", context do
    %{worker: worker, peer: peer, connection: connection} = context
    stop_reading(peer)
    ping = Wire.encode({:ping, :binary.copy("x", 500_000)})
    for _ <- 1..20, do: Sender.encoded(connection, ping)
    retry(fn -> Process.info(writer(connection), :status) == {:status, :suspended} end)
    assert {:error, %Error{reason: :timeout}} = PortWorker.run(worker, "f", [], timeout: 1)
  end

  describe "whose caller is killed before it is written" do
    @describetag start: [heartbeat: 20, heartbeat_timeout: 300]

    test "is given up when the worker does not know it", context do
      %{worker: worker, connection: connection} = context
      {:ok, %{pending: pending}} = Routes.fetch(worker)

      # As far as it came.
      caller =
        spawn(fn ->
          Pending.sent(pending)
          id = Pending.next(pending)
          send(connection, {:called, self(), id, {self(), make_ref()}})
        end)

      retry(fn -> not Process.alive?(caller) and remembered(worker) == {[], [], [], []} end)
      {pid, ref} = call_alone(context, "f")
      :sys.resume(connection)
      say(context.peer, {:result, ref, {:ok, 1}})
      assert_receive {:done, ^pid, {:ok, 1}}
    end

    test "is given up by the second sign of life, unless it was written and answered, or its owner lives" do
      to = {self(), make_ref()}
      owner = spawn(fn -> :ok end)

      Calls.enter_alone(1, to, owner)
      assert [false, false, false] = for(_ <- 1..3, do: Calls.sign_of_life())
      Calls.unwatch(owner)
      assert [false, true, false] = for(_ <- 1..3, do: Calls.sign_of_life())
      assert Calls.all() == []

      Calls.enter_alone(2, to, owner)
      Calls.unwatch(owner)
      assert Calls.take(2) == to
      assert [false, false, false] = for(_ <- 1..3, do: Calls.sign_of_life())

      Calls.enter_alone(3, to, owner)
      Calls.unwatch(owner)
      Calls.enter_alone(4, to, self())
      assert [false, false, false] = for(_ <- 1..3, do: Calls.sign_of_life())
      assert Calls.all() |> Enum.sort() == [{3, to}, {4, to}]
    end
  end

  # What a call of any kind is to leave behind: nothing.
  @kinds [
    run: quote(do: fn worker -> PortWorker.run(worker, "f") end),
    start_task: quote(do: &(&1 |> PortWorker.start_task("f") |> PortWorker.await())),
    async: quote(do: &(&1 |> PortWorker.async("f") |> Task.await())),
    async_stream: quote(do: &(&1 |> PortWorker.async_stream([1, 2, 3], "f") |> Enum.to_list())),
    stream: quote(do: &(&1 |> PortWorker.stream("f", []) |> Enum.to_list())),
    cast: quote(do: &PortWorker.cast(&1, "f")),
    channel: quote(do: &(&1 |> PortWorker.Channel.open("f") |> elem(1) |> Enum.to_list())),
    "run that is too large to be sent":
      quote(do: &PortWorker.run(&1, "f", [:binary.copy("x", 1_100_000)])),
    "start_task that is cancelled":
      quote(do: &(&1 |> PortWorker.start_task("slow") |> PortWorker.cancel()))
  ]

  for {name, way} <- @kinds do
    test "is one that follows a #{name}", %{worker: worker, peer: peer} = context do
      reply_with(peer, &reply/1)
      unquote(way).(worker)
      # The answer to a cast is waited for by nobody, and comes before this one.
      assert {:ok, _} = PortWorker.run(worker, "f")
      reply_with(peer, fn :nothing -> nil end)
      {pid, ref} = call_alone(context, "g")
      :sys.resume(context.connection)
      say(peer, {:result, ref, {:ok, 2}})
      assert_receive {:done, ^pid, {:ok, 2}}
    end
  end

  test "finds its way when the answer comes before the word of the call" do
    ref = make_ref()
    send(self(), {:called, self(), 7, {self(), ref}})
    share = {:atomics.new(2, []), 1}
    pending = Pending.new(self())
    writer = %Writer{port: self(), share: share, stalled: self()}
    state = %{writer: writer, pending: pending}

    assert {:done, _state} = Connection.Actions.perform([{:answer, 7, {:ok, 1}}], state)
    assert_received {^ref, {:ok, 1}}
    refute_received {:called, _, _, _}
    assert :atomics.get(elem(share, 0), 1) == 1
    assert Calls.all() == []
  end
end
