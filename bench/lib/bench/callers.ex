defmodule Bench.Callers do
  @moduledoc "Many processes that each make one call after the other."

  alias Bench.{Clock, Proc}

  @doc """
  Lets `count` processes call `fun`, in all `calls` times.

  Returns calls a second, and microseconds of CPU time a call: of `os_pid`, if there is such a
  program, and of the BEAM. A tenth of the calls is made before, and not counted.
  """
  @spec measure(pos_integer(), pos_integer(), Proc.os_pid() | nil, (() -> term())) :: map()
  def measure(count, calls, os_pid, fun) do
    each = div(calls, count)
    run(count, max(div(each, 10), 1), fun)

    before = cpu(os_pid)
    seconds = run(count, each, fun)
    used = Map.merge(cpu(os_pid), before, fn _side, later, earlier -> later - earlier end)

    for {side, cpu} <- used, into: %{rate: count * each / seconds} do
      {side, cpu * 1.0e6 / (count * each)}
    end
  end

  defp cpu(nil), do: %{beam_cpu: Proc.cpu_seconds(Proc.own())}
  defp cpu(os_pid), do: Map.put(cpu(nil), :program_cpu, Proc.cpu_seconds(os_pid))

  # Seconds from the moment all may begin until the last has ended.
  defp run(count, each, fun) do
    callers = for _ <- 1..count, do: spawn_monitor(fn -> call(each, fun) end)

    Clock.seconds(fn ->
      for {pid, _monitor} <- callers, do: send(pid, :go)
      for {_pid, monitor} <- callers, do: await(monitor)
    end)
  end

  defp call(each, fun) do
    receive do: (:go -> Clock.repeat(each, fun))
  end

  defp await(monitor) do
    receive do: ({:DOWN, ^monitor, :process, _pid, :normal} -> :ok)
  end
end
