# An ETL pipeline: rows of a CSV file are read, filtered, batched and converted in Go, four batches at a
# time, and only what comes out crosses over to Elixir, as a stream. A step that fails at times is tried again.
#
#     scripts/run-examples orders

alias PortWorker.Pipeline

path = Path.join(System.tmp_dir!(), "portworker-orders-#{System.pid()}.csv")
System.at_exit(fn _status -> File.rm!(path) end)

row = fn n ->
  {country, currency} = Enum.at([{"DE", "EUR"}, {"US", "USD"}, {"JP", "JPY"}], rem(n, 3))
  "#{n},#{country},#{currency},#{if rem(n, 10) == 0, do: 0, else: 80}\n"
end

File.write!(path, Enum.map(1..10_000, row))

{:ok, _} =
  Supervisor.start_link([{PortWorker, name: Orders, command: "bin/orders"}],
    strategy: :one_for_one
  )

pipeline =
  "orders"
  |> Pipeline.stream([path])
  |> Pipeline.filter("valid")
  |> Pipeline.chunk(500)
  |> Pipeline.buffered("to_euros", 4)

# The last step is here: each element is a batch, and the pipeline waits for whoever takes them.
pipeline
|> Pipeline.stream(Orders, demand: 2)
|> Stream.concat()
|> Enum.reduce(%{}, fn order, sums ->
  Map.update(sums, order.country, {1, order.euros}, fn {n, sum} -> {n + 1, sum + order.euros} end)
end)
|> Enum.sort()
|> Enum.each(fn {country, {n, sum}} ->
  IO.puts("#{country}: #{n} orders, #{:erlang.float_to_binary(sum, decimals: 2)} euros")
end)

%{"to_euros" => step} = PortWorker.status(Orders, stats: true).stats.functions
IO.puts("#{step.calls} batches, #{step.retries} retries, #{step.errors} failures")

# A failure that no other try would help ends the pipeline, and says why.
for bad <- ["10001,CH,CHF,80\n", "10002,CH\n", "10003,DE,EUR,many\n"] do
  File.write!(path, bad)
  {:error, error} = Pipeline.collect(pipeline, Orders)
  IO.puts(Exception.message(error))
end
