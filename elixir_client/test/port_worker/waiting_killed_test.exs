defmodule PortWorker.WaitingKilledTest do
  # The process that watches connections for those who wait may be killed at any moment, too. It is everybody's, and the application
  # ends if it is killed too often, so that there is one test.
  use ExUnit.Case, async: false

  import PortWorker.ScriptedWorker
  import PortWorker.TestWorker, only: [leftovers: 0, retry: 1]

  alias PortWorker.{Error, Routes, Waiting}

  # What happens while it is suspended it learns of no more.
  defp killed_while(fun) do
    waiting = Process.whereis(Waiting)
    :erlang.suspend_process(waiting)
    fun.()
    Process.exit(waiting, :kill)
    retry(fn -> Process.whereis(Waiting) not in [waiting, nil] end)
  end

  defp kill(pid) do
    monitor = Process.monitor(pid)
    Process.exit(pid, :kill)
    assert_receive {:DOWN, ^monitor, _, _, _}
  end

  test "callers hear of the end of connections all the same, and workers go on" do
    worker = start_supervised!({PortWorker, listen() ++ [backoff_min: 1, backoff_max: 1]})
    assert_received {:peer, peer, {:started, _}}
    assert_received {:peer, ^peer, {:hello, _}}
    {:ok, %{connection: connection}} = Routes.fetch(worker)
    test = self()

    caller =
      spawn_link(fn ->
        {:ok, 1} = PortWorker.run(worker, "f")
        {:ok, 2} = PortWorker.run(worker, "f")
        send(test, :ready)
        receive do: (:go -> send(test, {:done, PortWorker.run(worker, "f"), leftovers()}))
      end)

    for answer <- 1..2 do
      assert_receive {:peer, ^peer, {:call, id, "f", [], _}}
      say(peer, {:result, id, {:ok, answer}})
    end

    assert_receive :ready

    other = spawn(fn -> receive do: (:never -> :ok) end)

    killed_while(fn ->
      # A process begins to call while there is nobody to be told.
      spawn_link(fn ->
        flag = Waiting.register(other)
        ref = make_ref()
        true = Waiting.begin(flag, ref)
        send(test, :waits)
        receive do: ({^ref, :gone} -> send(test, {:nudged, Waiting.nudged(flag, ref)}))
      end)

      assert_receive :waits

      # A connection is killed that has not seen a call.
      :sys.suspend(connection)
      send(caller, :go)

      retry(fn ->
        match?({:message_queue_len, n} when n > 0, Process.info(connection, :message_queue_len))
      end)

      kill(connection)
    end)

    assert_receive {:done, {:error, %Error{reason: :worker_down, function: "f"}}, []}, 5_000
    kill(other)
    assert_receive {:nudged, :ok}
    assert Process.alive?(worker)
  end
end
