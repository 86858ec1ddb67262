defmodule Bench.BareWorker do
  @moduledoc """
  A worker at a bare port: its own cost, without the client's. Messages are made and read with OTP's
  `term_to_binary` and `binary_to_term`.
  """

  alias Bench.{Callers, Clock, Program, Relay}

  @payload <<0::128>>

  # As many calls as the client puts into one packet.
  @batch 64

  @doc "What `fun` returns, given the port of a worker that has said hello."
  @spec with_worker(Program.name(), keyword(), (port() -> result)) :: result when result: term()
  def with_worker(name \\ :portworker, config \\ [], fun) do
    Program.with_port(name, fn port ->
      say(port, {:hello, %{config: Map.new(config)}})
      [{:hello, %{protocol: 1}}] = hear(port)
      fun.(port)
    end)
  end

  @doc "Latencies of `count` calls of `echo`, one at a time."
  @spec round_trips(pos_integer(), keyword()) :: map()
  def round_trips(count, config \\ []) do
    with_worker(:portworker, config, fn port ->
      Clock.latencies(count, &echo(port, &1, @payload))
    end)
  end

  @doc "Megabytes a second of `count` echoes of `size` bytes, one at a time."
  @spec payload(pos_integer(), non_neg_integer()) :: map()
  def payload(count, size) do
    with_worker(fn port ->
      payload = :binary.copy("x", size)
      echo(port, 0, payload)
      seconds = Clock.seconds(count, fn -> echo(port, 0, payload) end)
      %{rate: count * size / seconds / 1.0e6}
    end)
  end

  @doc "Calls a second with `outstanding` of them written, in packets of `batch`, before the first result is read."
  @spec pipelined(pos_integer(), pos_integer(), pos_integer()) :: map()
  def pipelined(outstanding, times, batch \\ @batch) do
    with_worker(fn port ->
      Clock.rate(outstanding, times, fn -> pipeline(port, outstanding, batch) end)
    end)
  end

  defp pipeline(port, count, batch) do
    1..count
    |> Enum.map(&{:call, &1, "echo", [@payload]})
    |> Enum.chunk_every(batch)
    |> Enum.each(&say(port, &1))

    results(port, count)
  end

  defp results(_port, 0), do: :ok

  defp results(port, left) do
    messages = hear(port)
    Enum.each(messages, fn {:result, _ref, {:ok, @payload}} -> :ok end)
    results(port, left - length(messages))
  end

  @doc "Calls a second of `count` processes that write to the port themselves, each with an alias as the ref."
  @spec callers(pos_integer(), pos_integer()) :: map()
  def callers(count, calls) do
    with_worker(fn port ->
      Relay.run(port, &results/1, fn ->
        Callers.measure(count, calls, Program.os_pid(port), fn -> call(port) end)
      end)
    end)
  end

  defp call(port) do
    ref = :erlang.alias([:reply])
    say(port, {:call, ref, "echo", [@payload]})
    receive do: ({^ref, {:ok, @payload}} -> :ok)
  end

  defp results(packet) do
    for {:result, ref, result} <- messages(packet), do: {ref, result}
  end

  @doc "Writes a message, or a list of them, as one packet."
  @spec say(port(), term()) :: true
  def say(port, message), do: Port.command(port, :erlang.term_to_binary(message))

  @doc "The messages of the next packet."
  @spec hear(port()) :: [tuple()]
  def hear(port) do
    receive do
      {^port, {:data, packet}} -> messages(packet)
    end
  end

  defp messages(packet), do: packet |> :erlang.binary_to_term() |> List.wrap()

  @doc "One call of `echo`."
  @spec echo(port(), integer(), binary()) :: [tuple()]
  def echo(port, ref, payload) do
    say(port, {:call, ref, "echo", [payload]})
    [{:result, ^ref, {:ok, _same}}] = hear(port)
  end
end
