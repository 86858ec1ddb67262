defmodule Bench.Parts.Groups do
  @moduledoc "Calls that belong together: as a group, and by other means."

  @behaviour Bench.Part

  alias Bench.{CEcho, Client, Clock, Proc, Table}

  @payload <<0::128>>

  @impl true
  def tables do
    # Often enough for CPU time, which is counted in hundredths of a second.
    for {count, times} <- [{64, 600}, {1_000, 40}] do
      %Table{
        id: "groups-#{count}",
        title: "Echoes for one caller: #{count}",
        base: "group/3",
        metrics: [ms: "ms for all", beam_cpu: "µs of the BEAM's CPU time a call"],
        subjects: [
          {"group/3", fn -> measure(count, times, &group/2) end},
          {"start_task/4, then await/2",
           fn -> measure(count, times, &Client.start_and_await/2) end},
          {"async_stream/4, all at once", fn -> measure(count, times, &async_stream/2) end},
          {"run/4, one after the other", fn -> measure(count, times, &one_by_one/2) end},
          {"C echo, all written, then all read",
           fn -> count |> CEcho.pipelined(times) |> milliseconds(count) end}
        ]
      }
    end
  end

  defp measure(count, times, fun) do
    Client.with_worker(fn worker ->
      fun.(worker, count)
      before = Proc.cpu_seconds(Proc.own())
      seconds = Clock.seconds(times, fn -> fun.(worker, count) end)
      cpu = Proc.cpu_seconds(Proc.own()) - before
      %{ms: seconds * 1_000 / times, beam_cpu: cpu * 1.0e6 / (count * times)}
    end)
  end

  defp milliseconds(%{rate: rate}, count), do: %{ms: count * 1_000 / rate}

  defp group(worker, count) do
    calls = for _ <- 1..count, do: {"echo", [@payload]}
    {:ok, outcomes} = PortWorker.group(worker, calls)
    ^count = length(outcomes)
  end

  defp async_stream(worker, count) do
    payloads = List.duplicate(@payload, count)
    outcomes = PortWorker.async_stream(worker, payloads, "echo", max_concurrency: count)
    for outcome <- outcomes, do: {:ok, @payload} = outcome
  end

  defp one_by_one(worker, count) do
    for _ <- 1..count, do: Client.echo(worker, @payload)
  end
end
