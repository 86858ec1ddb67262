defmodule Bench.Parts.Callers do
  @moduledoc "Many processes that call at once, each one call after the other."

  @behaviour Bench.Part

  alias Bench.{BareWorker, CEcho, Ceiling, Client, LeastClient, Table}

  # Calls in all, enough for about a second of many callers: they do not end all at once.
  @callers [
    {1, 8_000},
    {4, 30_000},
    {16, 60_000},
    {64, 250_000},
    {256, 250_000},
    {1_000, 250_000}
  ]

  @impl true
  def tables do
    tables = for {callers, calls} <- @callers, do: table(callers, calls)
    tables ++ for(%{id: "callers-64"} = table <- tables, do: Table.on_one_scheduler(table))
  end

  defp table(callers, calls) do
    %Table{
      id: "callers-#{callers}",
      title: "Calling processes: #{callers}",
      base: "C echo, by alias",
      metrics: [
        rate: "calls/s",
        program_cpu: "µs of the program's CPU time a call",
        beam_cpu: "µs of the BEAM's CPU time a call"
      ],
      subjects: [
        {"C echo, by alias", fn -> CEcho.callers(callers, calls, :alias) end},
        {"C echo, by pid", fn -> CEcho.callers(callers, calls, :pid) end},
        {"worker, bare port, by alias", fn -> BareWorker.callers(callers, calls) end},
        {"run/4", fn -> Client.callers(callers, calls) end},
        {"worker, least client", fn -> LeastClient.callers(callers, calls) end},
        {"GenServer.call/2", fn -> Ceiling.callers(callers, calls) end}
      ],
      goals: goals(callers)
    }
  end

  defp goals(64) do
    [
      {"run/4", :rate, {:ratio, :at_least, 0.8}},
      {"run/4", :rate, {:value, :at_least, 250_000}},
      {"run/4", :program_cpu, {:ratio, :at_most, 2}}
    ]
  end

  defp goals(_callers), do: []
end
