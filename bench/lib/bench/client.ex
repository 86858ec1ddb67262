defmodule Bench.Client do
  @moduledoc "A worker as users have it: behind the Elixir client."

  alias Bench.{Callers, Clock, Program}

  @payload <<0::128>>

  @doc "What `fun` returns, given a worker that runs."
  @spec with_worker(Program.name(), keyword(), (PortWorker.worker() -> result)) :: result
        when result: term()
  def with_worker(name \\ :portworker, options \\ [], fun) do
    {:ok, worker} =
      PortWorker.start_link([command: Program.path(name), name: __MODULE__] ++ options)

    result = fun.(__MODULE__)
    PortWorker.stop(worker)
    result
  end

  @doc "Latencies of `count` calls of `echo`, one at a time."
  @spec round_trips(pos_integer(), keyword()) :: map()
  def round_trips(count, options \\ []) do
    with_worker(:portworker, options, fn worker ->
      Clock.latencies(count, fn _ -> echo(worker, @payload) end)
    end)
  end

  @doc "Megabytes a second of `count` echoes of `size` bytes, one at a time."
  @spec payload(pos_integer(), non_neg_integer()) :: map()
  def payload(count, size) do
    with_worker(fn worker ->
      payload = :binary.copy("x", size)
      echo(worker, payload)
      seconds = Clock.seconds(count, fn -> echo(worker, payload) end)
      %{rate: count * size / seconds / 1.0e6}
    end)
  end

  @doc "Calls a second of `count` processes that make them one after the other."
  @spec callers(pos_integer(), pos_integer()) :: map()
  def callers(count, calls) do
    with_worker(fn worker ->
      Callers.measure(count, calls, os_pid(worker), fn -> echo(worker, @payload) end)
    end)
  end

  @doc "Tasks a second with `count` of them started before the first is awaited."
  @spec tasks(pos_integer(), pos_integer()) :: map()
  def tasks(count, times) do
    with_worker(fn worker ->
      Clock.rate(count, times, fn -> start_and_await(worker, count) end)
    end)
  end

  @doc "Starts `count` tasks and then awaits each."
  @spec start_and_await(PortWorker.worker(), pos_integer()) :: :ok
  def start_and_await(worker, count) do
    tasks = for _ <- 1..count, do: PortWorker.start_task(worker, "echo", [@payload])
    for task <- tasks, do: {:ok, @payload} = PortWorker.await(task)
    :ok
  end

  @doc "One call of `echo`."
  @spec echo(PortWorker.worker(), binary()) :: {:ok, binary()}
  def echo(worker, payload), do: {:ok, _same} = PortWorker.run(worker, "echo", [payload])

  @doc "The worker's OS process."
  @spec os_pid(PortWorker.worker()) :: Bench.Proc.os_pid()
  def os_pid(worker) do
    %{os_pid: os_pid} = PortWorker.status(worker)
    os_pid
  end
end
