defmodule Bench.Parts.Payload do
  @moduledoc "Echoes of all sizes, one at a time: a payload goes there and comes back, and is counted once."

  @behaviour Bench.Part

  alias Bench.{BareWorker, CEcho, Client, Table}

  @sizes [
    {16, "16 B", 4_000},
    {1_024, "1 KiB", 4_000},
    {65_536, "64 KiB", 2_000},
    {1_048_576, "1 MiB", 400}
  ]

  @impl true
  def tables do
    for {size, name, count} <- @sizes do
      %Table{
        id: "payload-#{size}",
        title: "Payload of #{name}, there and back, one at a time",
        base: "C echo, 1 MiB pipes",
        metrics: [rate: "MB/s"],
        subjects: [
          {"C echo, 1 MiB pipes", fn -> CEcho.payload(count, size, :large) end},
          {"C echo", fn -> CEcho.payload(count, size, :small) end},
          {"run/4", fn -> Client.payload(count, size) end},
          {"worker, bare port", fn -> BareWorker.payload(count, size) end}
        ],
        goals: goals(size)
      }
    end
  end

  defp goals(1_048_576), do: [{"run/4", :rate, {:ratio, :at_least, 0.9}}]
  defp goals(_size), do: []
end
