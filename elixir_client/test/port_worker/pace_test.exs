defmodule PortWorker.PaceTest do
  # Whoever starts calls and goes on waits for the connection at one of 64. The test is the caller.
  use ExUnit.Case, async: true

  import PortWorker.ScriptedWorker
  import PortWorker.TestWorker, only: [leftovers: 0]

  alias PortWorker.{Pending, Routes, Sender}
  alias PortWorker.Routes.Route

  @pace 64

  # Stands for a connection that does with each pace what `fun` does.
  defp connection(fun) do
    spawn_link(fn -> connection_loop(fun) end)
  end

  defp connection_loop(fun) do
    receive do
      {:pace, caller} -> fun.(caller)
      _call -> :ok
    end

    connection_loop(fun)
  end

  defp call(connection, pending, id) do
    Sender.call(connection, pending, self(), id, {self(), make_ref(), 1}, {"call", 5})
  end

  defp cast(connection, pending) do
    route = %Route{
      key: :w,
      connection: connection,
      pending: pending,
      max_frame: 1_000,
      timeout: 5_000
    }

    Sender.call(route, {self(), "cast", 5})
  end

  test "one of 64 tasks and casts waits until the connection has taken it" do
    test = self()
    # Says so to the test first, which can have it only if it has waited.
    connection = connection(fn caller -> send(test, :paced) && Sender.taken(caller) end)
    pending = Pending.new(self())

    for id <- 1..(3 * @pace) do
      if rem(id, 2) == 0,
        do: call(connection, pending, id),
        else: cast(connection, pending)

      if rem(id, @pace) == 0, do: assert_received(:paced), else: refute_received(:paced)
    end

    assert leftovers() == []
  end

  test "of several processes, it is the one that makes the 64th call" do
    connection = connection(&Sender.taken/1)
    pending = Pending.new(self())
    :erlang.trace(connection, true, [:receive])

    for _ <- 1..@pace do
      Task.await(Task.async(fn -> call(connection, pending, 1) end))
    end

    assert_receive {:trace, ^connection, :receive, {:pace, _caller}}
    refute_received {:trace, ^connection, :receive, {:pace, _caller}}
    :erlang.trace(connection, false, [:receive])
  end

  # If it was waited for each of them for as long as for one that is alive, these two would take twice their time.
  @tag timeout: 10_000
  test "a connection that is gone holds nobody up" do
    {connection, monitor} = spawn_monitor(fn -> :ok end)
    assert_receive {:DOWN, ^monitor, _, _, _}
    pending = Pending.new(self())
    for id <- 1..(200 * @pace), do: assert(call(connection, pending, id))
    assert leftovers() == []
  end

  @tag timeout: 10_000
  test "a connection that ends meanwhile holds nobody up" do
    for _ <- 1..200 do
      {:ok, connection} = Task.start(fn -> receive do: ({:pace, _caller} -> :ok) end)
      pending = Pending.new(self())
      for id <- 1..@pace, do: assert(call(connection, pending, id))
      refute Process.alive?(connection)
      assert leftovers() == []
    end
  end

  # For so long as it is stopped, that is. An answer that comes later reaches nobody.
  test "a connection that has something else to do holds nobody up for long" do
    worker = start_supervised!({PortWorker, listen()})
    assert_received {:peer, peer, {:started, _}}
    assert_received {:peer, ^peer, {:hello, _}}
    {:ok, %{connection: connection}} = Routes.fetch(worker)
    reply_with(peer, fn {:call, ref, _, [n], _} -> {:result, ref, {:ok, n}} end)

    :sys.suspend(connection)
    tasks = for n <- 1..(2 * @pace), do: PortWorker.start_task(worker, "f", [n])
    :sys.resume(connection)

    assert for(task <- tasks, do: PortWorker.await(task)) ==
             for(n <- 1..(2 * @pace), do: {:ok, n})

    assert leftovers() == []
  end
end
