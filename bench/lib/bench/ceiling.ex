defmodule Bench.Ceiling do
  @moduledoc "What the BEAM itself takes for a call that leaves no process of it: nothing beyond it can be faster."

  alias Bench.{Callers, Clock, Statistics}

  @payload <<0::128>>

  defmodule Echo do
    @moduledoc false
    use GenServer

    @impl true
    def init(nothing), do: {:ok, nothing}

    @impl true
    def handle_call(payload, _from, state), do: {:reply, payload, state}
  end

  @doc "Latencies of `GenServer.call/2`, one at a time."
  @spec calls(pos_integer()) :: map()
  def calls(count) do
    {:ok, server} = GenServer.start_link(Echo, nil)
    count |> Clock.each(fn _ -> GenServer.call(server, @payload) end) |> Statistics.latencies()
  end

  @doc "Latencies of `Task.async/1` with `Task.await/1`, one at a time."
  @spec tasks(pos_integer()) :: map()
  def tasks(count) do
    count
    |> Clock.each(fn _ -> fn -> @payload end |> Task.async() |> Task.await() end)
    |> Statistics.latencies()
  end

  @doc "`GenServer.call/2` a second, by `count` processes."
  @spec callers(pos_integer(), pos_integer()) :: map()
  def callers(count, calls) do
    {:ok, server} = GenServer.start_link(Echo, nil)
    Callers.measure(count, calls, nil, fn -> GenServer.call(server, @payload) end)
  end

  @doc "Tasks a second with `count` of them started before the first is awaited."
  @spec many_tasks(pos_integer(), pos_integer()) :: map()
  def many_tasks(count, times) do
    seconds =
      Clock.seconds(times, fn ->
        tasks = for _ <- 1..count, do: Task.async(fn -> @payload end)
        Enum.each(tasks, &Task.await/1)
      end)

    %{rate: count * times / seconds}
  end
end
