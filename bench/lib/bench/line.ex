defmodule Bench.Line do
  @moduledoc """
  How near the machine's processors are to each other. What two schedulers do to each other, and VM and program, takes as much
  longer as a cache line takes between them.
  """

  @program Path.expand("../../../bin/bench-line", __DIR__)

  @doc "Nanoseconds that a cache line takes to another processor and back; `nil` where there is one processor."
  @spec round_trip() :: non_neg_integer() | nil
  def round_trip do
    case System.cmd(@program, [], stderr_to_stdout: true) do
      {nanoseconds, 0} -> nanoseconds |> String.trim() |> String.to_integer()
      {_one_processor, 1} -> nil
    end
  end
end
