defmodule PortWorker.RoutesTest do
  # Takes the table away that all workers share.
  use ExUnit.Case, async: false

  import PortWorker.ScriptedWorker

  alias PortWorker.{Error, Routes}

  test "a worker whose route is lost is started afresh" do
    start_supervised!({PortWorker, [name: __MODULE__.Worker] ++ listen()})
    assert_receive {:peer, first, {:hello, _}}

    monitor = Process.monitor(Routes)
    Process.exit(Process.whereis(Routes), :kill)
    assert_receive {:DOWN, ^monitor, _, _, _}
    # The table is gone, or empty, or says that the worker is about to be started afresh.
    assert {:error, %Error{reason: reason}} = PortWorker.run(__MODULE__.Worker, "f")
    assert reason in [:worker_down, :draining]

    assert_receive {:peer, ^first, :drain}
    hang_up(first)
    assert_receive {:peer, second, {:hello, _}}
    assert second != first
    answer(second)
    retry(fn -> PortWorker.run(__MODULE__.Worker, "f") == {:ok, "f"} end)
  end

  test "the entries of a dead server go, unless its name has passed on" do
    {first, monitor} = spawn_monitor(fn -> own_until_told([:passed_on, :given_up, self()]) end)
    retry(fn -> match?({:error, %{message: "up"}}, Routes.fetch(:passed_on)) end)
    second = spawn_link(fn -> own_until_told([:passed_on, self()]) end)
    retry(fn -> match?({:error, %{message: "up"}}, Routes.fetch(second)) end)

    send(first, :end)
    assert_receive {:DOWN, ^monitor, _, _, _}
    retry(fn -> match?({:error, %{message: "no worker" <> _}}, Routes.fetch(:given_up)) end)
    assert {:error, %{message: "up"}} = Routes.fetch(:passed_on)
    send(second, :end)
  end

  defp own_until_told(keys) do
    Routes.own(keys)
    Routes.put(keys, Error.new(:worker_down, "up"))
    receive do: (:end -> :ok)
  end

  defp retry(fun), do: fun.() || retry(fun)
end
