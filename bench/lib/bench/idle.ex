defmodule Bench.Idle do
  @moduledoc "What a program costs that nobody calls."

  alias Bench.{Clock, Proc}

  # Until what the last call left behind is done: the Go runtime gives memory back to the system for some
  # seconds, a little at a time.
  @settle_ms 12_000
  @idle_ms 4_000

  @doc "Milliseconds of CPU time and wake-ups, of all threads, in a second without a call."
  @spec measure(Proc.os_pid()) :: map()
  def measure(os_pid) do
    Process.sleep(@settle_ms)
    cpu = Proc.cpu_seconds(os_pid)
    wake_ups = Proc.wake_ups(os_pid)
    seconds = Clock.seconds(fn -> Process.sleep(@idle_ms) end)

    %{
      cpu: (Proc.cpu_seconds(os_pid) - cpu) * 1_000 / seconds,
      wake_ups: (Proc.wake_ups(os_pid) - wake_ups) / seconds
    }
  end
end
