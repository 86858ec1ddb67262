defmodule PortWorker.WorkerDeathTest do
  # Whoever waits hears of the worker's end, whichever of its processes dies, and at whatever moment
  # of a call; and nothing is left behind.
  use ExUnit.Case, async: true

  import PortWorker.ScriptedWorker
  import PortWorker.TestWorker, only: [leftovers: 0, retry: 1, writer: 1]

  alias PortWorker.{Error, Routes}

  setup do
    # Not linked to the test, which is not to die with it.
    Process.flag(:trap_exit, true)
    opts = [backoff_min: 60_000, backoff_max: 60_000]
    {:ok, worker} = PortWorker.start_link(listen() ++ opts)
    assert_received {:peer, peer, {:started, _os_pid}}
    assert_received {:peer, ^peer, {:hello, _}}
    {:ok, route} = Routes.fetch(worker)
    %{worker: worker, peer: peer, connection: route.connection, writer: writer(route.connection)}
  end

  # A process that waits for the result of a call; it then reports what is left in it.
  defp caller(fun) do
    test = self()
    spawn(fn -> send(test, {:result, fun.(), leftovers()}) end)
  end

  defp kill(:program, %{peer: peer}), do: hang_up(peer)
  defp kill(:connection, %{connection: connection}), do: Process.exit(connection, :kill)
  defp kill(:writer, %{writer: writer}), do: Process.exit(writer, :kill)
  defp kill(:server, %{worker: worker}), do: Process.exit(worker, :kill)

  # Returns when the call has come so far.
  defp reach(:unwritten, caller, _context) do
    retry(fn -> Process.info(caller, :status) == {:status, :waiting} end)
  end

  defp reach(:written, _caller, %{peer: peer}) do
    assert_receive {:peer, ^peer, {:call, _, "f", _, _}}
  end

  defp reach(:watched, caller, _context) do
    retry(fn -> match?({:monitors, [_]}, Process.info(caller, :monitors)) end)
  end

  defp go_on(process) do
    :erlang.resume_process(process)
  rescue
    # It was the one that was killed.
    ArgumentError -> :ok
  end

  @calls [
    run: &__MODULE__.run/1,
    await: &__MODULE__.await/1,
    message: &__MODULE__.message/1,
    async_stream: &__MODULE__.async_stream/1
  ]

  def run(worker), do: PortWorker.run(worker, "f", [], timeout: :infinity)
  def await(worker), do: worker |> start_task() |> PortWorker.await()

  def message(worker) do
    %{ref: ref} = start_task(worker)
    receive do: ({^ref, result} -> result)
  end

  def async_stream(worker) do
    [result] = worker |> PortWorker.async_stream([1], "f", timeout: :infinity) |> Enum.to_list()
    result
  end

  defp start_task(worker), do: PortWorker.start_task(worker, "f", [], timeout: :infinity)

  for {name, call} <- @calls,
      moment <- [:unwritten, :written, :watched],
      name == :run or moment != :watched,
      part <- [:program, :connection, :writer, :server] do
    test "#{name}: #{part} dies when the call is #{moment}", %{worker: worker} = context do
      moment = unquote(moment)
      if moment == :unwritten, do: :erlang.suspend_process(context.connection)
      call = unquote(call)
      caller = caller(fn -> call.(worker) end)
      reach(moment, caller, context)
      kill(unquote(part), context)
      if moment == :unwritten, do: go_on(context.connection)
      assert_receive {:result, {:error, %Error{reason: :worker_down, function: "f"}}, []}
    end
  end

  test "a call that was under way when the worker ended is refused for the same reason",
       context do
    %{worker: worker, peer: peer, connection: connection} = context
    test = self()

    caller =
      caller(fn ->
        send(test, :ready)
        receive do: (:go -> PortWorker.run(worker, "f", [], timeout: :infinity))
      end)

    assert_receive :ready
    :erlang.suspend_process(caller)
    send(caller, :go)
    hang_up(peer)
    retry(fn -> not Process.alive?(connection) end)
    :erlang.resume_process(caller)
    assert_receive {:result, {:error, %Error{message: "the worker exited with status 1"}}, []}
  end

  # The server, which then answers the task, is slower than the one that cancels it or gives it up.
  for {name, give_up} <- [
        cancel: quote(do: &PortWorker.cancel/1),
        await: quote(do: &PortWorker.await(&1, 0))
      ] do
    test "#{name} leaves nothing behind where the connection is killed", context do
      %{worker: worker, peer: peer, connection: connection} = context

      pid =
        caller(fn ->
          task = PortWorker.start_task(worker, "f")
          receive do: (:go -> :ok)
          result = unquote(give_up).(task)
          receive do: (:look -> result)
        end)

      assert_receive {:peer, ^peer, {:call, _, "f", _, _}}
      monitor = Process.monitor(connection)
      :sys.suspend(worker)
      kill(:connection, context)
      assert_receive {:DOWN, ^monitor, _, _, _}
      send(pid, :go)
      retry(fn -> waits?(pid) end)
      :sys.resume(worker)
      # Which comes after what the server had to do before.
      :down = PortWorker.status(worker).state
      send(pid, :look)
      assert_receive {:result, {:error, %Error{reason: :worker_down}}, []}
    end
  end

  defp waits?(pid) do
    info = Process.info(pid, [:status, :message_queue_len])
    info == [status: :waiting, message_queue_len: 0]
  end
end
