defmodule Bench.Clock do
  @moduledoc "Times what is measured."

  @doc "Seconds that `fun` takes."
  @spec seconds((() -> term())) :: float()
  def seconds(fun) do
    start = System.monotonic_time()
    fun.()
    since(start, 1.0e9)
  end

  @doc "Microseconds that each of `count` calls of `fun` takes. It is given 1 to `count`."
  @spec each(pos_integer(), (pos_integer() -> term())) :: [float()]
  def each(count, fun) do
    for i <- 1..count do
      start = System.monotonic_time()
      fun.(i)
      since(start, 1.0e3)
    end
  end

  defp since(start, nanoseconds) do
    System.convert_time_unit(System.monotonic_time() - start, :native, :nanosecond) / nanoseconds
  end
end
