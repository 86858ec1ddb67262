defmodule Bench.Alone do
  @moduledoc """
  Runs a measurement in a process of its own, whose mailbox and heap are gone afterwards: what an
  earlier one left in a mailbox would slow every later receive down.
  """

  @doc "What `fun` returns. Raises with its reason if it fails."
  @spec run((() -> result)) :: result when result: term()
  def run(fun) do
    {pid, monitor} = spawn_monitor(fn -> exit({:measured, fun.()}) end)

    receive do
      {:DOWN, ^monitor, :process, ^pid, {:measured, result}} -> result
      {:DOWN, ^monitor, :process, ^pid, reason} -> raise Exception.format_exit(reason)
    end
  end
end
