defmodule PortWorker.OptionsTest do
  use ExUnit.Case, async: true

  alias PortWorker.Options

  describe "start/1" do
    test "fills in the defaults and puts what the worker is told under :config" do
      assert {:ok, options} =
               Options.start(command: "x", lanes: [cpu: 2, io: [queue: 5]], busy_wait: 50)

      assert options.timeout == 5_000
      assert options.descriptors == :stdio
      assert options.drain_timeout == 5_000

      assert options.config == %{
               drain_timeout: 5_000,
               lanes: %{cpu: 2, io: %{queue: 5}},
               busy_wait: 50
             }

      refute Map.has_key?(options, :busy_wait)
    end

    for {name, opts, message} <- [
          {"no command", [], "option :command is required: expected the path or name"},
          {"no list", :nonsense, "expected a keyword list of options, got: :nonsense"},
          {"an unknown option", [command: "x", comand: "y"],
           "unknown option :comand; the options are"},
          {"an empty command", [command: ""], "option :command: expected the path or name"},
          {"a command with a zero byte", [command: "a\0b"], "option :command: expected"},
          {"a charlist", [command: ~c"x"], "option :command: expected"},
          {"a name that is no name", [command: "x", name: "n"],
           "option :name: expected an atom, {:global, term} or {:via, module, term}, got: \"n\""},
          {"a number too small", [command: "x", max_running: 0],
           "option :max_running: expected a whole number from 1, got: 0"},
          {"a wrong choice", [command: "x", descriptors: :pipe],
           "option :descriptors: expected one of :stdio, :private, got: :pipe"},
          {"a number out of its range", [command: "x", spin: 1_001],
           "option :spin: expected a whole number from 0 to 1000, got: 1001"},
          {"no window", [command: "x", window: 0],
           "option :window: expected a whole number from 1 or :infinity, got: 0"},
          {"callbacks that are none", [command: "x", callbacks: [f: 1]],
           "option :callbacks: expected a loaded module, or functions and {module, function}"},
          {"an unknown lane", [command: "x", lanes: [gpu: 1]],
           "option :lanes: expected sizes from 1"},
          {"no arguments", [command: "x", args: "a b"],
           "option :args: expected a list of strings"},
          {"a wrong variable", [command: "x", env: [{:A, "b"}]],
           "option :env: expected pairs of strings"},
          {"an application without a name", [command: "x", otp_app: :portworker],
           "option :otp_app needs the option :name"}
        ] do
      test "refuses #{name}" do
        assert {:error, error} = Options.start(unquote(Macro.escape(opts)))
        assert error.reason == :bad_args
        assert error.message =~ unquote(message)
      end
    end

    test "merges the environment of the application, and what is given wins" do
      Application.put_env(:portworker, __MODULE__.Worker,
        command: "from env",
        timeout: 1,
        max_running: 7
      )

      on_exit(fn -> Application.delete_env(:portworker, __MODULE__.Worker) end)

      assert {:ok, options} =
               Options.start(otp_app: :portworker, name: __MODULE__.Worker, timeout: 2)

      assert options.command == "from env"
      assert options.timeout == 2
      assert options.config.max_running == 7
    end

    test "refuses an environment that is no keyword list" do
      Application.put_env(:portworker, __MODULE__.Wrong, %{command: "x"})
      on_exit(fn -> Application.delete_env(:portworker, __MODULE__.Wrong) end)

      assert {:error, error} = Options.start(otp_app: :portworker, name: __MODULE__.Wrong)

      assert error.message =~
               "expected a keyword list in config :portworker, PortWorker.OptionsTest.Wrong"
    end
  end

  describe "call!/1" do
    test "parts what travels from what stays" do
      options =
        Options.call!(timeout: 5, lane: :cpu, name: "x", meta: %{"a" => "b"}, detach: true)

      assert options == %{
               timeout: 5,
               detach: true,
               wire: %{lane: :cpu, name: "x", meta: %{"a" => "b"}}
             }
    end

    test "takes retries as a keyword list or a map, and sends a map" do
      for retry <- [
            [],
            [max_attempts: 5, backoff: 0, max_backoff: 50, factor: 1.5, jitter: false],
            %{max_attempts: 100, jitter: 0.25}
          ] do
        assert Options.call!(retry: retry).wire == %{retry: Map.new(retry)}
      end
    end

    for retry <- [
          3,
          [3],
          [attempts: 3],
          [max_attempts: 0],
          [max_attempts: 101],
          [backoff: -1],
          [max_backoff: 0.5],
          [factor: 0.5],
          [jitter: 2],
          %{"max_attempts" => 3}
        ] do
      test "raises for retry: #{inspect(retry)}" do
        assert_raise ArgumentError, ~r/option :retry: expected max_attempts: 1 to 100/, fn ->
          Options.call!(retry: unquote(Macro.escape(retry)))
        end
      end
    end

    test "raises for retry where elements may have been sent" do
      assert_raise ArgumentError, ~r/unknown option :retry/, fn -> Options.stream!(retry: []) end
      assert_raise ArgumentError, ~r/unknown option :retry/, fn -> Options.channel!(retry: []) end
    end

    for {name, opts, message} <- [
          {"a negative timeout", [timeout: -1],
           "option :timeout: expected milliseconds or :infinity, got: -1"},
          {"a deadline in words", [deadline: "soon"],
           "option :deadline: expected a whole number"},
          {"a function of two arguments", [on_progress: &Kernel.+/2],
           "expected a function of one argument"},
          {"an unknown option", [timout: 5], "unknown option :timout"},
          {"meta with atoms", [meta: %{a: 1}],
           "option :meta: expected a map of strings to strings"}
        ] do
      test "raises for #{name}" do
        assert_raise ArgumentError, ~r/#{Regex.escape(unquote(message))}/, fn ->
          Options.call!(unquote(Macro.escape(opts)))
        end
      end
    end
  end

  test "docs/1 names every option, its type and its default" do
    assert Options.docs(:start) =~ "`:timeout` (milliseconds or :infinity)"
    assert Options.docs(:start) =~ "Default: `5000`."
    assert Options.docs(:start) =~ "Required."
    assert Options.docs(:worker) =~ "`:max_running` (a whole number from 1)"
    assert Options.docs(:call) =~ "`:on_progress`"
  end
end
