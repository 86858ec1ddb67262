defmodule Bench.Parts.Startup do
  @moduledoc "From the start of the program to its first answer."

  @behaviour Bench.Part

  alias Bench.{BareWorker, CEcho, Client, Clock, Statistics, Table}

  @starts 10

  @impl true
  def tables do
    [
      %Table{
        id: "startup",
        title: "Start-up, from spawn to the first answer",
        base: "C echo",
        metrics: [ms: "ms"],
        subjects: [
          {"C echo", fn -> starts(&CEcho.with_answer/1) end},
          {"worker, bare port", fn -> starts(&BareWorker.with_worker/1) end},
          {"start_link/1", fn -> starts(&Client.with_worker/1) end}
        ]
      }
    ]
  end

  # Without the end of the program, which comes after what it is given returns.
  defp starts(with_program) do
    milliseconds =
      for _ <- 1..@starts do
        start = System.monotonic_time()
        with_program.(fn _running -> Clock.since(start) * 1_000 end)
      end

    %{ms: Statistics.median(milliseconds)}
  end
end
