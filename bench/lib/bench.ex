defmodule Bench do
  @moduledoc "Runs the benchmarks, or some parts of them."

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

  @doc """
  Measures what the command line asks for: a file for raw values, a number of rounds, and the names of parts, all if
  there is none. Prints a table as soon as it is complete.
  """
  @spec main([String.t()]) :: :ok
  def main([csv_file, rounds | names]) do
    rounds = rounds!(rounds)
    modules = if names == [], do: Keyword.values(@parts), else: Enum.map(names, &module!/1)
    File.write!(csv_file, Report.csv_head())

    for module <- modules, table <- module.tables() do
      samples = Table.measure(table, rounds)
      IO.write(Report.text(table, samples))
      File.write!(csv_file, Report.csv(table, samples), [:append])
    end

    :ok
  end

  defp rounds!(text) do
    case Integer.parse(text) do
      {rounds, ""} when rounds > 0 -> rounds
      _other -> abort("BENCH_ROUNDS: expected a number from 1, got #{text}")
    end
  end

  defp module!(name) do
    case Enum.find(@parts, fn {part, _module} -> Atom.to_string(part) == name end) do
      {_part, module} -> module
      nil -> abort("there is no part #{name}; there are #{names()}, and, by itself, codec")
    end
  end

  defp names, do: Enum.map_join(@parts, ", ", &elem(&1, 0))

  defp abort(text) do
    IO.puts(:stderr, text)
    System.halt(2)
  end
end
