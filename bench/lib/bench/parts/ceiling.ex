defmodule Bench.Parts.Ceiling do
  @moduledoc "Calls inside the BEAM: what no call that leaves it can reach."

  @behaviour Bench.Part

  alias Bench.{Ceiling, Table}

  @impl true
  def tables do
    [
      %Table{
        id: "ceiling",
        title: "Inside the BEAM, one at a time",
        metrics: [p50: "p50, µs", p99: "p99, µs"],
        subjects: [
          {"GenServer.call/2", fn -> Ceiling.calls(50_000) end},
          {"Task.async/1, then Task.await/1", fn -> Ceiling.tasks(50_000) end}
        ]
      },
      %Table{
        id: "ceiling-1000",
        title: "Inside the BEAM, 1,000 started, then awaited",
        metrics: [rate: "tasks/s"],
        subjects: [{"Task.async/1, then Task.await/1", fn -> Ceiling.many_tasks(1_000, 100) end}]
      }
    ]
  end
end
