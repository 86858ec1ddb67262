defmodule Bench.Parts.Memory do
  @moduledoc "Tasks that only wait: memory of the worker for each of them."

  @behaviour Bench.Part

  alias Bench.{Sleepers, Table}

  @count 100_000
  @hour 3_600_000

  @impl true
  def tables do
    [
      %Table{
        id: "memory",
        title: "Tasks that wait in one worker: 100,000",
        metrics: metrics(),
        rounds: 3,
        subjects: [
          {"$sleep, which is no handler", fn -> sleepers(:portworker, "$sleep", [@hour]) end},
          {"sleep, whose handler has returned",
           fn -> sleepers(:portworker, "sleep", [@hour]) end},
          {"a handler that waits", fn -> sleepers(:worker, "wait", []) end}
        ]
      }
    ]
  end

  @doc "What is measured of tasks that wait."
  @spec metrics() :: [{Table.metric(), String.t()}]
  def metrics do
    [
      bytes: "bytes of resident memory a task",
      started: "accepted/s",
      ended: "cancelled and answered/s"
    ]
  end

  defp sleepers(program, function, args), do: Sleepers.measure(program, function, args, @count)
end
