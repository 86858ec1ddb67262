defmodule PortWorker.WorkerLogTest do
  use ExUnit.Case, async: true

  alias PortWorker.WorkerLog

  doctest WorkerLog

  # Hands records on as handlers of the application's own get them.
  defmodule Listener do
    def log(%{meta: %{portworker: name}} = event, %{config: %{name: name, test: test}}) do
      {:string, text} = event.msg
      send(test, {:record, event.level, IO.chardata_to_string(text), event.meta})
    end

    def log(_others, _config), do: :ok
  end

  # Listens to the records of one worker. Returns its name.
  defp listen(name) do
    config = %{config: %{name: name, test: self()}, level: :all}
    :ok = :logger.add_handler(name, Listener, config)
    on_exit(fn -> :logger.remove_handler(name) end)
    name
  end

  describe "text" do
    test "bounds a giant line, also where it cuts a character in two" do
      text = WorkerLog.text(String.duplicate("ü", 5_000) <> "x")
      assert String.valid?(text)
      assert byte_size(text) < 4_100
      assert text =~ "... (10001 bytes)"

      assert String.valid?(WorkerLog.text("x" <> String.duplicate("ü", 5_000)))
    end

    test "shows what is no text" do
      assert WorkerLog.text({:a, 1}) == "{:a, 1}"
    end
  end

  describe "a record" do
    test "has its level, its attributes under strings, its function and its task" do
      name = listen(:logs_of_a_task)
      attributes = %{"path" => "/tmp", "free" => 0, "function" => "tidy", "task" => "nightly"}

      for level <- [:debug, :info, :notice, :warning, :error] do
        WorkerLog.write(level, name, "disk full", attributes)
        assert_receive {:record, ^level, text, metadata}

        assert text == ":logs_of_a_task: disk full free=0 function=tidy path=/tmp task=nightly"
        assert %{function: "tidy", task: "nightly", attributes: ^attributes} = metadata
        assert metadata.application == :portworker
        # Where in the client a record passes through says nothing of it.
        refute Map.has_key?(metadata, :mfa)
      end
    end

    test "of no task has neither function nor task, whatever the attributes are" do
      name = listen(:logs_of_no_task)
      WorkerLog.write(:info, name, "started", %{"task" => 7})
      assert_receive {:record, :info, ":logs_of_no_task: started task=7", metadata}
      refute Map.has_key?(metadata, :function)
      refute Map.has_key?(metadata, :task)
    end

    test "is valid and bounded, in its metadata too" do
      name = listen(:logs_of_anything)
      giant = :binary.copy("x", 100_000)

      WorkerLog.write(:info, name, <<0xFF, giant::binary>>, Map.new(1..1_000, &{&1, giant}))
      assert_receive {:record, :info, text, %{attributes: kept}}
      assert String.valid?(text)
      assert byte_size(text) < 8_300
      assert text =~ "xxx... (100001 bytes)"

      assert map_size(kept) == 64
      for {key, value} <- kept, do: assert(is_binary(key) and byte_size(value) < 4_100)

      WorkerLog.write(:info, name, "", %{"bad" => <<"caf", 0xE9>>, <<0xFF>> => {:a, giant}})
      assert_receive {:record, :info, _text, %{attributes: kept}}
      assert %{"bad" => "caf\uFFFD", "\uFFFD" => term} = kept
      assert byte_size(term) < 4_100

      WorkerLog.write(:info, name, "", %{"big" => 2 ** 100_000, "ok" => true, "half" => 0.5})
      assert_receive {:record, :info, _text, %{attributes: kept}}
      assert %{"ok" => true, "half" => 0.5, "big" => digits} = kept
      assert byte_size(digits) < 4_100
    end
  end

  describe "a Go worker" do
    test "logs with slog, and its records reach Logger" do
      name = listen(:slog_worker)
      start_supervised!({PortWorker, name: name, command: PortWorker.TestWorker.path()})

      assert PortWorker.run(name, "log", ["caf" <> <<0xE9>>], name: "nightly") == {:ok, nil}
      assert_receive {:record, :warning, text, metadata}
      assert text =~ "disk full"
      assert %{function: "log", task: "nightly", attributes: attributes} = metadata

      assert %{"path" => "caf\uFFFD", "disk.free" => 0, "ratio" => "0.5", "ok" => true} =
               attributes

      assert PortWorker.run(name, "log", [:binary.copy("x", 1_000_000)]) == {:ok, nil}
      assert_receive {:record, :warning, text, %{attributes: %{"path" => path}}}
      assert byte_size(text) < 8_300
      assert byte_size(path) < 4_100
    end

    # The VM's own stderr is what is looked at, so it has to be another VM's.
    test "that crashes outside of its handlers leaves Go's traceback on the VM's stderr, and a word in Logger" do
      script = """
      {:ok, _} = Application.ensure_all_started(:portworker)
      opts = [name: :w, command: #{inspect(PortWorker.Binary.path())}, args: ["--debug-functions"]]
      {:ok, _} = Supervisor.start_link([{PortWorker, opts}], strategy: :one_for_one)
      {:error, error} = PortWorker.run(:w, "debug.fatal")
      IO.puts(Exception.message(error))
      back? = fn back? -> PortWorker.status(:w).restarts == 1 || back?.(back?) end
      back?.(back?)
      Logger.flush()
      """

      stderr = Path.join(System.tmp_dir!(), "portworker-#{System.unique_integer([:positive])}")
      on_exit(fn -> File.rm(stderr) end)
      elixir = ["elixir", "-pa", Application.app_dir(:portworker, "ebin"), "-e", script]
      redirect = ["-c", ~s(exec "$@" 2>"$0"), stderr]
      {stdout, 0} = System.cmd("sh", redirect ++ elixir)

      assert File.read!(stderr) =~ "fatal error: concurrent map writes"
      assert File.read!(stderr) =~ "main.debugFatal"
      assert stdout =~ "debug.fatal: the worker exited with status 2 (worker_down)"
      assert stdout =~ "[error] :w: the worker exited with status 2; restart in"
    end
  end
end
