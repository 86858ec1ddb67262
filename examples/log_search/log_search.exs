# A log search: a stream of matches with back-pressure, which stops the worker when it has had enough.
#
#     scripts/run-examples log_search

folder = Path.join(System.tmp_dir!(), "portworker-log_search-#{System.pid()}")
File.mkdir_p!(folder)
System.at_exit(fn _status -> File.rm_rf!(folder) end)

# Three days of 50,000 lines; every tenth is an error, of one of three services.
for day <- 1..3 do
  lines =
    for n <- 1..50_000 do
      level = if rem(n, 10) == 0, do: "ERROR", else: "info"
      "#{level} service-#{rem(n, 3)} request #{n}\n"
    end

  File.write!(Path.join(folder, "day-#{day}.log"), lines)
end

{:ok, _} =
  Supervisor.start_link([{PortWorker, name: Logs, command: "bin/log_search"}],
    strategy: :one_for_one
  )

# Lazy: nothing has happened yet.
errors = PortWorker.stream(Logs, "search", ["^ERROR", folder], demand: 10)

# Three matches are in the first thirty lines. The worker makes what was asked for, ten, and the one
# that it holds when nobody asks; then it is stopped.
for match <- Enum.take(errors, 3), do: IO.puts("#{match.file}:#{match.line}: #{match.text}")
read = PortWorker.run!(Logs, "lines_read")
true = read in 30..200
IO.puts("of 150000 lines no more than 200 were read")

# Each enumeration is a search of its own. All of it is too much for a list, and none is needed.
errors
|> Stream.map(fn %{text: text} -> text |> String.split() |> Enum.at(1) end)
|> Enum.frequencies()
|> Enum.sort()
|> Enum.each(fn {service, count} -> IO.puts("#{service}: #{count} errors") end)

# A pattern that is none fails where it is used.
try do
  Logs |> PortWorker.stream("search", ["(", folder]) |> Enum.to_list()
rescue
  error in PortWorker.Error -> IO.puts(Exception.message(error))
end
