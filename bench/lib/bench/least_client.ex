defmodule Bench.LeastClient do
  @moduledoc """
  The least that a client is whose callers share a worker: one process owns the port, writes what callers
  send it, as many calls as wait in one packet, and passes each answer on to whoever has made that call. It knows neither errors nor
  deadlines nor deaths, so that no client can do with less.
  """

  alias Bench.{BareWorker, Callers, Clock, Program}

  @payload <<0::128>>

  # As many calls as the client puts into one packet.
  @batch 64

  @doc "Latencies of `count` calls of `echo`, one at a time."
  @spec round_trips(pos_integer()) :: map()
  def round_trips(count) do
    with_client(fn client, _os_pid ->
      Clock.latencies(count, fn _ -> call(client) end)
    end)
  end

  @doc "Calls a second of `count` processes that make them one after the other."
  @spec callers(pos_integer(), pos_integer()) :: map()
  def callers(count, calls) do
    with_client(fn client, os_pid ->
      Callers.measure(count, calls, os_pid, fn -> call(client) end)
    end)
  end

  @doc "Calls a second with `count` of them made before the first is waited for."
  @spec pipelined(pos_integer(), pos_integer()) :: map()
  def pipelined(count, times) do
    with_client(fn client, _os_pid ->
      Clock.rate(count, times, fn -> start_and_wait(client, count) end)
    end)
  end

  defp start_and_wait(client, count) do
    refs = for _ <- 1..count, do: start(client)
    for ref <- refs, do: receive(do: ({^ref, @payload} -> :ok))
  end

  defp call(client) do
    ref = start(client)
    receive do: ({^ref, @payload} -> :ok)
  end

  defp start({owner, numbers}) do
    number = :atomics.add_get(numbers, 1, 1)
    <<131, call::binary>> = :erlang.term_to_binary({:call, number, "echo", [@payload]})
    ref = make_ref()
    send(owner, {:call, number, {self(), ref}, call})
    ref
  end

  defp with_client(fun) do
    test = self()
    owner = spawn_link(fn -> own(test) end)
    os_pid = receive do: ({^owner, os_pid} -> os_pid)
    result = fun.({owner, :atomics.new(1, [])}, os_pid)
    send(owner, :close)
    receive do: ({^owner, :closed} -> result)
  end

  defp own(test) do
    BareWorker.with_worker(fn port ->
      send(test, {self(), Program.os_pid(port)})
      loop(port)
    end)

    send(test, {self(), :closed})
  end

  defp loop(port) do
    receive do
      {:call, number, to, call} ->
        Process.put(number, to)
        gather(port, [call], 1)
        loop(port)

      {^port, {:data, packet}} ->
        packet |> :erlang.binary_to_term() |> List.wrap() |> Enum.each(&answer/1)
        loop(port)

      :close ->
        :ok
    end
  end

  defp gather(port, calls, @batch), do: write(port, calls, @batch)

  defp gather(port, calls, count) do
    receive do
      {:call, number, to, call} ->
        Process.put(number, to)
        gather(port, [call | calls], count + 1)
    after
      0 -> write(port, calls, count)
    end
  end

  defp write(port, [call], 1), do: Port.command(port, [131 | call])

  defp write(port, calls, count) do
    Port.command(port, [<<131, 108, count::32>> | :lists.reverse(calls, [106])])
  end

  defp answer({:result, number, {:ok, payload}}) do
    {pid, ref} = Process.delete(number)
    send(pid, {ref, payload})
  end
end
