defmodule PortWorker.Diagnostics do
  @moduledoc """
  What is known of a running worker: its state, its tasks, and what it spends time and memory on. `PortWorker` has all of
  these functions, too.

  `docs/debugging.md` says which of them shows what. What is to be watched all the time are the events of `PortWorker.Telemetry`.
  """

  alias PortWorker.{Error, Options, Profile}

  @typedoc "What a profile shows, see `profile/3`."
  @type profile_kind :: :cpu | :heap | :allocs | :goroutine | :block | :mutex

  @typedoc """
  Where a task is: its function, the `:name` of its call or `""`, milliseconds since it was accepted, whether its handler runs on
  after the task has ended, and the stack of its goroutine.
  """
  @type task_stack :: %{
          function: String.t(),
          task: String.t(),
          running: non_neg_integer(),
          abandoned: boolean(),
          stack: String.t()
        }

  @doc """
  What is known of the worker, as a map.

    * `:state` - `:starting`, `:up`, `:down`, or `:draining` while it is being replaced
    * `:os_pid`, `:name`, `:version` - as the OS process said in its hello; `nil` while there is none
    * `:restarts` - how often it was brought back
    * `:in_flight` - calls that were sent and not answered yet
    * `:error` - why it is down, or `nil`
    * `:stats` - with the option `stats: true`, what the worker counts itself, of each function under `:functions`; `nil` if
      it cannot be asked
    * `:workers` - with a `:size` of more than one: the same of each OS process, with what calls address it by as `:worker`. For all
      together the state is `:up` while one of them is, `:restarts` and `:in_flight` are sums, `:os_pid` is `nil`, and
      there are no `:stats`

  Exits, as `GenServer.call/3` does, when there is no such worker.

      iex> PortWorker.status(MyApp.Go).state
      :up
  """
  @spec status(PortWorker.worker(), stats: boolean()) :: map()
  def status(worker, opts \\ []) do
    status = GenServer.call(worker, :status)
    if Keyword.get(opts, :stats, false), do: with_stats(status, worker), else: status
  end

  defp with_stats(%{workers: workers} = status, _worker) do
    %{status | workers: Enum.map(workers, &with_stats(&1, &1.worker))}
  end

  defp with_stats(status, worker), do: Map.put(status, :stats, stats(worker))

  defp stats(worker) do
    case PortWorker.run(worker, "$stats") do
      {:ok, stats} -> stats
      {:error, _error} -> nil
    end
  end

  @doc """
  The last 100 tasks of the worker that ended, the latest first.

  Each is a map with `:function`, `:task` (the `:name` of the call), `:outcome` (`"ok"`, or the reason of its error), `:duration` in
  milliseconds, `:attempts` and `:lane`.

      iex> PortWorker.run(MyApp.Go, "upcase", ["hello"], name: "greeting")
      iex> {:ok, [latest | _]} = PortWorker.history(MyApp.Go)
      iex> {latest.function, latest.task, latest.outcome}
      {"upcase", "greeting", "ok"}
  """
  @spec history(PortWorker.worker()) :: {:ok, [map()]} | {:error, Error.t()}
  def history(worker), do: PortWorker.run(worker, "$history")

  @doc """
  Where each running task of the worker is now: its goroutine's stack, as Go prints it.

  Tasks that wait in a lane have none, and handlers that outlived their tasks are among them, with `abandoned: true`. To gather the stacks
  stops the worker for a moment, longer the more goroutines it has.

      iex> {:ok, channel} = PortWorker.open(MyApp.Go, "stateful_worker", [], name: "game 7")
      iex> PortWorker.send(channel, :get_current)
      iex> PortWorker.recv(channel)
      iex> {:ok, [stack]} = PortWorker.stacks(MyApp.Go)
      iex> {stack.function, stack.task, stack.abandoned, stack.stack =~ "goroutine"}
      {"stateful_worker", "game 7", false, true}
  """
  @spec stacks(PortWorker.worker()) :: {:ok, [task_stack()]} | {:error, Error.t()}
  def stacks(worker), do: PortWorker.run(worker, "$stacks")

  @doc """
  Takes a profile of the worker, for `go tool pprof`.

    * `:cpu` - who computes
    * `:heap`, `:allocs` - what is alive; what was ever allocated
    * `:goroutine` - where every goroutine is, counted
    * `:block`, `:mutex` - who waits for channels and for locks

  `:cpu`, `:block` and `:mutex` are taken over a time, the others at once. In place of the options stands the
  `:duration` alone:

      PortWorker.profile(MyApp.Go, :cpu, 5_000)
      PortWorker.profile(MyApp.Go, :cpu, duration: 5_000, file: "cpu.pprof")

      iex> {:ok, gzipped} = PortWorker.profile(MyApp.Go, :heap)
      iex> :zlib.gunzip(gzipped) =~ "inuse_space"
      true

  Samples are labelled with `function`, with `task` where the call has a `:name`, and of tasks that begin meanwhile with
  `caller`, the pid that called: `go tool pprof -tags cpu.pprof` counts them. The profile comes through the port, and the call ends by
  itself some seconds after its duration. It is an error with the reason `:overloaded` while another of these three is taken,
  and `:failed` when the file cannot be written.

  #{Options.docs(:profile)}
  """
  @spec profile(PortWorker.worker(), profile_kind(), pos_integer() | keyword()) ::
          {:ok, binary()} | {:error, Error.t()}
  def profile(worker, kind, ms_or_opts \\ []), do: Profile.take(worker, kind, ms_or_opts)

  @doc """
  The functions of the worker, as it described them in its hello.

  Each is a map with `:name`, `:kind`, `:args`, `:result`, `:doc` and `:lane`, and `:progress` where it says what it
  reports. The list is empty while the worker is down.

      iex> functions = PortWorker.functions(MyApp.Go)
      iex> Enum.find(functions, &(&1.name == "upcase")).kind
      :function
  """
  @spec functions(PortWorker.worker()) :: [map()]
  def functions(worker), do: GenServer.call(worker, :functions)
end
