defmodule Bench.Proc do
  @moduledoc "What Linux says of a process under `/proc`."

  # Of the clock that process times are counted in; the same on every Linux.
  @ticks_per_second 100

  @type os_pid :: non_neg_integer()

  @doc "The process this runs in."
  @spec own() :: os_pid()
  def own, do: String.to_integer(System.pid())

  @doc "Seconds of CPU time, user and system, of all threads that are or were."
  @spec cpu_seconds(os_pid()) :: float()
  def cpu_seconds(os_pid) do
    # The name comes second, in parentheses, and may hold blanks.
    [_name, fields] = "/proc/#{os_pid}/stat" |> File.read!() |> String.split(") ", parts: 2)

    [user, system] = fields |> String.split() |> Enum.slice(11, 2)
    (String.to_integer(user) + String.to_integer(system)) / @ticks_per_second
  end

  @doc "Bytes of memory the process holds."
  @spec resident(os_pid()) :: non_neg_integer()
  def resident(os_pid), do: 1024 * status("/proc/#{os_pid}/status", "VmRSS")

  @doc "How often its threads went to sleep and were woken, all of them together."
  @spec wake_ups(os_pid()) :: non_neg_integer()
  def wake_ups(os_pid) do
    "/proc/#{os_pid}/task/*/status"
    |> Path.wildcard()
    |> Enum.map(&status(&1, "voluntary_ctxt_switches"))
    |> Enum.sum()
  end

  @doc "Returns when the process is gone."
  @spec await_end(os_pid()) :: :ok
  def await_end(os_pid) do
    if File.exists?("/proc/#{os_pid}") do
      Process.sleep(1)
      await_end(os_pid)
    else
      :ok
    end
  end

  defp status(file, key) do
    [_all, number] = Regex.run(~r/^#{key}:\s+(\d+)/m, File.read!(file))
    String.to_integer(number)
  end
end
