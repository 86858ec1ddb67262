defmodule Bench.Statistics do
  @moduledoc "Medians and percentiles."

  @doc "The middle one, or what lies between the two in the middle."
  @spec median([number(), ...]) :: number()
  def median(values) do
    sorted = Enum.sort(values)
    last = length(sorted) - 1
    (Enum.at(sorted, div(last, 2)) + Enum.at(sorted, div(last + 1, 2))) / 2
  end

  @doc "The smallest value that `percent` per cent of all are not above."
  @spec percentile([number(), ...], 1..100) :: number()
  def percentile(values, percent) do
    values |> Enum.sort() |> Enum.at(ceil(length(values) * percent / 100) - 1)
  end

  @doc "The half and the one in a hundred of `values`, as a measurement returns them."
  @spec latencies([number(), ...]) :: %{p50: number(), p99: number()}
  def latencies(values), do: %{p50: percentile(values, 50), p99: percentile(values, 99)}
end
