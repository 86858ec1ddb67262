defmodule PortWorker.PendingTest do
  use ExUnit.Case, async: true

  import PortWorker.TestWorker, only: [leftovers: 0]

  alias PortWorker.{Error, Pending, Routes}

  test "holds tasks until one of those that might answer does" do
    pending = Pending.new(self())
    [a, b] = for _ <- 1..2, do: Pending.next(pending)
    assert a < b
    [at_a, at_b] = for id <- [a, b], do: Pending.add(pending, id, self(), make_ref(), "f")
    assert Pending.all(pending) |> Enum.sort() == [a, b]
    assert Pending.claim(pending, a, at_a)
    refute Pending.claim(pending, a, at_a)
    assert Pending.all(pending) == [b]
    assert Pending.claim(pending, b, at_b)
  end

  # More than there are slots; some of the later ones in the slots of those that have ended.
  test "holds as many tasks as there are, and answers each of them once" do
    pending = Pending.new(self())
    tasks = for _ <- 1..10_000, do: enter(pending)
    {ended, live} = Enum.split_with(tasks, fn {id, _, _} -> rem(id, 3) == 0 end)
    for {id, place, _ref} <- ended, do: assert(Pending.claim(pending, id, place))
    live = live ++ for _ <- 1..5_000, do: enter(pending)
    ids = for {id, _place, _ref} <- live, do: id
    assert Pending.all(pending) |> Enum.sort() == ids

    Pending.close(pending)
    Pending.fail(pending, Error.new(:worker_down, "gone"))
    for {_, _, ref} <- live, do: assert_received({^ref, {:error, %Error{function: "f"}}})
    assert leftovers() == []
    for {id, place, _ref} <- live, do: assert(Pending.claim(pending, id, place) in [false, :gone])
  end

  defp enter(pending) do
    {id, ref} = {Pending.next(pending), make_ref()}
    {id, Pending.add(pending, id, self(), ref, "f"), ref}
  end

  test "says whether calls still come here, and whether they are looked after" do
    pending = Pending.new(self())
    assert Pending.current?(pending) and Pending.open?(pending)
    Pending.withdraw(pending)
    refute Pending.current?(pending)
    assert Pending.open?(pending)
    Pending.close(pending)
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
    ref = make_ref()
    Pending.add(pending, Pending.next(pending), self(), ref, "f")
    Process.exit(owner, :kill)
    assert_receive {:DOWN, ^monitor, _, _, _}
    assert_receive {:"ETS-TRANSFER", _table, ^owner, ^pending}

    Pending.fail(pending, Error.new(:worker_down, "gone"))
    assert_received {^ref, {:error, %Error{message: "gone", function: "f"}}}
  end

  # A caller that knew its way before the worker ended, and goes it afterwards.
  for {name, too_late} <- [
        {"closed", quote(do: &Pending.close/1)},
        {"gone", quote(do: &close_and_fail/1)}
      ] do
    test "a task that comes when the table is #{name} is refused, once" do
      pending = Pending.new(self())
      known(pending)
      unquote(too_late).(pending)

      task = PortWorker.start_task(self(), "f")
      assert {:error, %Error{reason: :worker_down, function: "f"}} = PortWorker.await(task)

      assert [{:error, %Error{reason: :worker_down}}] =
               self() |> PortWorker.async_stream([1], "f") |> Enum.to_list()

      assert leftovers() == []
      :ets.delete(Routes, self())
    end
  end

  # Wherever the end of the connection falls between two steps of the caller, one of them answers.
  test "tasks that are started while the table is closed are answered, once each" do
    for _ <- 1..200 do
      test = self()

      connection =
        spawn_link(fn ->
          pending = Pending.new(test)
          send(test, {:pending, pending})
          receive do: ({:call, _owner, _id, _to, _encoded, _size} -> :ok)
          close_and_fail(pending)
        end)

      assert_receive {:pending, pending}
      known(pending, connection)
      tasks = for _ <- 1..5, do: PortWorker.start_task(self(), "f")

      for task <- tasks do
        assert {:error, %Error{reason: :worker_down, function: "f"}} = PortWorker.await(task)
      end

      assert leftovers() == []
      :ets.delete(Routes, self())
    end
  end

  defp close_and_fail(pending) do
    Pending.close(pending)
    Pending.fail(pending, Error.new(:worker_down, "gone"))
  end

  defp known(pending, connection \\ spawn(fn -> :ok end)) do
    route = %Routes.Route{
      key: self(),
      connection: connection,
      pending: pending,
      max_frame: 1_000,
      timeout: 1_000
    }

    Routes.put([self()], route)
  end
end
