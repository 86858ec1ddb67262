defmodule Bench.Parts.Payload do
  @moduledoc "Echoes of all sizes, one at a time: a payload goes there and comes back."

  @behaviour Bench.Part

  alias Bench.{BareWorker, CEcho, Client, Table}

  @impl true
  def tables do
    for {id, name, size, count} <- [{"1MiB", "1 MiB", 1_048_576, 400}] do
      %Table{
        id: "payload-#{id}",
        title: "Payload of #{name}, there and back",
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
