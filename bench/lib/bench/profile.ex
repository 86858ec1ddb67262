defmodule Bench.Profile do
  @moduledoc "Takes a CPU profile of a worker that is called as in a benchmark."

  alias Bench.{Callers, Client, Clock}

  @ms 5_000

  @payload <<0::128>>

  @doc "Writes the profile, in the format of pprof, of the worker under a load to a file: `[file, load]`."
  @spec main([String.t()]) :: :ok
  def main([file, load]) do
    put_load = load!(load)

    Client.with_worker(fn worker ->
      profile =
        Task.async(fn ->
          PortWorker.run!(worker, "$profile", [:cpu, @ms], timeout: 2 * @ms)
        end)

      until_done(profile, fn -> put_load.(worker) end)
      |> then(&File.write!(file, &1))
    end)
  end

  defp until_done(task, fun) do
    case Task.yield(task, 0) do
      {:ok, result} ->
        result

      nil ->
        fun.()
        until_done(task, fun)
    end
  end

  # Each for some tenths of a second.
  defp load!("roundtrip"), do: &Clock.repeat(4_000, fn -> Client.echo(&1, @payload) end)
  defp load!("pipelined"), do: &Clock.repeat(20, fn -> Client.start_and_await(&1, 1_000) end)

  defp load!("callers") do
    &Callers.measure(64, 20_000, nil, fn -> Client.echo(&1, @payload) end)
  end

  defp load!("payload") do
    payload = :binary.copy("x", 1_048_576)
    &Clock.repeat(50, fn -> Client.echo(&1, payload) end)
  end

  defp load!("streams") do
    &Clock.repeat(5, fn -> &1 |> PortWorker.stream("range", [1, 50_000]) |> Enum.count() end)
  end

  defp load!(other) do
    IO.puts(:stderr, "expected roundtrip, callers, pipelined, payload or streams, got #{other}")
    System.halt(2)
  end
end
