# Runs lines of docs/toolkit.md: the arguments are a worker, then each line with a pattern for what it gives.
# Prints a line for each: true, or what it gave instead.
[command | lines] = System.argv()

{:ok, _} =
  Supervisor.start_link([{PortWorker, name: MyApp.Go, command: command}], strategy: :one_for_one)

env = %{__ENV__ | aliases: [{Pipeline, PortWorker.Pipeline}]}

# What the page says is there already.
bound = fn line ->
  cond do
    line =~ "(task" ->
      [task: PortWorker.start_task(MyApp.Go, "sleep", [60_000], timeout: :infinity)]

    line =~ "(channel" ->
      {:ok, channel} = PortWorker.open(MyApp.Go, "stateful_worker")
      [channel: channel]

    true ->
      []
  end
end

for [line, gives] <- Enum.chunk_every(lines, 2) do
  {given, _} = Code.eval_string(line, bound.(line), env)
  {same?, _} = Code.eval_string("match?(#{gives}, given)", [given: given], env)
  IO.puts(same? || inspect(given))
end
