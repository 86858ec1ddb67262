defmodule Bench.Parts.Isolation do
  @moduledoc "Does one kind of work delay another? The round trip of `echo` while other lanes are full."

  @behaviour Bench.Part

  alias Bench.{BareWorker, Clock, Statistics, Table}

  # Takes seconds to add up.
  @long [1_000_000_000_000]

  @impl true
  def tables do
    [
      %Table{
        id: "isolation",
        title: "Round trip of echo on the io lane beside other work",
        base: "nothing else",
        metrics: [p50: "p50, µs", p99: "p99, µs"],
        rounds: 3,
        subjects: [
          {"nothing else", fn -> echoes(:portworker, 2_000, []) end},
          {"cpu lane full, 200 more waiting",
           fn -> echoes(:portworker, 2_000, calls(200, "sum", @long, %{})) end},
          {"600 reads that hold threads",
           fn -> echoes(:worker, 2_000, calls(600, "block", [], %{})) end},
          {"the pitfall: 64 sums on the io lane",
           fn -> echoes(:portworker, 20, calls(64, "sum", @long, %{lane: :io})) end}
        ]
      }
    ]
  end

  defp calls(count, function, args, options) do
    for i <- 1..count, do: {:call, {function, i}, function, args, options}
  end

  defp echoes(program, count, load) do
    # The reads do not end when the worker does, which it would complain of.
    BareWorker.with_worker(program, [max_abandoned: 1_000], fn port ->
      BareWorker.say(port, load ++ [{:ping, :loaded}])
      [{:pong, :loaded}] = BareWorker.hear(port)
      count |> Clock.each(&BareWorker.echo(port, &1, "x")) |> Statistics.latencies()
    end)
  end
end
