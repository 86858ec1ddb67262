defmodule Bench.Parts.Streams do
  @moduledoc "Streams, from their first element to their end, and round trips through a channel."

  @behaviour Bench.Part

  alias Bench.{CEcho, Streams, Table}

  @integers 2_000_000
  @round_trips 8_000

  @impl true
  def tables do
    [
      binaries("64 KiB", 65_536, 4_000),
      binaries("1 MiB", 1_048_576, 400),
      %Table{
        id: "stream-integers",
        title: "Stream of small integers",
        metrics: [rate: "elements/s"],
        subjects: [
          {"worker, bare port", fn -> Streams.integers(@integers) end},
          {"stream/4 into Enum.count/1", fn -> Streams.client_integers(@integers) end}
        ]
      },
      %Table{
        id: "channel",
        title: "Round trips through a channel, one at a time",
        base: "C echo",
        metrics: [rate: "round trips/s"],
        subjects: [
          {"C echo", fn -> %{rate: CEcho.round_trip_rate(@round_trips)} end},
          {"send/3 and recv/2", fn -> Streams.client_round_trips(@round_trips) end},
          {"worker, bare port", fn -> Streams.round_trips(@round_trips) end}
        ]
      }
    ]
  end

  defp binaries(name, size, count) do
    %Table{
      id: "stream-#{size}",
      title: "Stream of binaries of #{name}",
      base: "C program that writes the packets",
      metrics: [rate: "MB/s"],
      subjects: [
        {"C program that writes the packets", fn -> Streams.c_binaries(count, size) end},
        {"worker, bare port", fn -> Streams.binaries(count, size) end}
      ]
    }
  end
end
