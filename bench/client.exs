# What the Elixir client makes of a worker: elements a second into Enum.count, round trips
# through a channel, and a group beside separate calls.
#
#     elixir -pa EBIN --app portworker bench/client.exs WORKER BENCH_WORKER ROUNDS

[worker, bench_worker, rounds] = System.argv()
rounds = String.to_integer(rounds)

{:ok, _} =
  Supervisor.start_link(
    [
      {PortWorker, name: Ready, command: Path.expand(worker)},
      {PortWorker, name: Bench, command: Path.expand(bench_worker)}
    ],
    strategy: :one_for_one
  )

# Thousands a second of count things that fun does, each round in a process of its own.
rates = fn count, fun ->
  for _ <- 1..rounds do
    {time, _} = Task.async(fn -> :timer.tc(fun) end) |> Task.await(:infinity)
    count * 1000 / time
  end
end

show = fn name, rates ->
  sorted = Enum.sort(rates)
  median = Enum.at(sorted, div(rounds, 2))

  :io.format("~-44s ~10.1f k/s   (~.1f, ~.1f)~n", [
    name,
    median,
    List.first(sorted),
    List.last(sorted)
  ])

  median
end

:io.format("~-44s ~10s         (medians of ~b rounds; min, max)~n", ["", "", rounds])

show.(
  "stream of small integers into Enum.count",
  rates.(2_000_000, fn ->
    2_000_000 = Bench |> PortWorker.stream("integers", [2_000_000]) |> Enum.count()
  end)
)

show.(
  "channel round trips, one at a time",
  rates.(10_000, fn ->
    {:ok, channel} = PortWorker.open(Bench, "mirror", [])

    for i <- 1..10_000 do
      :ok = PortWorker.send(channel, i)
      {:ok, ^i} = PortWorker.recv(channel)
    end

    PortWorker.close(channel)
  end)
)

show.(
  "run/4 of echo, one at a time",
  rates.(10_000, fn ->
    for i <- 1..10_000, do: {:ok, ^i} = PortWorker.run(Ready, "echo", [i])
  end)
)

separate =
  show.(
    "1,000 tasks, started and then awaited",
    rates.(1_000, fn ->
      1..1_000
      |> Enum.map(&PortWorker.start_task(Ready, "echo", [&1]))
      |> Enum.each(&({:ok, _} = PortWorker.await(&1)))
    end)
  )

calls = for i <- 1..1_000, do: {"echo", [i]}

grouped =
  show.(
    "1,000 calls in a group",
    rates.(1_000, fn ->
      {:ok, outcomes} = PortWorker.run(Ready, "$group", [calls])
      1_000 = length(outcomes)
    end)
  )

:io.format("cost of the group, of the separate calls': ~.2f~n", [separate / grouped])
