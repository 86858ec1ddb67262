# Says what Elixir's own Stream and Enum make of a list, for the laws of the same names. Reads a case a line, `{op, list,
# k}` in Elixir's notation, and answers each with a line, in that notation too.
defmodule Oracle do
  def value({:map, xs, k}), do: Stream.map(xs, &(2 * &1 + k))
  def value({:filter, xs, k}), do: Stream.filter(xs, &(rem(&1, k + 1) == 0))
  def value({:filter_map, xs, k}), do: for(x <- xs, x > k, do: x * 10)
  def value({:inspect, xs, _}), do: Stream.each(xs, fn _ -> :ok end)
  def value({:scan, xs, k}), do: Stream.scan(xs, k, &+/2)
  def value({:dedup, xs, _}), do: Stream.dedup(xs)
  def value({:dedup_by, xs, k}), do: Stream.dedup_by(xs, &div(&1, k + 1))
  def value({:take, xs, k}), do: Stream.take(xs, k)
  def value({:skip, xs, k}), do: Stream.drop(xs, k)
  def value({:take_while, xs, k}), do: Stream.take_while(xs, &(&1 < k + 3))
  def value({:skip_while, xs, k}), do: Stream.drop_while(xs, &(&1 < k + 3))
  def value({:chain, xs, k}), do: Stream.concat([xs, up_to(k), xs])
  def value({:flatten, xs, k}), do: Stream.flat_map(xs, &List.duplicate(&1, rem(&1, k + 1)))
  def value({:zip, xs, k}), do: Stream.zip(xs, up_to(k))
  def value({:enumerate, xs, _}), do: Stream.with_index(xs)
  def value({:chunks, xs, k}), do: Stream.chunk_every(xs, k + 1)
  def value({:windows, xs, k}), do: Stream.chunk_every(xs, k + 1, 1, :discard)
  def value({:unfold, xs, k}), do: Stream.unfold(length(xs), &if(&1 > 0, do: {&1 * k, &1 - 1}))
  def value({:repeat_n, xs, k}), do: Stream.cycle([length(xs)]) |> Stream.take(k)

  def value({:collect, xs, _}), do: Enum.to_list(xs)
  def value({:fold, xs, k}), do: Enum.reduce(xs, k, &(3 * &2 + &1))
  def value({:reduce, [], _}), do: nil
  def value({:reduce, xs, _}), do: Enum.reduce(xs, &(3 * &2 + &1))
  def value({:find, xs, k}), do: Enum.find(xs, &(&1 > k))
  def value({:any, xs, k}), do: Enum.any?(xs, &(&1 > k))
  def value({:all, xs, k}), do: Enum.all?(xs, &(&1 > k))
  def value({:count, xs, _}), do: Enum.count(xs)
  def value({:last, xs, _}), do: List.last(xs)
  def value({:nth, xs, k}), do: Enum.at(xs, k)
  def value({:position, xs, k}), do: Enum.find_index(xs, &(&1 > k))

  def answer(line) do
    {operation, _} = Code.eval_string(line)
    operation |> value() |> plain() |> inspect(limit: :infinity, width: :infinity, charlists: :as_lists)
  end

  defp up_to(0), do: []
  defp up_to(k), do: Enum.to_list(0..(k - 1))

  # A stream is a struct or a function.
  defp plain(%Stream{} = stream), do: Enum.to_list(stream)
  defp plain(stream) when is_function(stream), do: Enum.to_list(stream)
  defp plain(value), do: value
end

for line <- IO.stream(:stdio, :line), do: IO.puts(Oracle.answer(line))
