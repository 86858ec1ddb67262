defmodule PortWorker.StreamsTest do
  use ExUnit.Case, async: true

  import PortWorker.TestWorker

  alias PortWorker.{Error, TestWorker}

  setup context do
    opts = [command: TestWorker.path(), backoff_min: 1]
    worker = start_supervised!({PortWorker, opts ++ Map.get(context, :start, [])})
    %{worker: worker}
  end

  # The stream is gone over there, and nothing is left of it here.
  defp assert_stopped(worker) do
    assert leftovers() == []
    retry(fn -> running(worker) == 0 end)
  end

  defp range(worker, first, last, opts \\ []) do
    PortWorker.stream(worker, "range", [first, last], opts)
  end

  describe "a stream" do
    test "has all elements, in order, whatever the demand", %{worker: worker} do
      for opts <- [
            [],
            [demand: 1],
            [demand: 2],
            [demand: 7, min_demand: 6],
            [demand: 10, min_demand: 0],
            [demand: 5_000]
          ] do
        assert Enum.to_list(range(worker, 1, 3_000, opts)) == Enum.to_list(1..3_000)
      end

      assert Enum.to_list(range(worker, 1, 0)) == []
      assert_stopped(worker)
    end

    test "is lazy, and started anew by each enumeration", %{worker: worker} do
      stream = range(worker, 1, 5)
      assert PortWorker.status(worker).in_flight == 0
      assert {Enum.sum(stream), Enum.count(stream), 3 in stream} == {15, 5, true}
      assert PortWorker.stream(worker, "no such stream") |> Stream.map(& &1) |> Enum.take(0) == []
    end

    test "can be suspended, as zip does", %{worker: worker} do
      zipped = Stream.zip([range(worker, 1, 1_000_000), [:a, :b], range(worker, 11, 14)])
      assert Enum.to_list(zipped) == [{1, :a, 11}, {2, :b, 12}]
      assert_stopped(worker)

      assert Enum.zip(range(worker, 1, 3), range(worker, 1, 9)) == [{1, 1}, {2, 2}, {3, 3}]
      assert range(worker, 1, 4) |> Stream.chunk_every(2) |> Enum.to_list() == [[1, 2], [3, 4]]
      assert [1, 2] |> Stream.concat(range(worker, 3, 4)) |> Enum.to_list() == [1, 2, 3, 4]
      assert_stopped(worker)
    end

    test "reports progress between its elements", %{worker: worker} do
      me = self()
      report = &send(me, {:progressed, &1})
      stream = PortWorker.stream(worker, "reports", [3], on_progress: report, demand: 1)
      assert Enum.to_list(stream) == [0, 1, 2]
      for n <- 0..2, do: assert_received({:progressed, ^n})
      assert_stopped(worker)
    end

    test "passes large elements", %{worker: worker} do
      stream = PortWorker.stream(worker, "blobs", [50, 1_000_000], demand: 4)
      assert Enum.reduce(stream, 0, &(byte_size(&1) + &2)) == 50_000_000
    end
  end

  describe "the worker is stopped, and nothing is left behind, when the consumer" do
    test "has had enough", %{worker: worker} do
      assert Enum.take(range(worker, 1, 1_000_000_000), 3) == [1, 2, 3]
      assert_stopped(worker)
    end

    test "raises, throws or exits", %{worker: worker} do
      endless = range(worker, 1, 1_000_000_000)

      assert_raise RuntimeError, "enough", fn ->
        Enum.each(endless, fn _ -> raise "enough" end)
      end

      assert_stopped(worker)
      assert catch_throw(Enum.each(endless, fn n -> n == 5_000 && throw(n) end)) == 5_000
      assert_stopped(worker)
      assert catch_exit(Enum.each(endless, fn _ -> exit(:enough) end)) == :enough
      assert_stopped(worker)
    end

    test "raises in the function that is told of progress", %{worker: worker} do
      stream =
        PortWorker.stream(worker, "reports", [1_000_000], on_progress: fn _ -> raise "enough" end)

      assert_raise RuntimeError, "enough", fn -> Enum.to_list(stream) end
      assert_stopped(worker)
    end

    test "stops it when it is suspended, or raises after that", %{worker: worker} do
      endless = range(worker, 1, 1_000_000_000)
      suspended = fn -> Enumerable.reduce(endless, {:cont, nil}, fn n, _ -> {:suspend, n} end) end

      assert {:suspended, 1, continue} = suspended.()
      assert {:suspended, 2, continue} = continue.({:cont, nil})
      assert {:halted, :no_more} = continue.({:halt, :no_more})
      assert_stopped(worker)

      raising = fn n, _ -> if n == 1, do: {:suspend, n}, else: raise("enough") end
      assert {:suspended, 1, continue} = Enumerable.reduce(endless, {:cont, nil}, raising)
      assert_raise RuntimeError, "enough", fn -> continue.({:cont, nil}) end
      assert_stopped(worker)
    end

    test "dies", %{worker: worker} do
      test = self()

      {pid, monitor} =
        spawn_monitor(fn ->
          Enum.each(range(worker, 1, 1_000_000_000), fn n ->
            send(test, {:element, n})
            if n == 2, do: receive(do: (:never -> :ok))
          end)
        end)

      assert_receive {:element, 2}
      Process.exit(pid, :kill)
      assert_receive {:DOWN, ^monitor, _, _, :killed}
      assert_received {:element, 1}
      assert_stopped(worker)
    end
  end

  describe "a stream that fails" do
    test "raises after its last element", %{worker: worker} do
      test = self()

      error =
        assert_raise Error, fn ->
          Enum.each(PortWorker.stream(worker, "fails", [2]), &send(test, {:element, &1}))
        end

      assert %Error{reason: :failed, function: "fails", message: "out of numbers"} = error
      assert_received {:element, 0}
      assert_received {:element, 1}

      error = assert_raise Error, fn -> Enum.to_list(PortWorker.stream(worker, "panics", [5])) end
      assert %Error{reason: :panic, message: "no more numbers", stack: "goroutine" <> _} = error
      assert_stopped(worker)
    end

    for {name, call, reason} <- [
          {"is not there", {"nope", [], []}, :unknown_function},
          {"gets wrong arguments", {"range", ["a", 1], []}, :bad_args},
          {"is a function", {"blob", [1], []}, :unsupported},
          {"takes too long", {"range", [1, 1_000_000_000], [timeout: 50]}, :timeout},
          {"has no time", {"range", [1, 2], [timeout: 0]}, :timeout}
        ] do
      test "because it #{name}", %{worker: worker} do
        {name, args, opts} = unquote(Macro.escape(call))

        error =
          assert_raise Error, fn -> Enum.count(PortWorker.stream(worker, name, args, opts)) end

        assert %Error{reason: unquote(reason), function: ^name} = error
        assert_stopped(worker)
      end
    end

    test "because an element has an atom that does not exist here", %{worker: worker} do
      name = "streams_unknown"

      error =
        assert_raise Error, fn -> Enum.to_list(PortWorker.stream(worker, "atoms", [name])) end

      assert error.reason == :bad_message
      assert error.message =~ name
      assert_stopped(worker)
    end

    test "because there is no worker" do
      error = assert_raise Error, fn -> Enum.to_list(PortWorker.stream(:nobody_here, "range")) end
      assert %Error{reason: :worker_down, function: "range"} = error
    end

    test "because the worker dies", %{worker: worker} do
      os_pid = PortWorker.status(worker).os_pid

      error =
        assert_raise Error, fn ->
          Enum.each(range(worker, 1, 1_000_000_000), fn n ->
            if n == 10, do: PortWorker.ScriptedWorker.signal(os_pid, "KILL")
          end)
        end

      assert %Error{reason: :worker_down, function: "range"} = error
      assert leftovers() == []
    end
  end

  test "options that make no sense raise" do
    for {opts, message} <- [
          {[demand: 0], "option :demand: expected a whole number from 1, got: 0"},
          {[demand: 5, min_demand: 5],
           "option :min_demand: expected less than :demand, which is 5"},
          {[detach: true], "unknown option :detach"}
        ] do
      error = assert_raise ArgumentError, fn -> PortWorker.stream(:any, "f", [], opts) end
      assert error.message =~ message
    end
  end

  describe "what is sent" do
    import PortWorker.ScriptedWorker, only: [listen: 0, say: 2]

    setup do
      scripted = start_supervised!({PortWorker, [window: :infinity] ++ listen()}, id: :scripted)
      assert_received {:peer, peer, {:started, _os_pid}}
      assert_received {:peer, ^peer, {:hello, _}}
      %{scripted: scripted, peer: peer}
    end

    test "is demand: some at first, more each time so much is consumed", context do
      %{scripted: worker, peer: peer} = context
      test = self()
      stream = PortWorker.stream(worker, "f", ["a"], demand: 10, min_demand: 4, name: "n")
      consumer = Task.async(fn -> Enum.each(stream, &send(test, {:element, &1})) end)
      assert_receive {:peer, ^peer, {:call, ref, "f", ["a"], options}}

      assert options == %{
               timeout: :infinity,
               progress: false,
               owner: consumer.pid,
               credit: 10,
               name: "n"
             }

      say(peer, {:data, ref, Enum.to_list(1..5)})
      assert_receive {:element, 5}
      say(peer, {:data, ref, [6, 7]})
      assert_receive {:peer, ^peer, {:credit, ^ref, 6}}
      assert_receive {:element, 7}
      say(peer, [{:data, ref, Enum.to_list(8..30)}, {:result, ref, {:ok, nil}}])
      for _ <- 1..4, do: assert_receive({:peer, ^peer, {:credit, ^ref, 6}})
      assert Task.await(consumer) == :ok
      for n <- 1..30, n not in [5, 7], do: assert_received({:element, ^n})
      assert_receive {:peer, ^peer, {:owner_down, _consumer}}
      refute_received {:peer, _peer, _more}
    end

    test "is a cancel when the consumer stops, after which nothing reaches it", context do
      %{scripted: worker, peer: peer} = context

      consumer =
        Task.async(fn ->
          taken = worker |> PortWorker.stream("f") |> Enum.take(2)
          # By the answer to this, what came before has been dealt with.
          assert PortWorker.run(worker, "sync") == {:ok, nil}
          {taken, leftovers()}
        end)

      assert_receive {:peer, ^peer, {:call, ref, "f", [], _}}
      say(peer, {:data, ref, [1, 2, 3]})
      assert_receive {:peer, ^peer, {:cancel, ^ref}}
      assert_receive {:peer, ^peer, {:call, sync, "sync", [], _}}
      cancelled = %{reason: :cancelled, message: "cancelled"}

      say(peer, [
        {:data, ref, [4]},
        {:result, ref, {:error, cancelled}},
        {:result, sync, {:ok, nil}}
      ])

      assert Task.await(consumer) == {[1, 2], []}
    end

    test "is a cancel when the worker does not keep the time", context do
      %{scripted: worker, peer: peer} = context

      assert_raise Error, ~r/did not end the stream in time/, fn ->
        worker |> PortWorker.stream("f", [], timeout: 1) |> Stream.run()
      end

      assert_receive {:peer, ^peer, {:call, ref, "f", [], %{timeout: 1}}}
      assert_receive {:peer, ^peer, {:cancel, ^ref}}
    end
  end

  describe "many streams" do
    test "ten thousand at once", %{worker: worker} do
      streams =
        for n <- 1..10_000 do
          stream = range(worker, n, n + 2, demand: 2)
          Enumerable.reduce(stream, {:cont, []}, fn n, acc -> {:suspend, [n | acc]} end)
        end

      assert PortWorker.status(worker).in_flight == 10_000

      for {{:suspended, [n], continue}, expected} <- Enum.zip(streams, 1..10_000) do
        assert n == expected
        assert {:suspended, [_, ^n], continue} = continue.({:cont, [n]})
        assert {:suspended, list, continue} = continue.({:cont, [n + 1, n]})
        assert list == [n + 2, n + 1, n]
        assert {:done, ^list} = continue.({:cont, list})
      end

      assert_stopped(worker)
    end

    test "half-read and abandoned leave nothing behind", %{worker: worker} do
      abandon(worker, 10_000)
    end

    @tag :long
    test "a million small elements a second, and more", %{worker: worker} do
      count = 5_000_000
      {microseconds, ^count} = :timer.tc(fn -> Enum.count(range(worker, 1, count)) end)
      assert count / microseconds > 1, "#{count} elements took #{microseconds} microseconds"
    end

    @tag :long
    @tag timeout: :infinity
    test "and ten million elements for a consumer that sleeps, under a fixed ceiling", context do
      %{worker: worker} = context
      os_pid = PortWorker.status(worker).os_pid

      # Some milliseconds after every 10,000 elements, which are enough for a worker without
      # bounds to run ahead.
      highest =
        worker
        |> range(1, 10_000_000)
        |> Stream.chunk_every(10_000)
        |> Enum.reduce({0, 0}, fn chunk, {here, there} ->
          Process.sleep(2)
          assert length(chunk) == 10_000
          {max(here, mailbox()), max(there, resident_kilobytes(os_pid))}
        end)

      assert {here, there} = highest
      assert here <= 1_000
      assert there < 60_000, "#{there} KB"
    end

    # Elements, in whatever lists they came.
    defp mailbox do
      {:messages, messages} = Process.info(self(), :messages)
      Enum.sum(for {_ref, {:data, elements}} <- messages, do: length(elements))
    end

    defp resident_kilobytes(os_pid) do
      {kilobytes, 0} = System.cmd("sh", ["-c", "grep VmRSS /proc/#{os_pid}/status"])
      [digits] = Regex.run(~r/\d+/, kilobytes)
      String.to_integer(digits)
    end

    @tag :long
    @tag timeout: :infinity
    test "100,000 of them", %{worker: worker} do
      abandon(worker, 100_000)
    end

    defp abandon(worker, count) do
      for _ <- 1..count,
          do: assert(Enum.take(range(worker, 1, 1_000_000, demand: 8), 4) == [1, 2, 3, 4])

      assert_stopped(worker)
      assert PortWorker.status(worker).in_flight == 0
      # The worker is told when this process dies; that is all.
      assert remembered(worker) == {[], [], [], [self()]}
    end
  end
end
