defmodule PortWorker.TelemetryTest do
  use ExUnit.Case, async: true

  import PortWorker.ScriptedWorker, except: [listen: 0, listen: 1]
  import PortWorker.TelemetryListener, only: [listen: 1]

  alias PortWorker.{Error, ScriptedWorker, Telemetry}

  doctest Telemetry

  @columns ~r/^\| (?<event>.*) \| (?<measurements>.*) \| (?<metadata>.*) \|$/m

  # A worker that has a name of its own, whose events come to the test.
  defp binary(context, opts \\ []) do
    listen(context.test)
    command = [command: PortWorker.Binary.path(), args: ["--debug-functions"]]
    start_supervised!({PortWorker, [name: context.test] ++ opts ++ command})
    assert_receive {:event, [:portworker, :worker, :up], _, _, _}
    context.test
  end

  defp scripted(context, peer_opts \\ [], opts \\ []) do
    listen(context.test)
    opts = [name: context.test] ++ opts ++ ScriptedWorker.listen(peer_opts)
    start_supervised!({PortWorker, opts})
    assert_receive {:peer, peer, {:started, os_pid}}
    assert_receive {:peer, ^peer, {:hello, _}}
    {context.test, peer, os_pid}
  end

  # The start and the end of a span, which are complete and belong together, with nothing after the end.
  defp span(kind, ending) do
    assert_receive {:event, [_, ^kind, :start] = start, begun, metadata, _by}
    assert_receive {:event, [_, ^kind, ^ending] = stop, ended, end_metadata, by}
    documented(start, begun, metadata)
    documented(stop, ended, end_metadata)

    assert ended.duration == ended.monotonic_time - begun.monotonic_time
    assert ended.duration >= 0

    assert Map.take(end_metadata, Map.keys(metadata) -- [:reason]) ==
             Map.delete(metadata, :reason)

    refute_received {:event, [_, ^kind, _], _, _, _}
    {Map.merge(metadata, end_metadata), ended, by}
  end

  # An event has what the table says, and nothing else.
  defp documented(event, measurements, metadata) do
    {_event, measured, described} = List.keyfind!(table(), event, 0)
    assert measurements |> Map.keys() |> Enum.sort() == measured
    assert metadata |> Map.keys() |> Enum.sort() == described
    for {_name, value} <- measurements, do: assert(is_integer(value))
  end

  defp table do
    {:docs_v1, _, _, _, %{"en" => doc}, _, _} = Code.fetch_docs(Telemetry)
    [_before, table | _after] = String.split(doc, ~r/<!-- (events|end) -->/)

    Enum.reduce(Regex.scan(@columns, table, capture: :all_but_first), [], fn
      ["`[:" <> _ = event, measurements, metadata], rows ->
        {event, _} = event |> String.trim("`") |> Code.eval_string()
        rows ++ [{event, names(measurements), metadata |> meant(event, rows) |> Enum.sort()}]

      _other_table, rows ->
        rows
    end)
  end

  defp meant("as a call's", [app, _kind, ending], rows), do: of([app, :call, ending], rows)

  defp meant("the same, " <> more, [app, kind, _stop], rows),
    do: of([app, kind, :start], rows) ++ names(more)

  defp meant("those of the start, " <> more, [app, kind, _exception], rows),
    do: of([app, kind, :start], rows) ++ names(more)

  defp meant(names, _event, _rows), do: names(names)

  defp of(event, rows), do: rows |> List.keyfind!(event, 0) |> elem(2)

  defp names(text) do
    Enum.sort(
      for [name] <- Regex.scan(~r/`(\w+)`/, text, capture: :all_but_first), do: :"#{name}"
    )
  end

  test "the table has every event" do
    assert Enum.map(table(), &elem(&1, 0)) == Telemetry.events()
  end

  test "the table is that of the docs" do
    {:docs_v1, _, _, _, %{"en" => doc}, _, _} = Code.fetch_docs(Telemetry)
    [_before, table | _after] = String.split(doc, ~r/<!-- (events|end) -->/)
    page = File.read!(Path.expand("../../../docs/telemetry.md", __DIR__))
    assert page =~ String.trim(table)
  end

  describe "a call" do
    test "that succeeds", context do
      worker = binary(context)
      assert PortWorker.run(worker, "upcase", ["x"], name: "nightly") == {:ok, "X"}

      assert {%{
                worker: ^worker,
                function: "upcase",
                lane: :io,
                task: "nightly",
                result: :ok,
                reason: nil
              }, _, by} = span(:call, :stop)

      assert by == self()
    end

    test "that is made again, and then as a task", context do
      worker = binary(context)

      for word <- ["a", "b", "c", "d"] do
        assert PortWorker.run(worker, "echo", [word]) == {:ok, word}
        assert {%{function: "echo", result: :ok}, _, by} = span(:call, :stop)
        assert by == self()
      end

      for word <- ["e", "f"] do
        task = PortWorker.start_task(worker, "echo", [word])
        assert PortWorker.await(task) == {:ok, word}
        assert {%{function: "echo", result: :ok}, _, _by} = span(:call, :stop)
      end
    end

    test "that fails", context do
      worker = binary(context)
      assert {:error, _} = PortWorker.run(worker, "debug.panic", ["secret"], lane: :cpu)

      assert {%{lane: :cpu, task: nil, result: :error, reason: :panic} = metadata, _, _} =
               span(:call, :stop)

      refute inspect(metadata) =~ "secret"
    end

    test "of a function that is not there", context do
      worker = binary(context)
      assert {:error, _} = PortWorker.run(worker, "upcas", ["x"])

      assert {%{function: "upcas", lane: nil, reason: :unknown_function}, _, _} =
               span(:call, :stop)
    end

    test "whose time is up", context do
      {worker, _peer, _os_pid} = scripted(context)
      assert {:error, %{reason: :timeout}} = PortWorker.run(worker, "f", [], timeout: 1)
      assert {%{reason: :timeout}, _, _} = span(:call, :stop)
    end

    test "for which no worker is there", context do
      listen(context.test)

      for call <- [
            fn -> PortWorker.run(context.test, "f") end,
            fn -> PortWorker.run(context.test, "f", [], on_progress: &send(self(), &1)) end,
            fn -> PortWorker.await(PortWorker.start_task(context.test, "f")) end,
            fn -> PortWorker.cast(context.test, "f") end,
            fn -> context.test |> PortWorker.async_stream([1], "f") |> Enum.at(0) end
          ] do
        assert {:error, %Error{reason: :worker_down}} = call.()

        assert {%{function: "f", lane: nil, result: :error, reason: :worker_down}, _, _} =
                 span(:call, :stop)
      end
    end

    test "that is too large to be sent", context do
      {worker, _peer, _os_pid} = scripted(context, hello: %{limits: %{max_frame: 500}})
      large = [:binary.copy("x", 1_000)]

      for call <- [
            fn -> PortWorker.run(worker, "f", large) end,
            fn -> PortWorker.await(PortWorker.start_task(worker, "f", large)) end,
            fn -> PortWorker.cast(worker, "f", large) end,
            fn -> worker |> PortWorker.async_stream(large, "f") |> Enum.at(0) end
          ] do
        assert {:error, %Error{reason: :frame_too_large}} = call.()
        assert {%{reason: :frame_too_large}, _, _} = span(:call, :stop)
      end
    end

    test "that reports progress", context do
      worker = binary(context)
      report = fn _ -> :ok end
      assert {:ok, _} = PortWorker.run(worker, "process_items", [["a"]], on_progress: report)
      assert {%{function: "process_items", result: :ok}, _, _} = span(:call, :stop)
    end

    test "whose caller fails at a report", context do
      worker = binary(context)
      report = fn _ -> raise "no paper" end

      assert_raise RuntimeError, fn ->
        PortWorker.run(worker, "process_items", [["a"]], on_progress: report)
      end

      assert {%{kind: :error, reason: %RuntimeError{message: "no paper"}, stacktrace: [_ | _]}, _,
              _} = span(:call, :exception)
    end

    test "whose function fits no clause tells how many arguments it had, not which", context do
      worker = binary(context)
      fits = fn :nothing -> :ok end

      assert_raise FunctionClauseError, fn ->
        PortWorker.run(worker, "process_items", [["a"]], on_progress: fits)
      end

      assert {%{stacktrace: stacktrace}, _, _} = span(:call, :exception)
      for entry <- stacktrace, do: assert(entry |> Tuple.to_list() |> Enum.at(-2) |> is_integer())
    end

    test "of async/4, in the process of the task", context do
      worker = binary(context)
      task = PortWorker.async(worker, "upcase", ["x"])
      assert Task.await(task) == {:ok, "X"}
      assert {%{result: :ok}, _, by} = span(:call, :stop)
      assert by == task.pid
    end

    test "of async_stream/4, for each element", context do
      worker = binary(context)
      assert worker |> PortWorker.async_stream(["a", 1], "upcase") |> Enum.count() == 2
      results = for _ <- 1..2, do: next(:stop).result
      assert Enum.sort(results) == [:error, :ok]

      assert ["done"] =
               worker
               |> PortWorker.async_stream([0, 60_000], "sleep", ordered: false)
               |> Stream.map(fn _ -> "done" end)
               |> Enum.take(1)

      assert Enum.sort([next(:stop).reason, next(:stop).reason]) == [:cancelled, nil]
    end

    test "is a whole group", context do
      worker = binary(context)
      assert {:ok, _} = PortWorker.group(worker, [{"upcase", ["a"]}, {"upcase", ["b"]}])
      assert {%{function: "$group", result: :ok}, _, _} = span(:call, :stop)
    end
  end

  # Of several spans at once: the metadata of the next event that ends one.
  defp next(ending) do
    assert_receive {:event, [_, _, ^ending], _, metadata, _}
    metadata
  end

  describe "a task" do
    test "that is awaited, or not", context do
      worker = binary(context)
      task = PortWorker.start_task(worker, "upcase", ["x"], name: "nightly")
      assert {%{function: "upcase", task: "nightly", result: :ok}, _, by} = span(:call, :stop)
      assert by != self()
      assert PortWorker.await(task) == {:ok, "X"}
      refute_received {:event, _, _, _, _}
    end

    test "that is cancelled", context do
      worker = binary(context)
      task = PortWorker.start_task(worker, "sleep", [60_000])
      assert PortWorker.cancel(task) == :stopped
      assert {%{result: :error, reason: :cancelled}, _, _} = span(:call, :stop)
    end

    test "that is given up", context do
      worker = binary(context)
      task = PortWorker.start_task(worker, "sleep", [60_000])
      assert {:error, %{reason: :timeout}} = PortWorker.await(task, 1)
      assert {%{result: :error, reason: :cancelled}, _, _} = span(:call, :stop)
    end

    test "whose owner dies", context do
      worker = binary(context)
      pid = spawn(fn -> PortWorker.start_task(worker, "sleep", [60_000]) end)
      assert {%{reason: :cancelled}, _, _} = span(:call, :stop)
      refute Process.alive?(pid)
    end

    test "whose worker ends", context do
      {worker, peer, _os_pid} = scripted(context)
      task = PortWorker.start_task(worker, "f")
      :ok = PortWorker.cast(worker, "g")
      assert_receive {:peer, ^peer, {:call, {:cast, "g", _}, "g", _, _}}
      hang_up(peer)
      assert {:error, %{reason: :worker_down}} = PortWorker.await(task)
      assert [next(:stop).reason, next(:stop).reason] == [:worker_down, :worker_down]
      refute_received {:event, [_, _, :stop], _, _, _}
    end
  end

  test "a cast, well or not", context do
    worker = binary(context)
    assert PortWorker.cast(worker, "upcase", ["x"]) == :ok
    assert {%{function: "upcase", result: :ok}, _, _} = span(:call, :stop)
    assert PortWorker.cast(worker, "upcase", [1]) == :ok
    assert {%{result: :error, reason: :bad_args}, _, _} = span(:call, :stop)
  end

  describe "a stream" do
    for {name, fun, elements} <- [
          {"that is read to its end", quote(do: &Enum.to_list/1), 10},
          {"of which some is taken", quote(do: &Enum.take(&1, 7)), 7},
          {"that is suspended and goes on", quote(do: &Enum.zip(&1, 1..5)), 5}
        ] do
      test name, context do
        worker = binary(context)
        stream = PortWorker.stream(worker, "range", [1, 10], demand: 4, name: "nightly")
        unquote(fun).(stream)

        assert {%{function: "range", lane: :io, task: "nightly", result: :ok}, ended, _} =
                 span(:stream, :stop)

        assert ended.elements in unquote(elements)..(unquote(elements) + 1)
      end
    end

    test "that fails", context do
      {worker, peer, _os_pid} = scripted(context)
      reader = Task.async(fn -> catch_error(Enum.to_list(PortWorker.stream(worker, "f"))) end)
      assert_receive {:peer, ^peer, {:call, ref, "f", _, _}}

      say(peer, [{:data, ref, [1, 2]}, {:result, ref, {:error, %{reason: :failed, message: "m"}}}])

      assert %Error{reason: :failed, function: "f"} = Task.await(reader)
      assert {%{result: :error, reason: :failed}, %{elements: 2}, _} = span(:stream, :stop)
    end

    test "that cannot begin", context do
      listen(context.test)
      catch_error(Enum.to_list(PortWorker.stream(context.test, "f")))
      assert {%{reason: :worker_down}, %{elements: 0}, _} = span(:stream, :stop)
    end

    for {kind, reason, code} <- [
          {:error, quote(do: %RuntimeError{}), quote(do: raise("enough"))},
          {:throw, :enough, quote(do: throw(:enough))},
          {:exit, :enough, quote(do: exit(:enough))}
        ] do
      test "whose consumer fails: #{kind}", context do
        worker = binary(context)

        try do
          worker |> PortWorker.stream("range", [1, 10]) |> Enum.each(fn _ -> unquote(code) end)
        catch
          unquote(kind), _ -> :ok
        end

        assert {%{kind: unquote(kind), reason: unquote(reason), stacktrace: [_ | _]}, _, _} =
                 span(:stream, :exception)
      end
    end
  end

  describe "a channel" do
    test "that ends by itself", context do
      worker = binary(context)
      {:ok, channel} = PortWorker.open(worker, "stateful_worker", [], name: "game")
      PortWorker.close_input(channel)
      assert PortWorker.recv(channel) == :done

      assert {%{function: "stateful_worker", task: "game", result: :ok}, _, _} =
               span(:channel, :stop)
    end

    test "that its owner closes", context do
      worker = binary(context)
      {:ok, channel} = PortWorker.open(worker, "stateful_worker")
      PortWorker.close(channel)
      assert {%{result: :ok, reason: nil}, _, _} = span(:channel, :stop)
    end

    test "that somebody else closes", context do
      worker = binary(context)
      {:ok, channel} = PortWorker.open(worker, "stateful_worker")
      Task.await(Task.async(fn -> PortWorker.close(channel) end))
      assert {%{result: :error, reason: :cancelled}, _, _} = span(:channel, :stop)
    end

    test "that cannot be opened", context do
      {worker, _peer, _os_pid} = scripted(context, hello: %{limits: %{max_frame: 500}})
      large = [:binary.copy("x", 1_000)]
      assert {:error, %{reason: :frame_too_large}} = PortWorker.open(worker, "f", large)
      assert {%{reason: :frame_too_large}, _, _} = span(:channel, :stop)
      assert {:error, %{reason: :worker_down}} = PortWorker.open(:nobody_at_all, "f")
    end
  end

  describe "a worker" do
    test "comes up and goes down", context do
      worker = context.test
      listen(worker)
      opts = [name: worker, command: PortWorker.Binary.path()]
      {:ok, pid} = PortWorker.start_link(opts)

      assert_receive {:event, [_, :worker, :up] = up, measurements, metadata, _}
      documented(up, measurements, metadata)
      assert measurements.duration > 0
      assert metadata.os_pid == PortWorker.status(worker).os_pid
      assert %{worker: ^worker, name: "portworker"} = metadata

      PortWorker.stop(pid)
      assert_receive {:event, [_, :worker, :down] = down, measurements, metadata, _}
      documented(down, measurements, metadata)
      assert measurements.duration > 0
      assert %{state: :draining, reason: :worker_down, exit_status: 0} = metadata
      refute_received {:event, _, _, _, _}
    end

    test "crashes, and comes up again", context do
      worker = binary(context, backoff_min: 1)
      assert {:error, _} = PortWorker.run(worker, "debug.exit", [3])

      assert_receive {:event, [_, :worker, :down], _, metadata, _}
      assert %{state: :up, reason: :worker_down, exit_status: 3} = metadata
      assert_receive {:event, [_, :worker, :up], _, _, _}
    end

    for {name, opts} <- [
          {"that says no hello", [command: "cat"]},
          {"that is not there", [command: "/no/such/worker"]}
        ] do
      test "#{name} goes down without having come up", context do
        listen(context.test)
        assert {:error, _} = PortWorker.start_link([name: context.test] ++ unquote(opts))
        assert_receive {:event, [_, :worker, :down], %{duration: 0}, metadata, _}
        assert %{state: :starting, os_pid: nil} = metadata
        refute_received {:event, _, _, _, _}
      end
    end

    test "without a name is told by its pid", _context do
      {:ok, pid} = PortWorker.start_link(command: PortWorker.Binary.path())
      listen(pid)
      assert PortWorker.run(pid, "upcase", ["x"]) == {:ok, "X"}
      assert {%{worker: ^pid}, _, _} = span(:call, :stop)
      PortWorker.stop(pid)
      assert_receive {:event, [_, :worker, :down], _, %{worker: ^pid}, _}
    end
  end

  test "a heartbeat, with the calls that wait", context do
    {worker, peer, _os_pid} = scripted(context, [pong: false], heartbeat: 10)
    PortWorker.start_task(worker, "f")
    assert_receive {:peer, ^peer, {:call, _, "f", _, _}}
    assert_receive {:peer, ^peer, {:ping, ping}}
    say(peer, {:pong, :another})
    say(peer, {:pong, ping})
    assert_receive {:event, [_, :heartbeat] = event, measurements, metadata, _}
    documented(event, measurements, metadata)
    assert %{duration: duration, in_flight: 1} = measurements
    assert duration > 0
  end

  test "a queue that is high, once, and low again", context do
    {worker, _peer, os_pid} = scripted(context, [], heartbeat: :infinity)
    signal(os_pid, "STOP")
    # More than fit into the pipe and the port, and then some.
    for _ <- 1..3, do: PortWorker.cast(worker, "f", [:binary.copy("x", 900_000)])
    for _ <- 1..1_500, do: PortWorker.cast(worker, "f")
    assert_receive {:event, [_, :queue, :high] = high, measurements, metadata, writer}
    documented(high, measurements, metadata)
    assert measurements.length >= 1_024
    refute_received {:event, [_, :queue, :low], _, _, _}
    signal(os_pid, "CONT")
    assert_receive {:event, [_, :queue, :low] = low, measurements, metadata, ^writer}
    documented(low, measurements, metadata)
    refute_received {:event, [_, :queue, _], _, _, _}
  end

  test "a handler that fails harms nothing", context do
    worker = binary(context)
    fail = fn _event, _measurements, %{worker: ^worker}, _config -> raise "no disk" end
    :telemetry.attach_many(context.test, Telemetry.events(), fail, nil)
    assert PortWorker.run(worker, "upcase", ["x"]) == {:ok, "X"}
    assert {%{result: :ok}, _, _} = span(:call, :stop)
  end
