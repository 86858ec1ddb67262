defmodule Bench.Program do
  @moduledoc """
  The programs that are compared, each at a bare port: no client, no supervision.

    * `:echo` - a C program that sends every packet back
    * `:stream` - a C program that writes the packets of a stream of binaries
    * `:portworker` - the ready worker
    * `:worker` - a worker with functions that only benchmarks need
  """

  alias Bench.Proc

  @bin Path.expand("../../../bin", __DIR__)
  @files %{
    echo: "bench-echo",
    stream: "bench-stream",
    portworker: "portworker",
    worker: "bench-worker"
  }

  @type name :: :echo | :stream | :portworker | :worker

  @doc "The executable."
  @spec path(name()) :: Path.t()
  def path(name), do: Path.join(@bin, Map.fetch!(@files, name))

  @doc "What `fun` returns, given a port of the program's, which has ended before this returns."
  @spec with_port(name(), keyword(), (port() -> result)) :: result when result: term()
  def with_port(name, options \\ [], fun) do
    port = open(name, options)
    result = fun.(port)
    close(port)
    result
  end

  @doc "Starts the program, with `:args` and `:env` as `Port.open/2` has them."
  @spec open(name(), keyword()) :: port()
  def open(name, options \\ []) do
    Port.open({:spawn_executable, path(name)}, [{:packet, 4}, :binary | options])
  end

  @doc "Closes the port, and returns when the program is gone: it is not to disturb the next."
  @spec close(port()) :: :ok
  def close(port) do
    os_pid = os_pid(port)
    Port.close(port)
    Proc.await_end(os_pid)
  end

  @doc "The program's OS process."
  @spec os_pid(port()) :: Proc.os_pid()
  def os_pid(port) do
    {:os_pid, os_pid} = Port.info(port, :os_pid)
    os_pid
  end
end
