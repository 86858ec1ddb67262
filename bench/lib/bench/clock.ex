defmodule Bench.Clock do
  @moduledoc "Times what is measured."

  alias Bench.Statistics

  @doc "Seconds that `times` calls of `fun` take. What they return is not kept, which would cost memory."
  @spec seconds(pos_integer(), (() -> term())) :: float()
  def seconds(times \\ 1, fun) do
    start = System.monotonic_time()
    repeat(times, fun)
    since(start)
  end

  @doc "Calls `fun` so many times."
  @spec repeat(non_neg_integer(), (() -> term())) :: :ok
  def repeat(0, _fun), do: :ok

  def repeat(times, fun) do
    fun.()
    repeat(times - 1, fun)
  end

  @doc "Microseconds that each of `count` calls of `fun` takes. It is given 1 to `count`."
  @spec each(pos_integer(), (pos_integer() -> term())) :: [float()]
  def each(count, fun) do
    for i <- 1..count do
      start = System.monotonic_time()
      fun.(i)
      since(start) * 1.0e6
    end
  end

  @doc "Half and one in a hundred of what `count` such calls take, after a tenth as many that are not counted."
  @spec latencies(pos_integer(), (pos_integer() -> term())) :: %{p50: number(), p99: number()}
  def latencies(count, fun) do
    each(div(count, 10), fun)
    count |> each(fun) |> Statistics.latencies()
  end

  @doc "What `fun`, which makes `count` calls, does of them in a second, `times` over, after one that is not counted."
  @spec rate(pos_integer(), pos_integer(), (() -> term())) :: %{rate: float()}
  def rate(count, times, fun) do
    fun.()
    %{rate: count * times / seconds(times, fun)}
  end

  @doc "Seconds since `start`, which is a `System.monotonic_time/0`."
  @spec since(integer()) :: float()
  def since(start) do
    System.convert_time_unit(System.monotonic_time() - start, :native, :nanosecond) / 1.0e9
  end
end
