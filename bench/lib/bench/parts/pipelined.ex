defmodule Bench.Parts.Pipelined do
  @moduledoc "One process that makes 1,000 calls before it waits for the first."

  @behaviour Bench.Part

  alias Bench.{BareWorker, CEcho, Client, LeastClient, Table}

  @outstanding 1_000
  @times 100

  @impl true
  def tables do
    [table(), Table.on_one_scheduler(table())]
  end

  defp table do
    %Table{
      id: "pipelined",
      title: "1,000 calls from one process, then 1,000 results",
      base: "C echo",
      metrics: [rate: "calls/s"],
      subjects: [
        {"C echo", fn -> CEcho.pipelined(@outstanding, @times) end},
        {"start_task, then await", fn -> Client.tasks(@outstanding, @times) end},
        {"worker, least client", fn -> LeastClient.pipelined(@outstanding, @times) end},
        {"worker, bare port", fn -> BareWorker.pipelined(@outstanding, @times, 1) end},
        {"worker, bare port, 64 a packet", fn -> BareWorker.pipelined(@outstanding, @times) end}
      ],
      goals: [
        {"start_task, then await", :rate, {:ratio, :at_least, 0.5}},
        {"start_task, then await", :rate, {:value, :at_least, 400_000}}
      ]
    }
  end
end
