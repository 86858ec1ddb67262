defmodule Bench.Sleepers do
  @moduledoc "Tasks that wait, in great numbers: what each costs while it does."

  import Bench.BareWorker, only: [with_worker: 3, say: 2, hear: 1]

  alias Bench.{Clock, Proc, Program}

  # Messages in a packet.
  @batch 1_000

  @doc """
  Has `count` calls of the function sleep in the worker at once. Returns bytes of memory for each, and
  how many a second were accepted, and cancelled with their results received.
  """
  @spec measure(Program.name(), String.t(), list(), pos_integer()) :: map()
  def measure(program, function, args, count) do
    with_worker(program, [max_running: count + @batch], fn port ->
      os_pid = Program.os_pid(port)
      idle = Proc.resident(os_pid)

      accepting =
        Clock.seconds(fn ->
          send_each(port, count, &{:call, &1, function, args})
          accepted(port)
        end)

      busy = Proc.resident(os_pid)

      ending =
        Clock.seconds(fn ->
          send_each(port, count, &{:cancel, &1})
          results(port, count)
        end)

      %{bytes: (busy - idle) / count, started: count / accepting, ended: count / ending}
    end)
  end

  defp send_each(port, count, message) do
    1..count |> Stream.map(message) |> Stream.chunk_every(@batch) |> Enum.each(&say(port, &1))
  end

  defp accepted(port) do
    say(port, {:ping, :accepted})
    [{:pong, :accepted}] = hear(port)
  end

  defp results(_port, 0), do: :ok

  defp results(port, left) do
    messages = hear(port)
    for {:result, _ref, result} <- messages, do: {:error, %{reason: :cancelled}} = result
    results(port, left - length(messages))
  end
end
