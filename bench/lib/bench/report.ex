defmodule Bench.Report do
  @moduledoc "Results as text for people and as CSV for programs."

  alias Bench.{Statistics, Table}

  @doc "The table with medians, the least and the most of all rounds, the ratio to the base, and goals."
  @spec text(Table.t(), Table.samples()) :: iodata()
  def text(table, samples) do
    rounds = samples |> Map.values() |> hd() |> length()
    {near, samples} = Map.pop(samples, :line, [])
    {column, base} = if table.base, do: {"ratio", "; ratio to #{table.base}"}, else: {"", ""}

    [
      "\n#{table.title} (rounds: #{rounds}#{base}#{line(near)})\n",
      line("", ["median", "min", "max", column]),
      for {metric, name} <- table.metrics do
        [
          "  #{name}\n",
          for({subject, _} <- table.subjects, do: row(table, samples, subject, metric))
        ]
      end
    ]
  end

  defp line([]), do: ""

  defp line(nanoseconds) do
    {least, most} = Enum.min_max(nanoseconds)
    "; a cache line there and back: #{least} to #{most} ns"
  end

  defp row(table, samples, subject, metric) do
    case samples do
      %{{^subject, ^metric} => values} ->
        ratio = Table.ratio(table, samples, subject, metric)

        numbers =
          Enum.map([Statistics.median(values), Enum.min(values), Enum.max(values)], &number/1)

        goals = table |> Table.goals(samples, subject, metric) |> Enum.map_join("; ", &goal/1)
        line("    " <> subject, numbers ++ [ratio(ratio)], goals)

      _without ->
        []
    end
  end

  defp line(name, columns, rest \\ "") do
    columns = Enum.map_join(columns, &String.pad_leading(&1, 12))
    [String.trim_trailing(String.pad_trailing(name, 48) <> columns <> "   " <> rest), ?\n]
  end

  defp ratio(nil), do: ""
  defp ratio(ratio), do: number(ratio) <> " ×"

  defp goal({{kind, bound, limit}, reached?}) do
    sign = if bound == :at_least, do: ">=", else: "<="
    unit = if kind == :ratio, do: " ×", else: ""
    "goal #{sign} #{number(limit)}#{unit}: #{if reached?, do: "met", else: "NOT met"}"
  end

  # Three significant digits are more than a benchmark knows.
  defp number(n) when n >= 100, do: n |> round() |> thousands()
  defp number(n) when n >= 10, do: :erlang.float_to_binary(n / 1, decimals: 1)
  defp number(n), do: :erlang.float_to_binary(n / 1, decimals: 2)

  defp thousands(integer) do
    integer |> Integer.to_string() |> String.replace(~r/(?<=\d)(?=(\d{3})+$)/, ",")
  end

  @doc "The first line of the CSV file."
  @spec csv_head() :: iodata()
  def csv_head, do: "table,metric,subject,round,value\n"

  @doc "A line for each value of each round."
  @spec csv(Table.t(), Table.samples()) :: iodata()
  def csv(table, samples) do
    [
      csv(table, :line, "machine", Map.get(samples, :line, []))
      | for {metric, _name} <- table.metrics, {subject, _fun} <- table.subjects do
          csv(table, metric, subject, Map.get(samples, {subject, metric}, []))
        end
    ]
  end

  defp csv(table, metric, subject, values) do
    for {value, round} <- Enum.with_index(values, 1) do
      ~s(#{table.id},#{metric},"#{subject}",#{round},#{value}\n)
    end
  end
end
