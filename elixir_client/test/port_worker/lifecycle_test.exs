defmodule PortWorker.LifecycleTest do
  # From the start of the OS process to its end, however it comes.
  use ExUnit.Case, async: true

  import PortWorker.ScriptedWorker
  import ExUnit.CaptureLog

  alias PortWorker.Error

  # Restarts at once, so that tests need not wait.
  @eager [backoff_min: 1, backoff_max: 1, max_restarts: 100]

  defp start(peer_opts \\ [], opts \\ []) do
    worker = start_supervised!({PortWorker, Keyword.merge(listen(peer_opts) ++ @eager, opts)})
    {peer, os_pid} = started()
    {worker, peer, os_pid}
  end

  defp started do
    assert_receive {:peer, peer, {:started, os_pid}}, 2_000
    assert_receive {:peer, ^peer, {:hello, _}}, 2_000
    {peer, os_pid}
  end

  # The worker is up again when a call gets through.
  defp restarted(worker) do
    {peer, os_pid} = started()
    answer(peer)
    retry(fn -> match?({:ok, "back"}, PortWorker.run(worker, "back")) end)
    {peer, os_pid}
  end

  defp retry(fun), do: fun.() || retry(fun)

  defp script(text) do
    path = Path.join(System.tmp_dir!(), "portworker-#{System.unique_integer([:positive])}")
    File.write!(path, "#!/bin/sh\n" <> text)
    File.chmod!(path, 0o755)
    on_exit(fn -> File.rm(path) end)
    path
  end

  describe "start_link/1 says what is wrong with" do
    # This process traps no exits: an error that came as an exit would kill it.
    for {name, opts, message} <- [
          {"a missing file", [command: "/nowhere/at/all"],
           "cannot use /nowhere/at/all: no such file or directory"},
          {"a missing program", [command: "no-such-program"],
           "no program \"no-such-program\" on PATH"},
          {"a folder", [command: "/tmp/"], "is a directory, expected an executable file"},
          {"a file that is not executable", [command: "/etc/passwd"],
           "/etc/passwd is not executable"},
          {"an unknown application", [command: {:no_app, "x"}],
           "application :no_app is not known"},
          {"a folder to start in", [command: "/bin/cat", cd: "/nowhere"],
           "cannot start in /nowhere: no such folder"},
          # One that ends at once may do so before the hello is written. The VM then reports a broken
          # pipe, and loses the status.
          {"a program that ends at once", [command: "false"], "before it said hello"},
          {"a program that echoes", [command: "cat"], "expected a worker's hello, got: %{"},
          {"a program that is silent", [command: "sleep", args: ["60"], startup_timeout: 50],
           "did not say hello within 50 ms"},
          {"its options", [command: "x", heartbeat: 0.5],
           "option :heartbeat: expected milliseconds or :infinity"}
        ] do
      test name do
        assert {:error, %Error{} = error} = PortWorker.start_link(unquote(Macro.escape(opts)))
        assert Exception.message(error) =~ unquote(message)
        assert Process.info(self(), :messages) == {:messages, []}
      end
    end

    for {name, code, status} <- [
          {"a program that ends", "exit 0", 0},
          {"a program that fails", "exit 1", 1},
          {"a program that prints and ends", "echo hi", 0}
        ] do
      test name do
        command = script("head -c 4 >/dev/null\n#{unquote(code)}\n")
        assert {:error, error} = PortWorker.start_link(command: command)
        assert error.message =~ "exited with status #{unquote(status)} before it said hello"
      end
    end

    test "a program that prints and stays" do
      command = script("echo starting up...\nexec sleep 60\n")
      assert {:error, error} = PortWorker.start_link(command: command, startup_timeout: 50)
      assert error.message =~ "it is no worker, or it printed something to its stdout"
    end

    test "a worker of another protocol" do
      assert {:error, error} = PortWorker.start_link(listen(hello: %{protocol: 2}))
      assert error.reason == :unsupported
      assert error.message =~ "speaks version 2 of the protocol, expected 1"
    end

    test "a name that is taken" do
      {:ok, worker} = PortWorker.start_link([name: __MODULE__.Taken] ++ listen())

      assert PortWorker.start_link([name: __MODULE__.Taken] ++ listen()) ==
               {:error, {:already_started, worker}}
    end
  end

  test "a program that does not say hello is ended" do
    command =
      script(
        "echo $$ > #{pid_file = Path.join(System.tmp_dir!(), "pw-#{System.unique_integer()}")}\nexec sleep 60\n"
      )

    on_exit(fn -> File.rm(pid_file) end)
    assert {:error, _} = PortWorker.start_link(command: command, startup_timeout: 200)
    refute pid_file |> File.read!() |> String.trim() |> os_process?()
  end

  describe "an executable" do
    test "is found on PATH, gets its arguments, variables and folder" do
      [command: bridge, args: [port, status]] = listen()

      command =
        script("cd .. && [ \"$PWD\" = / ] && [ -z \"$HOME\" ] && exec $BRIDGE \"$1\" #{status}\n")

      env = %{"BRIDGE" => bridge, "HOME" => nil}

      assert {:ok, _} =
               PortWorker.start_link(command: command, args: [port], env: env, cd: "/tmp")
    end

    test "speaks on private descriptors, out of reach of what it prints" do
      [command: bridge, args: [port, status]] = listen()
      command = script("printf .; exec #{bridge} #{port} #{status}\n")
      assert {:ok, worker} = PortWorker.start_link(command: command, descriptors: :private)
      {peer, _os_pid} = started()
      answer(peer)
      assert PortWorker.run(worker, "f") == {:ok, "f"}
    end
  end

  test "any kind of name will do" do
    start_supervised!({Registry, keys: :unique, name: __MODULE__.Registry})

    for name <- [
          __MODULE__.Local,
          {:global, __MODULE__},
          {:via, Registry, {__MODULE__.Registry, "w"}}
        ] do
      start_supervised!({PortWorker, [name: name] ++ listen()})
      {peer, os_pid} = started()
      answer(peer)
      assert PortWorker.run(name, "f") == {:ok, "f"}

      assert %{state: :up, os_pid: ^os_pid, version: "1.2.3", restarts: 0} =
               PortWorker.status(name)

      assert PortWorker.functions(name) == []
    end
  end

  describe "when the OS process ends" do
    for {name, signal} <- [{"killed", "KILL"}, {"terminated", "TERM"}] do
      test "nobody is left waiting: #{name}" do
        {worker, peer, os_pid} = start()

        callers =
          for _ <- 1..50,
              do: Task.async(fn -> PortWorker.run(worker, "f", [], timeout: :infinity) end)

        for _ <- 1..50, do: assert_receive({:peer, ^peer, {:call, _, "f", _, _}})
        tasks = for _ <- 1..50, do: PortWorker.start_task(worker, "f", [], timeout: :infinity)
        for _ <- 1..50, do: assert_receive({:peer, ^peer, {:call, _, "f", _, _}})
        assert PortWorker.status(worker).in_flight == 100

        signal(os_pid, unquote(signal))

        for result <- Task.await_many(callers) do
          assert {:error, %Error{reason: :worker_down, function: "f", message: message}} = result
          assert message =~ "was killed by signal"
        end

        for %{ref: ref} <- tasks do
          assert_receive {^ref, {:error, %Error{reason: :worker_down, function: "f"}}}
        end

        {_peer, new_pid} = restarted(worker)
        assert new_pid != os_pid
        refute_received {:DOWN, _, _, _, _}
      end
    end

    test "in the middle of a packet, everybody learns of it" do
      {worker, peer, _os_pid} = start()
      task = PortWorker.start_task(worker, "f")
      assert_receive {:peer, ^peer, {:call, ref, "f", _, _}}
      packet = frame(:erlang.term_to_binary({:result, ref, {:ok, 1}}))
      bytes(peer, binary_part(packet, 0, byte_size(packet) - 1))
      hang_up(peer)
      assert {:error, %Error{reason: :worker_down, message: message}} = PortWorker.await(task)
      assert message == "the worker exited with status 1"
    end

    test "calls fail at once until it is back" do
      {worker, peer, _os_pid} = start([], backoff_min: 60_000, backoff_max: 60_000)
      hang_up(peer)
      retry(fn -> match?({:error, _}, PortWorker.run(worker, "f")) end)
      assert {:error, %Error{reason: :worker_down}} = PortWorker.run(worker, "f")
      %{ref: ref} = PortWorker.start_task(worker, "f")
      assert_received {^ref, {:error, %Error{reason: :worker_down}}}
      assert {:error, %Error{reason: :worker_down}} = PortWorker.cast(worker, "f")

      assert %{state: :down, os_pid: nil, in_flight: 0, error: %Error{}} =
               PortWorker.status(worker)

      assert PortWorker.functions(worker) == []
    end

    test "status counts the restarts" do
      {worker, peer, _os_pid} = start()
      hang_up(peer)
      {peer, _os_pid} = restarted(worker)
      hang_up(peer)
      restarted(worker)
      retry(fn -> PortWorker.status(worker).restarts == 2 end)
      assert PortWorker.status(worker).error == nil
    end

    test "too often, it gives up and its supervisor acts" do
      Process.flag(:trap_exit, true)

      {:ok, worker} =
        PortWorker.start_link(listen() ++ [backoff_min: 1, backoff_max: 1, max_restarts: 2])

      for _ <- 1..3 do
        {peer, _os_pid} = started()
        hang_up(peer)
      end

      assert_receive {:EXIT, ^worker, {:gave_up, %Error{reason: :worker_down}}}, 2_000

      assert {:error, %Error{reason: :worker_down, message: message}} =
               PortWorker.run(worker, "f")

      assert message =~ "exited with status 1" or message =~ "no worker"
    end

    test "by itself and cleanly, it is no failure" do
      {worker, peer, _os_pid} = start([exit_status: 0], max_restarts: 0)
      hang_up(peer)
      restarted(worker)
    end

    test "a worker that does not come back counts as failing" do
      Process.flag(:trap_exit, true)
      path = script("")
      [command: bridge, args: [port, status]] = listen()
      File.write!(path, "#!/bin/sh\nexec #{bridge} #{port} #{status}\n")

      {:ok, worker} =
        PortWorker.start_link(command: path, backoff_min: 1, backoff_max: 1, max_restarts: 3)

      {peer, _os_pid} = started()
      File.rm!(path)
      hang_up(peer)
      assert_receive {:EXIT, ^worker, {:gave_up, %Error{message: message}}}, 2_000
      assert message =~ "no such file"
    end
  end

  test "changes of the configuration apply on restart" do
    name = __MODULE__.Configured
    Application.put_env(:portworker, name, @eager ++ [max_running: 7] ++ listen())
    on_exit(fn -> Application.delete_env(:portworker, name) end)
    start_supervised!({PortWorker, name: name, otp_app: :portworker})
    assert_receive {:peer, peer, {:hello, %{config: %{max_running: 7}}}}

    Application.put_env(:portworker, name, @eager ++ [max_running: 8, timeout: 77] ++ listen())
    hang_up(peer)
    assert_receive {:peer, peer, {:hello, %{config: %{max_running: 8}}}}, 2_000
    answer(peer)
    retry(fn -> match?({:ok, _}, PortWorker.run(name, "f")) end)
  end

  describe "a worker that asks to be replaced" do
    @ask {:replace, %{reason: "2 handlers outlive their tasks: spin", abandoned: 2}}

    test "is drained, and a new process takes its place" do
      {worker, peer, os_pid} = start([exit_status: 0], max_restarts: 0)
      task = PortWorker.start_task(worker, "work")
      assert_receive {:peer, ^peer, {:call, ref, "work", [], _}}
      cast = PortWorker.async(worker, "last")
      assert_receive {:peer, ^peer, {:call, last, "last", [], _}}

      assert capture_log(fn ->
               say(peer, @ask)
               assert_receive {:peer, ^peer, :drain}
             end) =~ "asks to be replaced: 2 handlers outlive their tasks: spin abandoned=2"

      assert PortWorker.status(worker).state == :draining
      assert {:error, %Error{reason: :draining} = error} = PortWorker.run(worker, "new")
      assert error.message == "the worker is being replaced"

      # It may ask again, and is not drained twice.
      say(peer, [@ask, {:result, ref, {:ok, 1}}, {:result, last, {:ok, 2}}])
      assert {PortWorker.await(task), Task.await(cast)} == {{:ok, 1}, {:ok, 2}}
      refute_received {:peer, ^peer, :drain}

      hang_up(peer)
      {_peer, new_pid} = restarted(worker)
      assert new_pid != os_pid
      assert %{state: :up, restarts: 1} = PortWorker.status(worker)
    end

    test "and does not end in time is killed, which is no failure" do
      {worker, peer, os_pid} = start([exit_status: 1], max_restarts: 0, drain_timeout: 1)
      say(peer, @ask)
      assert_receive {:peer, ^peer, :drain}
      restarted(worker)
      retry(fn -> not os_process?(os_pid) end)
    end

    test "goes on when it is to" do
      {worker, peer, _os_pid} = start([exit_status: 0], replace: false)
      answer(peer)
      say(peer, @ask)
      assert PortWorker.run(worker, "work") == {:ok, "work"}
      assert PortWorker.status(worker).state == :up
      refute_received {:peer, ^peer, :drain}
    end

    test "can be stopped meanwhile" do
      {worker, peer, _os_pid} = start(exit_status: 0)
      say(peer, @ask)
      assert_receive {:peer, ^peer, :drain}
      stop = Task.async(fn -> PortWorker.stop(worker) end)
      assert_receive {:peer, ^peer, :drain}
      hang_up(peer)
      assert Task.await(stop) == :ok
    end

    @tag :capture_log
    test "is a real one, of which handlers have outlived their tasks" do
      path = PortWorker.TestWorker.path()

      worker =
        start_supervised!(
          {PortWorker, [command: path, max_abandoned: 1, cancel_grace: 1] ++ @eager}
        )

      %{os_pid: os_pid} = PortWorker.status(worker)

      for _ <- 1..2,
          do: {:error, %{reason: :timeout}} = PortWorker.run(worker, "deaf", [], timeout: 1)

      retry(fn -> PortWorker.status(worker).os_pid not in [nil, os_pid] end)
      assert PortWorker.run(worker, "double", [1]) == {:ok, 2}
    end
  end

  describe "a worker that is broken" do
    test "because it is silent, is killed and restarted" do
      {worker, _peer, os_pid} = start([pong: false], heartbeat: 20, heartbeat_timeout: 50)
      task = PortWorker.start_task(worker, "f", [], timeout: :infinity)
      assert {:error, %Error{reason: :worker_down, message: message}} = PortWorker.await(task)
      assert message == "the worker gave no sign of life for 50 ms"
      refute os_process?(os_pid)
      started()
    end

    test "because it sends garbage, is killed and restarted" do
      for garbage <- ["hello world", :erlang.term_to_binary(42), ""] do
        {worker, peer, os_pid} = start([], drain_timeout: 1)
        task = PortWorker.start_task(worker, "f")
        assert_receive {:peer, ^peer, {:call, _, "f", _, _}}
        bytes(peer, frame(garbage))
        assert {:error, %Error{reason: :bad_frame}} = PortWorker.await(task)
        restarted(worker)
        refute os_process?(os_pid)
        stop_supervised!(PortWorker)
      end
    end

    test "because it prints to its stdout, is killed and restarted" do
      {worker, peer, os_pid} = start([pong: false], heartbeat: 20, heartbeat_timeout: 50)
      # Read as a packet of 1.7 GB, which swallows everything after it.
      bytes(peer, "hello world\n")
      task = PortWorker.start_task(worker, "f")
      assert {:error, %Error{reason: :worker_down}} = PortWorker.await(task)
      refute os_process?(os_pid)
    end
  end

  describe "a worker that does not read" do
    @large :binary.copy("x", 900_000)

    test "stalls neither other results nor whoever asks for them" do
      {worker, peer, _os_pid} = start()
      early = PortWorker.start_task(worker, "early", [], timeout: :infinity)
      assert_receive {:peer, ^peer, {:call, ref, "early", _, _}}
      stop_reading(peer)
      for _ <- 1..30, do: PortWorker.start_task(worker, "f", [@large], timeout: :infinity)

      say(peer, {:result, ref, {:ok, 1}})
      assert PortWorker.await(early) == {:ok, 1}
      assert %{state: :up} = PortWorker.status(worker)

      assert {:error, %Error{reason: :timeout}} =
               PortWorker.run(worker, "f", [@large], timeout: 1)
    end

    test "is found out by the heartbeat" do
      {worker, peer, os_pid} = start([], heartbeat: 50, heartbeat_timeout: 100)
      stop_reading(peer)
      tasks = for _ <- 1..30, do: PortWorker.start_task(worker, "f", [@large], timeout: :infinity)

      for task <- tasks,
          do: assert({:error, %Error{reason: :worker_down}} = PortWorker.await(task))

      # The broken pipe can be noticed a moment before the process is gone.
      retry(fn -> not os_process?(os_pid) end)
      restarted(worker)
    end
  end

  describe "stop/2" do
    test "drains: running calls may finish, new ones are refused" do
      {worker, peer, os_pid} = start(exit_status: 0)
      task = PortWorker.start_task(worker, "f")
      assert_receive {:peer, ^peer, {:call, ref, "f", _, _}}
      stopping = Task.async(fn -> PortWorker.stop(worker) end)
      assert_receive {:peer, ^peer, :drain}

      assert {:error, %Error{reason: :draining}} = PortWorker.run(worker, "g")
      say(peer, {:result, ref, {:ok, "done"}})
      assert PortWorker.await(task) == {:ok, "done"}

      hang_up(peer)
      assert Task.await(stopping) == :ok
      refute os_process?(os_pid)
    end

    test "kills what does not end in time, and tells who still waits" do
      {worker, peer, os_pid} = start([], drain_timeout: 1)
      task = PortWorker.start_task(worker, "f", [], timeout: :infinity)
      assert_receive {:peer, ^peer, {:call, _ref, "f", _, _}}
      assert PortWorker.stop(worker) == :ok
      refute os_process?(os_pid)
      assert {:error, %Error{reason: :worker_down, message: message}} = PortWorker.await(task)
      assert message =~ "killed because it did not end"
    end

    test "ends what the OS process started, too" do
      [command: bridge, args: [port, status]] = listen()
      pid_file = Path.join(System.tmp_dir!(), "pw-#{System.unique_integer()}")
      on_exit(fn -> File.rm(pid_file) end)
      command = script("sleep 60 & echo $! > #{pid_file}\n#{bridge} #{port} #{status}\n")
      {:ok, worker} = PortWorker.start_link(command: command, drain_timeout: 1)
      child = pid_file |> File.read!() |> String.trim()
      assert os_process?(child)
      PortWorker.stop(worker)
      # Killed at the same time, but nobody waits for a grandchild.
      retry(fn -> not os_process?(child) end)
    end

    test "of the supervisor leaves no OS process" do
      {_worker, _peer, os_pid} = start([], drain_timeout: 1)
      stop_supervised!(PortWorker)
      refute os_process?(os_pid)
    end
  end

  describe "when a process of the client is killed" do
    test "its server: the OS process ends" do
      Process.flag(:trap_exit, true)
      {:ok, worker} = PortWorker.start_link(listen())
      {peer, _os_pid} = started()
      task = PortWorker.start_task(worker, "f")
      Process.exit(worker, :kill)
      assert_receive {:peer, ^peer, :closed}
      assert {:error, %Error{reason: :worker_down}} = PortWorker.await(task)
      retry(fn -> match?({:error, %{message: "no worker" <> _}}, PortWorker.run(worker, "f")) end)
    end

    test "its connection: everybody learns of it, and it is restarted" do
      {worker, peer, _os_pid} = start()
      {:ok, route} = PortWorker.Routes.fetch(worker)
      caller = Task.async(fn -> PortWorker.run(worker, "f", [], timeout: :infinity) end)
      assert_receive {:peer, ^peer, {:call, _, "f", _, _}}
      task = PortWorker.start_task(worker, "f", [], timeout: :infinity)
      Process.exit(route.connection, :kill)
      assert {:error, %Error{reason: :worker_down}} = Task.await(caller)
      assert {:error, %Error{reason: :worker_down}} = PortWorker.await(task)
      restarted(worker)
    end

    test "its writer: everybody learns of it, and it is restarted" do
      {worker, peer, _os_pid} = start()
      {:ok, route} = PortWorker.Routes.fetch(worker)
      task = PortWorker.start_task(worker, "f", [], timeout: :infinity)
      assert_receive {:peer, ^peer, {:call, _, "f", _, _}}
      Process.exit(PortWorker.TestWorker.writer(route.connection), :kill)
      assert {:error, %Error{reason: :worker_down}} = PortWorker.await(task)
      restarted(worker)
    end
  end

  describe "logs of the worker" do
    test "reach Logger, made valid and short" do
      log =
        capture_log(fn ->
          {worker, peer, _os_pid} = start()

          say(peer, [
            {:log, :warning, "disk caf\xE9 full", %{"path" => "/tmp", "free" => 0}},
            {:log, :error, :binary.copy("x", 100_000), %{}}
          ])

          answer(peer)
          assert PortWorker.run(worker, "f") == {:ok, "f"}
        end)

      assert log =~ "[warning]"
      assert log =~ "disk caf\uFFFD full free=0 path=/tmp"
      assert log =~ ~r/xxx\.\.\. \(100000 bytes\)/
    end

    test "faults are warnings" do
      log =
        capture_log(fn ->
          {worker, peer, _os_pid} = start()

          say(
            peer,
            {:fault, :undefined, %{reason: :bad_message, message: "unknown setting colour"}}
          )

          answer(peer)
          assert PortWorker.run(worker, "f") == {:ok, "f"}
        end)

      assert log =~ "did not accept a message: unknown setting colour (bad_message)"
    end
  end
end
