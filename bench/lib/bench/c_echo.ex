defmodule Bench.CEcho do
  @moduledoc """
  The C program that sends packets back, driven with as little as Erlang allows: bare
  `Port.command/2` and `receive`.
  """

  alias Bench.{Callers, Clock, Program, Relay}

  @payload <<0::128>>

  @doc "Latencies of `count` round trips, one at a time; with `poll` the program does not sleep."
  @spec round_trips(pos_integer(), :small | :poll) :: map()
  def round_trips(count, mode \\ :small) do
    with_echo(mode, fn port ->
      Clock.latencies(count, fn _ -> echo(port, @payload) end)
    end)
  end

  @doc "Round trips a second, one at a time."
  @spec round_trip_rate(pos_integer()) :: float()
  def round_trip_rate(count) do
    with_answer(fn port -> count / Clock.seconds(count, fn -> echo(port, @payload) end) end)
  end

  @doc "What `fun` returns, given the port of a program that has answered once."
  @spec with_answer((port() -> result)) :: result when result: term()
  def with_answer(fun) do
    with_echo(:small, fn port ->
      echo(port, @payload)
      fun.(port)
    end)
  end

  @doc "Megabytes a second of `count` packets of `size` bytes, one at a time; `large` enlarges the pipes."
  @spec payload(pos_integer(), non_neg_integer(), :small | :large) :: map()
  def payload(count, size, pipes) do
    with_echo(pipes, fn port ->
      payload = :binary.copy("x", size)
      echo(port, payload)
      seconds = Clock.seconds(count, fn -> echo(port, payload) end)
      %{rate: count * size / seconds / 1.0e6}
    end)
  end

  @doc "Packets a second with `outstanding` of them written before the first answer is read."
  @spec pipelined(pos_integer(), pos_integer()) :: map()
  def pipelined(outstanding, times) do
    with_echo(:small, fn port ->
      Clock.rate(outstanding, times, fn -> pipeline(port, outstanding) end)
    end)
  end

  defp pipeline(port, count) do
    Clock.repeat(count, fn -> Port.command(port, @payload) end)
    Clock.repeat(count, fn -> receive(do: ({^port, {:data, <<_::128>>}} -> :ok)) end)
  end

  @doc """
  Calls a second of `count` processes that write to the port themselves. One process receives, and
  passes each answer on to the address in it: the caller's pid, or an alias that it makes for each call
  so that no late answer reaches it.
  """
  @spec callers(pos_integer(), pos_integer(), :pid | :alias) :: map()
  def callers(count, calls, address) do
    with_echo(:small, fn port ->
      Relay.run(port, &[:erlang.binary_to_term(&1)], fn ->
        Callers.measure(count, calls, Program.os_pid(port), fn -> call(port, address) end)
      end)
    end)
  end

  defp call(port, :pid), do: call_back(port, self())
  defp call(port, :alias), do: call_back(port, :erlang.alias([:reply]))

  defp call_back(port, to) do
    Port.command(port, :erlang.term_to_binary({to, @payload}))
    receive do: ({^to, payload} -> payload)
  end

  defp with_echo(:small, fun), do: Program.with_port(:echo, fun)
  defp with_echo(mode, fun), do: Program.with_port(:echo, [args: [to_string(mode)]], fun)

  defp echo(port, payload) do
    Port.command(port, payload)
    receive do: ({^port, {:data, data}} -> data)
  end
end
