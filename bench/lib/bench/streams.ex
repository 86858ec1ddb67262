defmodule Bench.Streams do
  @moduledoc "Streams and channels of a worker at a bare port, and a C program that writes a stream's packets."

  import Bench.BareWorker, only: [with_worker: 2, say: 2, hear: 1]

  alias Bench.{Clock, Program}

  # Elements that may be on their way; half of them are granted anew when half have come.
  @credit 10_000

  @doc "Megabytes a second of a worker's stream of binaries, from the call to its result."
  @spec binaries(pos_integer(), pos_integer()) :: map()
  def binaries(count, size) do
    with_worker(:worker, fn port ->
      seconds =
        Clock.seconds(fn ->
          say(port, {:call, 1, "blobs", [count, size], %{credit: count}})
          elements(port, count)
        end)

      %{rate: count * size / seconds / 1.0e6}
    end)
  end

  @doc """
  The same of a C program that writes those packets and knows nothing of calls, credit or cancelling. Its start is part
  of the time, since it does not wait to be asked.
  """
  @spec c_binaries(pos_integer(), pos_integer()) :: map()
  def c_binaries(count, size) do
    start = System.monotonic_time()
    port = Program.open(:stream, args: Enum.map([count, size], &Integer.to_string/1))
    elements(port, count)
    seconds = Clock.since(start)
    Program.close(port)
    %{rate: count * size / seconds / 1.0e6}
  end

  @doc "Small integers a second, decoded and counted."
  @spec integers(pos_integer()) :: map()
  def integers(count) do
    with_worker(:worker, fn port ->
      seconds =
        Clock.seconds(fn ->
          say(port, {:call, 1, "integers", [count], %{credit: @credit}})
          granted_elements(port, count, @credit)
        end)

      %{rate: count / seconds}
    end)
  end

  @doc "The same into `Enum.count/1`, through the client."
  @spec client_integers(pos_integer()) :: map()
  def client_integers(count) do
    Bench.Client.with_worker(:worker, fn worker ->
      seconds =
        Clock.seconds(fn ->
          ^count = worker |> PortWorker.stream("integers", [count]) |> Enum.count()
        end)

      %{rate: count / seconds}
    end)
  end

  @doc "Round trips a second through a channel that sends back what it gets, one at a time."
  @spec round_trips(pos_integer()) :: map()
  def round_trips(count) do
    with_worker(:worker, fn port ->
      say(port, {:call, 1, "mirror", [], %{credit: 2 * count}})
      Clock.repeat(div(count, 10), fn -> mirror(port) end)
      %{rate: count / Clock.seconds(count, fn -> mirror(port) end)}
    end)
  end

  defp mirror(port) do
    say(port, {:send, 1, 7})
    [{:data, 1, [7]}] = hear(port)
  end

  @doc "The same through the client."
  @spec client_round_trips(pos_integer()) :: map()
  def client_round_trips(count) do
    Bench.Client.with_worker(:worker, fn worker ->
      {:ok, channel} = PortWorker.open(worker, "mirror", [])
      Clock.repeat(div(count, 10), fn -> client_mirror(channel) end)
      seconds = Clock.seconds(count, fn -> client_mirror(channel) end)
      PortWorker.close(channel)
      %{rate: count / seconds}
    end)
  end

  defp client_mirror(channel) do
    :ok = PortWorker.send(channel, 7)
    {:ok, 7} = PortWorker.recv(channel)
  end

  # The elements and nothing after them: the C program sends no result.
  defp elements(_port, 0), do: :ok
  defp elements(port, left), do: elements(port, left - count(hear(port)))

  defp granted_elements(_port, left, _open) when left <= 0, do: :ok

  defp granted_elements(port, left, open) when open < div(@credit, 2) do
    say(port, {:credit, 1, div(@credit, 2)})
    granted_elements(port, left, open + div(@credit, 2))
  end

  defp granted_elements(port, left, open) do
    received = count(hear(port))
    granted_elements(port, left - received, open - received)
  end

  defp count(messages), do: messages |> Enum.map(&count_message/1) |> Enum.sum()

  defp count_message({:data, 1, elements}), do: length(elements)
  defp count_message({:result, 1, {:ok, _}}), do: 0
end
