# A thumbnail service: a batch with bounded concurrency, progress, and a deadline.
#
#     scripts/run-examples thumbnails

Code.require_file("../demo/picture.ex", __DIR__)

folder = Path.join(System.tmp_dir!(), "portworker-thumbnails-#{System.pid()}")
File.mkdir_p!(folder)
System.at_exit(fn _status -> File.rm_rf!(folder) end)

for {name, width, height} <- [{"a.png", 320, 240}, {"b.png", 240, 320}, {"large.png", 1200, 900}] do
  File.write!(Path.join(folder, name), Picture.png(width, height))
end

File.write!(Path.join(folder, "notes.txt"), "no picture at all")

{:ok, _} =
  Supervisor.start_link([{PortWorker, name: Thumbnails, command: "bin/thumbnails"}],
    strategy: :one_for_one
  )

# What the bytes themselves say of the size, in the first chunk of the file.
size = fn %{png: <<0x89, "PNG\r\n", 0x1A, "\n", _::64, width::32, height::32, _::binary>>} ->
  "#{width} x #{height}"
end

# Two files at a time. One that is no picture is an error of its own, and so is one that takes too long.
paths = folder |> Path.join("*") |> Path.wildcard()

Thumbnails
|> PortWorker.async_stream(paths, "thumbnails",
  args: [[160, 32]],
  max_concurrency: 2,
  timeout: 30_000,
  on_timeout: :kill_task
)
|> Enum.zip(paths)
|> Enum.each(fn
  {{:ok, made}, path} -> IO.puts("#{Path.basename(path)}: #{Enum.map_join(made, ", ", size)}")
  {{:error, error}, path} -> IO.puts("#{Path.basename(path)}: #{Exception.message(error)}")
  {{:exit, :timeout}, path} -> IO.puts("#{Path.basename(path)}: took too long")
end)

# The same for one file, with a report after each size.
large = Path.join(folder, "large.png")
report = fn %{done: done, total: total} -> IO.puts("#{done} of #{total}") end
PortWorker.run!(Thumbnails, "thumbnails", [large, [400, 200, 100]], on_progress: report)

# A call that is out of time ends, and its work with it.
{:error, error} = PortWorker.run(Thumbnails, "thumbnails", [large, [1200, 800]], timeout: 1)
IO.puts("within a millisecond: #{error.reason}")
