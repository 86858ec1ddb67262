defmodule PortWorker.PendingTest do
  use ExUnit.Case, async: true

  import PortWorker.TestWorker, only: [leftovers: 0]

  alias PortWorker.{Error, Pending, Routes}

  test "holds tasks until they are struck out" do
    pending = Pending.new(self())
    [a, b, c] = for name <- ["a", "b", "c"], do: {make_ref(), name}
    for {ref, name} <- [a, b, c], do: Pending.add(pending, ref, name)
    assert Pending.function(pending, elem(a, 0)) == "a"
    assert Pending.take(pending, elem(a, 0)) == "a"
    assert Pending.take(pending, elem(a, 0)) == nil
    assert Pending.function(pending, elem(a, 0)) == nil
    Pending.strike(pending, elem(b, 0))
    Pending.strike(pending, elem(b, 0))
    assert Pending.open?(pending)
    assert Pending.close(pending) == [c]
    refute Pending.open?(pending)
  end

  test "is inherited from a process that is killed, with all that is in it" do
    test = self()

    {owner, monitor} =
      spawn_monitor(fn ->
        send(test, {:pending, Pending.new(test)})
        receive do: (:never -> :ok)
      end)

    assert_receive {:pending, pending}
    ref = :erlang.alias([:reply])
    Pending.add(pending, ref, "f")
    Process.exit(owner, :kill)
    assert_receive {:DOWN, ^monitor, _, _, _}
    assert_receive {:"ETS-TRANSFER", _table, ^owner, ^pending}

    Pending.fail(pending, Error.new(:worker_down, "gone"))
    assert_received {^ref, {:error, %Error{message: "gone", function: "f"}}}
  end

  # A caller that knew its way before the worker ended, and goes it afterwards.
  for {name, too_late} <- [
        {"closed", quote(do: &Pending.close/1)},
        {"gone", quote(do: &(Pending.close(&1) && Pending.delete(&1)))}
      ] do
    test "a task that comes when the table is #{name} is refused, once" do
      pending = Pending.new(self())
      gone = spawn(fn -> :ok end)

      route = %Routes.Route{
        key: self(),
        connection: gone,
        writer: gone,
        max_frame: 1_000,
        timeout: 1_000
      }

      Routes.put([self()], route, pending)
      unquote(too_late).(pending)

      %{ref: ref} = task = PortWorker.start_task(self(), "f")
      assert {:error, %Error{reason: :worker_down, function: "f"}} = PortWorker.await(task)
      send(ref, {ref, {:ok, :late}})

      assert [{:error, %Error{reason: :worker_down}}] =
               self() |> PortWorker.async_stream([1], "f") |> Enum.to_list()

      assert leftovers() == []
      :ets.delete(Routes, self())
    end
  end
end
