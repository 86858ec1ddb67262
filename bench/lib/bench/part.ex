defmodule Bench.Part do
  @moduledoc "A part of the benchmarks, which can be run by itself."

  @doc "What it measures."
  @callback tables() :: [Bench.Table.t()]
end
