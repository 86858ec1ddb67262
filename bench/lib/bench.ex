defmodule Bench do
  @moduledoc "Runs parts of the benchmarks: `Bench.main(csv_file, rounds, parts)`."

  alias Bench.{Parts, Report, Table}

  @parts [
    roundtrip: Parts.Roundtrip,
    callers: Parts.Callers,
    pipelined: Parts.Pipelined,
    groups: Parts.Groups,
    payload: Parts.Payload,
    streams: Parts.Streams,
    startup: Parts.Startup,
    idle: Parts.Idle,
    ceiling: Parts.Ceiling,
    isolation: Parts.Isolation,
    memory: Parts.Memory,
    million: Parts.Million
  ]

  @doc "The names of all parts."
  @spec parts() :: [String.t()]
  def parts, do: Enum.map(Keyword.keys(@parts), &Atom.to_string/1)

  @doc """
  Measures the named parts, all if none is named: `rounds` rounds of each. Prints tables, and
  writes raw values to `csv_file`.
  """
  @spec main(Path.t(), pos_integer(), [String.t()]) :: :ok
  def main(csv_file, rounds, names) do
    modules = modules(names)
    File.write!(csv_file, Report.csv_head())

    for module <- modules, table <- module.tables() do
      samples = Table.measure(table, rounds)
      IO.write(Report.text(table, samples))
      File.write!(csv_file, Report.csv(table, samples), [:append])
    end

    :ok
  end

  defp modules([]), do: Keyword.values(@parts)
  defp modules(names), do: Enum.map(names, &module/1)

  defp module(name) do
    case Enum.find(@parts, fn {part, _module} -> Atom.to_string(part) == name end) do
      {_part, module} ->
        module

      nil ->
        IO.puts(:stderr, "there is no part #{name}; there are #{Enum.join(parts(), ", ")}")
        System.halt(2)
    end
  end
end