end

defmodule PortWorker.TelemetryAbsentTest do
  # What is there counts for the whole VM, so nothing else runs meanwhile.
  use ExUnit.Case

  test "without the library nothing is sent, and nothing fails" do
    PortWorker.Telemetry.setup(:no_such_library)
    on_exit(&PortWorker.Telemetry.setup/0)
    refute PortWorker.Telemetry.on?()

    PortWorker.TelemetryListener.listen(:deaf)
    start_supervised!({PortWorker, name: :deaf, command: PortWorker.Binary.path()})
    assert PortWorker.run(:deaf, "upcase", ["x"]) == {:ok, "X"}
    assert PortWorker.await(PortWorker.start_task(:deaf, "upcase", ["x"])) == {:ok, "X"}
    assert PortWorker.cast(:deaf, "upcase", ["x"]) == :ok
    assert :deaf |> PortWorker.async_stream(["x"], "upcase") |> Enum.to_list() == [ok: "X"]
    assert :deaf |> PortWorker.stream("range", [1, 3]) |> Enum.to_list() == [1, 2, 3]
    {:ok, channel} = PortWorker.open(:deaf, "stateful_worker")
    assert PortWorker.close(channel) == :ok
    assert stop_supervised(:deaf) == :ok
    refute_received {:event, _, _, _, _}
  end
end
