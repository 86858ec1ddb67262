defmodule PortWorker.TestWorker do
  @moduledoc """
  The Go worker in `test/support/go`, with a function for each thing the client has to cope with.
  """

  alias PortWorker.Pending

  @root Path.expand("../../..", __DIR__)
  @path Path.expand("../../_build/test_worker", __DIR__)

  @doc "Builds the worker. Go's own cache makes that quick."
  def build! do
    args = ["build", "-buildvcs=false", "-o", @path, "./elixir_client/test/support/go"]
    env = [{"CGO_ENABLED", "0"}]

    case System.cmd("go", args, cd: @root, env: env, stderr_to_stdout: true) do
      {_output, 0} -> :ok
      {output, status} -> raise "go build of the tests' worker: status #{status}\n\n#{output}"
    end
  end

  @doc "The path of the worker that was built."
  def path, do: @path

  @doc "How many tasks run on the worker, the one that asks not counted."
  def running(worker), do: PortWorker.status(worker, stats: true).stats.running - 1

  @doc "Returns when `fun` is true; the test's own time is the limit."
  def retry(fun), do: fun.() || retry(fun)

  @doc "What the worker's connection still knows of calls, and the processes it watches."
  def remembered(worker) do
    {:ok, %{connection: connection}} = PortWorker.Routes.fetch(worker)
    %{session: session, callbacks: callbacks, pending: pending} = :sys.get_state(connection)

    [dictionary: dictionary, monitors: monitors] =
      Process.info(connection, [:dictionary, :monitors])

    watched = for {:process, process} <- monitors, do: process
    calls = for {id, _to} when is_integer(id) <- dictionary, do: id
    tasks = Map.keys(session.tasks) ++ Pending.all(pending) ++ calls
    {tasks, Map.keys(callbacks.running), Map.keys(callbacks.tasks), watched}
  end

  @doc "The process that writes for a connection when the pipe is full."
  def writer(connection), do: :sys.get_state(connection).writer.stalled

  @doc "What is left in the calling process: its messages and its monitors."
  def leftovers do
    [messages: messages, monitors: monitors] = Process.info(self(), [:messages, :monitors])
    messages ++ monitors
  end
end
