defmodule PortWorker.Call.KeptPoolTest do
  # Calls that are made again to a worker with several OS processes. The test is the caller.
  use ExUnit.Case, async: true

  import PortWorker.ScriptedPool
  import PortWorker.ScriptedWorker
  import PortWorker.TestWorker, only: [leftovers: 0, retry: 1]

  alias PortWorker.Routes

  # Each answers with who it is and how the call came.
  defp start_short(size, opts \\ []) do
    {worker, peers} = start(size, opts, hello: %{short_calls: true})
    Enum.each(peers, &tell/1)
    {worker, peers}
  end

  defp tell(peer) do
    reply_with(peer, fn
      {:call, ref, _, _, %{keep: _}} -> {:result, ref, {:ok, {peer, :keeping}}}
      {:call, ref, _, _, _} -> {:result, ref, {:ok, {peer, :full}}}
      {ref, _, _, _number} -> {ref, {peer, :short}}
    end)
  end

  defp calls(worker, count, opts \\ []),
    do: for(n <- 1..count, do: PortWorker.run!(worker, "f", [n], opts))

  defp of(calls, peer), do: for({^peer, how} <- calls, do: how)

  for route <- [:least_busy, :round_robin] do
    test "go to each in turn, and each is told once what to keep, by #{route}" do
      {worker, peers} = start_short(3, route: unquote(route))
      calls = calls(worker, 30)
      {first, _full} = hd(calls)
      assert of(calls, first) == [:full, :keeping] ++ List.duplicate(:short, 8)

      for peer <- peers -- [first] do
        assert of(calls, peer) == [:keeping | List.duplicate(:short, 9)]
      end
    end
  end

  test "may be tasks as well" do
    {worker, peers} = start_short(2)
    calls(worker, 5)

    tasks = for n <- 1..10, do: PortWorker.start_task(worker, "f", [n])
    assert Enum.all?(tasks, &(&1.worker == worker and &1.function == "f"))
    calls = for task <- tasks, do: elem(PortWorker.await(task), 1)
    for peer <- peers, do: assert(of(calls, peer) == List.duplicate(:short, 5))
    assert leftovers() == []
  end

  test "with a key go to one process" do
    {worker, _peers} = start_short(3)
    assert [{peer, :full}, {peer, :keeping} | short] = calls(worker, 10, key: 7)
    assert short == List.duplicate({peer, :short}, 8)
  end

  test "go on where they were while one process is down, and tell the new one anew" do
    {worker, [down, other]} = start_short(2)
    calls(worker, 10)
    :sys.suspend(worker)
    hang_up(down)

    retry(fn -> Enum.any?(1..2, &match?({:error, _}, Routes.lookup({worker, &1}))) end)

    assert calls(worker, 5) == List.duplicate({other, :short}, 5)
    :sys.resume(worker)
    new = restarted(worker, 2)
    tell(new)
    calls = calls(worker, 10)
    assert of(calls, other) == List.duplicate(:short, 5)
    assert of(calls, new) == [:keeping | List.duplicate(:short, 4)]
  end

  test "are spread by what there is to do when the worker has been restarted" do
    name = __MODULE__.Restarted
    {worker, _peers} = start_short(2, name: name)
    calls(name, 10)

    # Until they have ended, calls may still go there.
    monitors =
      for index <- 1..2 do
        {:ok, %{connection: connection}} = Routes.lookup({name, index})
        Process.monitor(connection)
      end

    Process.exit(worker, :kill)
    for monitor <- monitors, do: assert_receive({:DOWN, ^monitor, _, _, _})
    peers = for _ <- 1..2, do: started()

    retry(fn ->
      pid = Process.whereis(name)

      is_pid(pid) and pid != worker and
        Enum.all?(PortWorker.status(name).workers, &(&1.state == :up))
    end)

    task = PortWorker.start_task(name, "stuck")
    %{id: id} = task
    assert_receive {:peer, stuck, {:call, ^id, "stuck", [], _}}
    Enum.each(peers, &tell/1)
    [other] = peers -- [stuck]
    assert of(calls(name, 20), other) == [:keeping | List.duplicate(:short, 19)]
    reply(stuck, task, 1)
    assert PortWorker.await(task) == {:ok, 1}
  end
end
