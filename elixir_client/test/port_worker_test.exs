defmodule PortWorkerTest do
  use ExUnit.Case, async: true

  import PortWorker.ScriptedWorker

  test "start_link returns after the handshake and run gives the result" do
    worker = start_supervised!({PortWorker, listen()})
    assert_received {:peer, _, {:hello, %{protocol: 1, config: %{drain_timeout: 5000}}}}

    task = Task.async(fn -> PortWorker.run(worker, "upcase", ["ab"]) end)
    assert_receive {:peer, peer, {:call, ref, "upcase", ["ab"], opts}}
    assert %{timeout: 5000, progress: false, owner: owner} = opts
    assert owner == task.pid
    say(peer, {:result, ref, {:ok, "AB"}})
    assert Task.await(task) == {:ok, "AB"}
  end

  test "stop drains" do
    worker = start_supervised!({PortWorker, listen()})
    spawn_link(fn -> GenServer.stop(worker) end)
    assert_receive {:peer, peer, :drain}
    hang_up(peer)
  end
end
