defmodule Bench.Parts.Million do
  @moduledoc "A million tasks at once: all are answered, all can be cancelled."

  @behaviour Bench.Part

  alias Bench.{Parts, Sleepers, Table}

  @impl true
  def tables do
    [
      %Table{
        id: "million",
        title: "Tasks that wait in one worker: 1,000,000",
        metrics: Parts.Memory.metrics(),
        rounds: 1,
        subjects: [
          {"$sleep", fn -> Sleepers.measure(:portworker, "$sleep", [3_600_000], 1_000_000) end}
        ]
      }
    ]
  end
end
