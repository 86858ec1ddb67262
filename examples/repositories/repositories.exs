# Fetches what is open in some repositories, eight at a time, and sums it up: all of it in the worker.
#
#     repositories.exs WORKER BASE_URL NAME...

alias PortWorker.Pipeline

[worker, base | names] = System.argv()

{:ok, _} =
  Supervisor.start_link([{PortWorker, name: Repos, command: worker}], strategy: :one_for_one)

names
|> Enum.map(&%{base: base, name: &1})
|> Pipeline.from_list()
|> Pipeline.buffer_unordered("fetch", 8)
|> Pipeline.map("summarize")
|> Pipeline.stream(Repos, on_progress: &IO.puts(:stderr, "fetched #{inspect(&1)}"))
|> Enum.sort_by(& &1.name)
|> Enum.each(fn s ->
  IO.puts(
    "#{s.name}: #{s.issues} issues, #{s.pulls} pull requests, #{s.bugs} bugs; oldest: #{s.oldest || "none"}"
  )
end)
