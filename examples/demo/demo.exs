# A Go worker under an Elixir supervisor, at work on real files. After `make build`:
#
#     cd elixir_client && mix run ../examples/demo/demo.exs
#
# The worker is bin/portworker, or what the environment variable PORTWORKER names.

Code.require_file("bar.ex", __DIR__)
Code.require_file("picture.ex", __DIR__)

defmodule Demo do
  @root Path.expand("../..", __DIR__)
  @mib 1024 * 1024

  def run do
    # The bar is drawn in Unicode, whatever the locale says.
    :io.setopts(:standard_io, encoding: :unicode)
    folder = Path.join(System.tmp_dir!(), "portworker-demo-#{System.pid()}")
    File.mkdir_p!(folder)

    try do
      supervisor = start()
      simple_calls()
      search()
      digest(folder)
      thumbnail(folder)
      cancel()
      crash()
      stop(supervisor)
    after
      File.rm_rf!(folder)
    end
  end

  defp start do
    title("A supervisor starts the worker")

    child =
      {PortWorker,
       name: Demo.Worker,
       command: System.get_env("PORTWORKER", Path.join(@root, "bin/portworker")),
       args: ["--debug-functions"],
       backoff_min: 50}

    {time, {:ok, supervisor}} =
      timed(fn -> Supervisor.start_link([child], strategy: :one_for_one) end)

    say(
      "process #{os_pid()}, #{length(PortWorker.functions(Demo.Worker))} functions, ready",
      time
    )

    supervisor
  end

  defp simple_calls do
    title("Calls return values; many run at once")
    {time, text} = timed(fn -> PortWorker.run!(Demo.Worker, "upcase", ["straße"]) end)
    say("upcase of \"straße\" is #{inspect(text)}", time)

    {time, results} =
      timed(fn ->
        1..1000
        |> Enum.map(fn _ -> PortWorker.async(Demo.Worker, "sleep", [200]) end)
        |> Task.await_many()
      end)

    say("#{length(results)} sleeps of 200 ms, awaited as tasks", time)
  end

  defp search do
    title("file.grep searches this repository")
    args = [~S"^func \(?\w", @root, %{include: "*.go", max_results: 100_000}]
    {time, matches} = timed(fn -> PortWorker.run!(Demo.Worker, "file.grep", args) end)

    for match <- Enum.take(matches, 3) do
      IO.puts("    #{Path.relative_to(match.path, @root)}:#{match.line}: #{match.text}")
    end

    files = matches |> Enum.uniq_by(& &1.path) |> length()
    say("#{length(matches)} functions in #{files} Go files", time)
  end

  defp digest(folder) do
    path = Path.join(folder, "large.bin")
    title("file.digest reads a file of 256 MiB, and reports as it goes")
    piece = :rand.bytes(@mib)
    File.open!(path, [:write, :raw], fn file -> for _ <- 1..256, do: :file.write(file, piece) end)

    {time, result} =
      timed(fn ->
        PortWorker.run!(Demo.Worker, "file.digest", [path, "sha512"],
          timeout: :infinity,
          on_progress: fn %{bytes: bytes, total: total} -> Bar.draw(bytes, total) end
        )
      end)

    Bar.finish()

    say(
      "#{result.algorithm} #{String.slice(result.digest, 0, 16)}… of #{div(result.bytes, @mib)} MiB",
      time
    )
  end

  defp thumbnail(folder) do
    title("image.thumbnail shrinks a picture that Elixir painted")
    path = Path.join(folder, "picture.png")
    File.write!(path, Picture.png(2000, 1500))

    {time, small} =
      timed(fn ->
        PortWorker.run!(Demo.Worker, "image.thumbnail", [%{path: path, max_width: 200}])
      end)

    kept = Path.join(System.tmp_dir!(), "portworker-thumbnail.png")
    File.write!(kept, small.png)
    say("2000 x 1500 became #{small.width} x #{small.height}, see #{kept}", time)
  end

  defp cancel do
    title("A sum that would take months is cancelled")
    task = PortWorker.start_task(Demo.Worker, "sum", [10_000_000_000_000_000], timeout: :infinity)
    Process.sleep(300)
    {time, receipt} = timed(fn -> PortWorker.cancel(task) end)
    say("after 300 ms of it, cancel says #{inspect(receipt)}", time)
  end

  defp crash do
    for {what, how} <- [
          {"The worker exits on its own", &exit_worker/0},
          {"The worker is killed by the system", &kill_worker/0}
        ] do
      title(what)
      waiting = PortWorker.start_task(Demo.Worker, "sleep", [60_000], timeout: :infinity)
      before = os_pid()
      how.()

      {time, {:error, error}} = timed(fn -> PortWorker.await(waiting) end)
      say("the call that was waiting got #{inspect(error.reason)}", time)
      {time, now} = timed(fn -> await_another(before) end)
      say("process #{before} has been replaced by process #{now}", time)
      say("which answers: #{PortWorker.run!(Demo.Worker, "upcase", ["hello again"])}")
    end
  end

  defp exit_worker, do: PortWorker.cast(Demo.Worker, "debug.exit", [3])
  defp kill_worker, do: System.cmd("kill", ["-KILL", "#{os_pid()}"])

  defp stop(supervisor) do
    title("The supervisor stops")
    pid = os_pid()
    {time, :ok} = timed(fn -> Supervisor.stop(supervisor) end)
    left = if File.exists?("/proc/#{pid}"), do: "is still there", else: "is gone"
    say("process #{pid} #{left}", time)
  end

  defp await_another(before) do
    case os_pid() do
      pid when is_integer(pid) and pid != before ->
        pid

      _not_yet ->
        Process.sleep(5)
        await_another(before)
    end
  end

  defp os_pid, do: PortWorker.status(Demo.Worker).os_pid

  defp timed(fun), do: :timer.tc(fun)

  defp title(text), do: IO.puts("\n" <> text)
  defp say(text), do: IO.puts("  " <> text)

  defp say(text, microseconds) do
    IO.puts("  #{text} (#{Float.round(microseconds / 1000, 1)} ms)")
  end
end

Demo.run()
