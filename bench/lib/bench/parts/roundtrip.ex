defmodule Bench.Parts.Roundtrip do
  @moduledoc "One caller, one call at a time: what a call costs that finds everybody asleep."

  @behaviour Bench.Part

  alias Bench.{BareWorker, CEcho, Client, LeastClient, Table}

  @calls 8_000

  # Microseconds of polling, longer than a round trip takes.
  @busy_wait [busy_wait: 50]

  @impl true
  def tables do
    [
      %Table{
        id: "roundtrip",
        title: "Sequential round trip of 16 bytes",
        base: "C echo",
        metrics: [p50: "p50, µs", p99: "p99, µs"],
        subjects: [
          {"C echo", fn -> CEcho.round_trips(@calls) end},
          {"run/4", fn -> Client.round_trips(@calls) end},
          {"worker, bare port", fn -> BareWorker.round_trips(@calls) end},
          {"worker, least client", fn -> LeastClient.round_trips(@calls) end},
          {"C echo that polls", fn -> CEcho.round_trips(@calls, :poll) end},
          {"run/4, busy_wait", fn -> Client.round_trips(@calls, @busy_wait) end},
          {"worker, bare port, busy_wait", fn -> BareWorker.round_trips(@calls, @busy_wait) end}
        ],
        goals: [
          {"run/4", :p50, {:ratio, :at_most, 1.25}},
          {"run/4, busy_wait", :p50, {:ratio, :at_most, 0.3}}
        ]
      }
    ]
  end
end
