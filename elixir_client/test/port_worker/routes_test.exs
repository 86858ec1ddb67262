defmodule PortWorker.RoutesTest do
  # Takes the table away that all workers share.
  use ExUnit.Case, async: false

  import PortWorker.ScriptedWorker

  alias PortWorker.{Error, Pending, Routes}

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

  test "a process keeps some routes, for as long as they hold" do
    pending = Pending.new(self())
    keys = for n <- 1..40, do: :"kept_#{n}"
    for key <- keys, do: Routes.put([key], route(key, pending))
    for key <- keys ++ keys, do: assert({:ok, %{key: ^key}} = Routes.fetch(key))
    {:dictionary, dictionary} = Process.info(self(), :dictionary)
    assert map_size(dictionary[:"$portworker_routes"]) in 1..16

    error = Error.new(:draining, "stopped")
    for key <- keys, do: Routes.put([key], error)
    last = List.last(keys)
    assert {:ok, %{key: ^last}} = Routes.fetch(last)
    Pending.withdraw(pending)
    for key <- keys, do: assert(Routes.fetch(key) == {:error, error})

    newer = Pending.new(self())
    Routes.put([last], route(last, newer))
    assert {:ok, %{pending: ^newer}} = Routes.fetch(last)
    for key <- keys, do: :ets.delete(Routes, key)
  end

  defp route(key, pending) do
    %Routes.Route{
      key: key,
      connection: self(),
      pending: pending,
      max_frame: 1_000,
      timeout: 1_000
    }
  end

  defp own_until_told(keys) do
    Routes.own(keys)
    Routes.put(keys, Error.new(:worker_down, "up"))
    receive do: (:end -> :ok)
  end

  defp retry(fun), do: fun.() || retry(fun)
end
