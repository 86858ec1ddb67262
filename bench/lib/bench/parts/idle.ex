defmodule Bench.Parts.Idle do
  @moduledoc "A program that nobody calls, after some calls."

  @behaviour Bench.Part

  alias Bench.{BareWorker, Client, Idle, Program, Table}

  @calls 1_000

  @impl true
  def tables do
    [
      %Table{
        id: "idle",
        title: "A second without a call",
        metrics: [cpu: "ms of CPU time", wake_ups: "wake-ups, all threads together"],
        rounds: 2,
        subjects: [
          {"worker, bare port", &bare_worker/0},
          {"worker with client", fn -> client([]) end},
          {"worker with client, busy_wait", fn -> client(busy_wait: 50) end}
        ],
        goals:
          for subject <- ["worker with client", "worker with client, busy_wait"],
              # A heartbeat every ten seconds wakes some threads.
              {metric, limit} <- [cpu: 1, wake_ups: 2] do
            {subject, metric, {:value, :at_most, limit}}
          end
      }
    ]
  end

  defp bare_worker do
    BareWorker.with_worker(fn port ->
      for i <- 1..@calls, do: BareWorker.echo(port, i, "x")
      Idle.measure(Program.os_pid(port))
    end)
  end

  defp client(options) do
    Client.with_worker(:portworker, options, fn worker ->
      for _ <- 1..@calls, do: Client.echo(worker, "x")
      Idle.measure(Client.os_pid(worker))
    end)
  end
end
