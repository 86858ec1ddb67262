defmodule PortWorker.ProfileTest do
  # A look inside the real binary.
  use ExUnit.Case, async: true

  alias PortWorker.{Error, TestWorker}

  setup do
    opts = [command: PortWorker.Binary.path(), args: ["--debug-functions"]]
    # Deaf handlers hold nobody up.
    %{worker: start_supervised!({PortWorker, [cancel_grace: 1, drain_timeout: 50] ++ opts})}
  end

  # Names stand in an unpacked profile as plain text.
  defp unpack({:ok, profile}), do: :zlib.gunzip(profile)

  for {kind, opts, sample} <- [
        {:cpu, 1, "nanoseconds"},
        {:cpu, [duration: 1], "nanoseconds"},
        {:block, 1, "delay"},
        {:mutex, 1, "contentions"},
        {:heap, [], "inuse_space"},
        {:allocs, [], "alloc_space"},
        {:goroutine, [], "goroutine"}
      ] do
    test "takes a profile: #{kind}, #{inspect(opts)}", %{worker: worker} do
      assert worker |> PortWorker.profile(unquote(kind), unquote(opts)) |> unpack() =~
               unquote(sample)
    end
  end

  # It takes as many profiles as it needs until one has met a task that began after it.
  test "has samples of what runs, with its function, its name and its caller", %{worker: worker} do
    spinner = spawn_link(fn -> spin(worker) end)
    [_node, number] = ~r/<\d+(.*)/ |> Regex.run(inspect(spinner))
    caller = "#PID<#{node()}#{number}"

    TestWorker.retry(fn ->
      unpacked = worker |> PortWorker.profile(:cpu, 200) |> unpack()
      Enum.all?(["debug.spin", "nightly", caller], &(unpacked =~ &1))
    end)
  end

  defp spin(worker) do
    PortWorker.run(worker, "debug.spin", [20], name: "nightly")
    spin(worker)
  end

  test "writes the file that was asked for", %{worker: worker} do
    file = Path.join(System.tmp_dir!(), "portworker-#{System.unique_integer([:positive])}.pprof")
    on_exit(fn -> File.rm(file) end)
    assert {:ok, profile} = PortWorker.profile(worker, :heap, file: file)
    assert File.read!(file) == profile
  end

  test "says that the file cannot be written before the profile is taken", %{worker: worker} do
    assert {:error, %Error{reason: :failed, message: message}} =
             PortWorker.profile(worker, :cpu, duration: 600_000, file: "/no/such/folder/cpu.pprof")

    assert message =~ "there is no folder /no/such/folder"

    assert {:error, %Error{reason: :failed, message: message}} =
             PortWorker.profile(worker, :heap, file: System.tmp_dir!())

    assert message =~ "illegal operation on a directory"
  end

  test "is an error while another is taken", %{worker: worker} do
    _long = PortWorker.start_task(worker, "$profile", ["mutex", 60_000], timeout: 60_000)

    TestWorker.retry(fn ->
      match?({:ok, [%{stack: "goroutine" <> _}]}, PortWorker.stacks(worker))
    end)

    TestWorker.retry(fn ->
      match?({:error, %Error{reason: :overloaded}}, PortWorker.profile(worker, :cpu, 1))
    end)
  end

  for {name, kind, opts, message} <- [
        {"a kind", :trace, [], "expected a kind of profile, one of :cpu,"},
        {"no time where there is none", :heap, 5, "takes no time: expected no :duration, got: 5"},
        {"a time", :cpu, 0, "option :duration: expected a whole number from 1 to 600000, got: 0"},
        {"a shorter time", :cpu, 600_001, "from 1 to 600000"},
        {"options", :cpu, [seconds: 5],
         "unknown option :seconds; the options are :duration, :file"},
        {"a keyword list", :cpu, %{}, "expected a keyword list of options"}
      ] do
    test "expects #{name}", %{worker: worker} do
      assert_raise ArgumentError, ~r/#{Regex.escape(unquote(message))}/, fn ->
        PortWorker.profile(worker, unquote(kind), unquote(Macro.escape(opts)))
      end
    end
  end

  test "stacks show tasks, and handlers that outlived theirs", %{worker: worker} do
    assert PortWorker.stacks(worker) == {:ok, []}

    task = PortWorker.start_task(worker, "debug.spin", [60_000], name: "nightly", timeout: 60_000)
    TestWorker.retry(fn -> match?({:ok, [_one]}, PortWorker.stacks(worker)) end)

    assert {:ok, [%{function: "debug.spin", task: "nightly", abandoned: false} = stack]} =
             PortWorker.stacks(worker)

    assert stack.running >= 0
    assert stack.stack =~ "debugSpin"

    assert {:still_running, _stack} = PortWorker.cancel(task)
    assert {:ok, [%{task: "nightly", abandoned: true}]} = PortWorker.stacks(worker)
  end

  test "both say that the worker is down" do
    assert {:error, %Error{reason: :worker_down}} = PortWorker.stacks(:nobody)
    assert {:error, %Error{reason: :worker_down}} = PortWorker.profile(:nobody, :heap)
  end
end
