defmodule PortWorker.PoolTest do
  # Several OS processes behind one name: which of them a call goes to.
  use ExUnit.Case, async: true

  import PortWorker.ScriptedPool
  import PortWorker.ScriptedWorker
  import PortWorker.TestWorker, only: [retry: 1]

  alias PortWorker.TestWorker

  describe "a call without a key" do
    for route <- [:least_busy, :round_robin] do
      test "goes to each in turn while all are idle, by #{route}" do
        {worker, peers} = start(3, route: unquote(route))

        counts =
          Enum.frequencies(
            for _ <- 1..30 do
              {peer, task} = route(worker)
              reply(peer, task, 1)
              assert PortWorker.await(task) == {:ok, 1}
              peer
            end
          )

        assert counts == Map.new(peers, &{&1, 10})
      end
    end

    test "does not go to one that is stuck, by default" do
      {worker, peers} = start(3)
      {stuck, task} = route(worker)
      Enum.each(peers -- [stuck], &answer/1)
      for _ <- 1..100, do: assert(PortWorker.run(worker, "g") == {:ok, "g"})
      refute_received {:peer, ^stuck, {:call, _, "g", _, _}}
      reply(stuck, task, 1)
      assert PortWorker.await(task) == {:ok, 1}
    end

    test "is spread when nothing is answered" do
      {worker, peers} = start(3)
      counts = Enum.frequencies(for _ <- 1..30, do: worker |> route() |> elem(0))
      assert counts == Map.new(peers, &{&1, 10})
      assert PortWorker.status(worker).in_flight == 30
    end

    test "goes to each in turn, stuck or not, by round_robin" do
      {worker, _peers} = start(2, route: :round_robin)
      peers = for _ <- 1..6, do: worker |> route() |> elem(0)
      assert [a, b, a, b, a, b] = peers
      assert a != b
    end
  end

  describe "a call with a key" do
    test "goes to the same process as all others with it" do
      {worker, peers} = start(4)
      by_key = for key <- 1..100, do: {key, worker |> route(key: key) |> elem(0)}
      for {key, peer} <- by_key, do: assert({^peer, _} = route(worker, key: key))
      # No process is without keys.
      assert by_key |> Enum.map(&elem(&1, 1)) |> Enum.uniq() |> Enum.sort() == Enum.sort(peers)
    end

    test "goes to one other while that is down, as those with another key go on, and comes back" do
      {worker, _peers} = start(3)
      before = for key <- 1..60, into: %{}, do: {key, worker |> route(key: key) |> elem(0)}
      down = before[1]
      indices = fn -> for key <- 1..60, into: %{}, do: {key, index(worker, key)} end
      first = indices.()

      # It stays down for as long as the test needs.
      :sys.suspend(worker)
      hang_up(down)
      retry(fn -> index(worker, 1) != first[1] end)
      during = indices.()
      {moved, stayed} = Enum.split_with(first, fn {_key, index} -> index == first[1] end)
      for {key, index} <- stayed, do: assert(during[key] == index)
      for {key, index} <- moved, do: assert(during[key] != index)
      # They are spread over all that are left.
      assert moved |> Enum.map(fn {key, _} -> during[key] end) |> Enum.uniq() |> length() == 2
      assert during == indices.()

      :sys.resume(worker)
      restarted(worker, 3)
      assert indices.() == first
    end

    test "of nil is one without" do
      {worker, _peers} = start(2, route: :round_robin)

      assert 2 ==
               for(_ <- 1..2, do: worker |> route(key: nil) |> elem(0)) |> Enum.uniq() |> length()
    end

    test "may be any call" do
      worker = start_supervised!({PortWorker, command: TestWorker.path(), size: 2})
      key = [key: {:user, 5}]
      assert PortWorker.run(worker, "double", [2], key) == {:ok, 4}
      assert worker |> PortWorker.stream("range", [0, 3], key) |> Enum.to_list() != []

      assert worker |> PortWorker.async_stream([1, 2], "double", key) |> Enum.to_list() == [
               ok: 2,
               ok: 4
             ]

      assert PortWorker.group(worker, [{"double", [1]}], key) == {:ok, [ok: 2]}
      assert {:ok, channel} = PortWorker.open(worker, "echo", [], key)
      PortWorker.close(channel)
    end
  end

  # Where calls with a key go.
  defp index(worker, key) do
    call = PortWorker.Call.new!("f", [], key: key)
    {:ok, %{key: {_worker, index}}} = PortWorker.Routes.fetch(worker, call)
    index
  end
end
