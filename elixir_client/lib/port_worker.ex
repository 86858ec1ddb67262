defmodule PortWorker do
  @moduledoc """
  Runs Go functions in an OS process of their own, supervised by the BEAM.

  A *worker* is a Go program that registers functions and speaks to the BEAM through a port. Put it into
  the supervision tree, under a name:

      children = [
        {PortWorker, name: MyApp.Go, command: {:my_app, "portworker"}}
      ]

  and call it:

      PortWorker.run(MyApp.Go, "file.digest", ["/etc/hosts", "sha256"])
      #=> {:ok, %{algorithm: "sha256", bytes: 220, digest: "8a1b..."}}

  The work runs as a goroutine over there. It is stopped when its time is up, when it is cancelled, and
  when the process that asked for it dies. A crash, a leak or a busy loop in it cannot harm the VM: the
  OS process is started anew, and everybody who waited gets an error.

  ## Which function to use

  | to | use |
  | --- | --- |
  | call and wait | `run/4`, `run!/4` |
  | call with a progress report | `run/4` with `:on_progress` |
  | call and go on, in the manner of `Task` | `async/4`, which gives a real `Task` |
  | call and go on, cheaply and from a `GenServer` | `start_task/4`, then `await/2`, `yield/2`, or messages: `PortWorker.Async` |
  | call without waiting for anything | `cast/4` |
  | stop one call | `cancel/1` |
  | consume many results lazily, as they are made | `stream/4` |
  | call with each element of an enumerable | `async_stream/4` |
  | make many calls that begin and end together | `group/3`, `join_all/3`, `try_join_all/3`, `async_map/4` |
  | the first of several to end, or to succeed | `race/3`, `select_all/3`, `try_first/3` |
  | spread work over the processors | `parallel_map/4`, `parallel_reduce/5` |
  | chain functions without fetching what is between them | `PortWorker.Pipeline` |
  | send and receive while the function runs | `open/4`, then `send/2`, `recv/2`, or messages: `PortWorker.Channel` |

  ## Demand and the window

  A worker sends elements of a stream and outputs of a channel only when they were asked for, and all it says within a
  window of bytes. So nothing overflows, here or there, when one side is slower than the other:

    * `:demand` of `stream/4` and `open/4` counts elements. It bounds what waits in the mailbox of the consumer: it is
      best small where elements are large
    * `:window` of `start_link/1` counts bytes, of all tasks together. It bounds what waits in the mailbox of the connection
    * a channel takes 64 inputs ahead of its function; `send/2` waits when it has them

  ## Calls back into the BEAM

  A handler may call functions of this node. They are given where the worker is started, by name, and nothing else can be called:

      {PortWorker, name: MyApp.Go, command: {:my_app, "portworker"},
        callbacks: %{"user" => &MyApp.Users.get/1, "price" => {MyApp.Shop, :price}}}

  or as a module, all of whose exported functions are meant. Each call back runs in a process of its own. It has the
  `$callers` and the `Logger` metadata of the process that made the call over there, so that Ecto's sandbox and Mox know whom
  it belongs to. It may call the worker again, to any depth. It is killed when the task that asked ends or its time is up. An
  exception, a throw or an exit in it is an error in Go, with its stacktrace.

  A handler may also send messages to any process it has the pid, an alias or the registered name of.

  ## What travels along

  A call takes its `:meta` with it, a map of strings: trace context, say. It goes to the tasks that the function leads to
  and to calls back into the BEAM, where `meta/0` returns it. What those call in turn has it as well, and no more time than
  the call at the beginning has left, but for `detach: true`, which outlives it. W3C's `"traceparent"` passes untouched in
  both directions, so that both sides report to one trace:

      PortWorker.run(MyApp.Go, "report", [id], meta: %{"traceparent" => traceparent})

  Of the `Logger` metadata of the caller those keys travel that the start option `:metadata` lists, under the same names:
  strings, atoms and numbers, as strings. In a call back they are `Logger` metadata again. Where several give a key, `:meta`
  wins over `Logger`, and that over what was inherited. `async/4` has the context of the process that calls it.

  ## Several OS processes

  With `size: n` a worker has several OS processes. Each call goes to one of them, by `:route` or by the `:key` of the call, and stays
  there; one that ends takes only its own calls with it, and is restarted by itself. When one of them fails more than
  `:max_restarts` times, all are stopped and the worker exits. `docs/pools.md` has the details.

  ## Errors

  Functions return `{:ok, value}` or `{:error, %PortWorker.Error{}}`, whose `:reason` says which of a
  closed list of things it was. What can only be a mistake in the program, an unknown option say, raises
  `ArgumentError`.

  ## Configuration

  Everything can be set where the worker is started, or in the configuration of the application:

      {PortWorker, name: MyApp.Go, otp_app: :my_app}

      config :my_app, MyApp.Go,
        command: {:my_app, "portworker"},
        max_running: 500,
        lanes: [cpu: 2]

  The application's environment is read at the start and again whenever the worker is restarted.

  #{PortWorker.Options.docs(:start)}

  These are for the worker; without them its flags, environment variables and defaults hold:

  #{PortWorker.Options.docs(:worker)}

  ## What the worker logs and prints

  Its `slog` records go to `Logger`, with their level; what it prints appears on the stderr of the VM. `docs/telemetry.md` says what is in
  a record, and who keeps the rest. What the client itself has to say in numbers, how long calls take and when workers come and go,
  are the events of `PortWorker.Telemetry`.
  """

  import Kernel, except: [send: 2]

  @doc "Gives the module a function for each of a worker's: see `PortWorker.Module`."
  defmacro __using__(opts), do: PortWorker.Module.quoted(opts, __CALLER__)

  alias PortWorker.{Async, AsyncStream, Call, Channel, Context, Diagnostics, Error, Group}
  alias PortWorker.{Options, Ref, Requests, Run, Server, Streams, Tasks}

  @typedoc """
  A running worker: its name, or the pid that `start_link/1` returned. For calls also one of its OS processes, where it has
  several: `{name, index}` with a local name, else `{pid, index}`, from 1.
  """
  @type worker ::
          atom()
          | pid()
          | {:global, term()}
          | {:via, module(), term()}
          | {atom() | pid(), pos_integer()}

  @typedoc "How a call ended."
  @type result :: {:ok, term()} | {:error, Error.t()}

  @typedoc "A call in a group."
  @type group_call ::
          {atom() | String.t(), args :: list()} | {atom() | String.t(), args :: list(), keyword()}

  @typedoc "What a profile shows, see `profile/3`."
  @type profile_kind :: Diagnostics.profile_kind()

  @typedoc "Where a task is, see `stacks/1`."
  @type task_stack :: Diagnostics.task_stack()

  @typedoc "What became of a task that was to be cancelled, see `cancel/2`."
  @type receipt :: Async.receipt()

  @doc """
  A specification to start a worker under a supervisor.

  It leaves the worker the time to drain. The id is the worker's name.

      iex> PortWorker.child_spec(name: MyApp.Images, command: "bin/portworker").id
      MyApp.Images
  """
  @spec child_spec(keyword()) :: Supervisor.child_spec()
  def child_spec(opts) do
    %{
      id: Keyword.get(opts, :name, __MODULE__),
      start: {__MODULE__, :start_link, [opts]},
      shutdown: opts |> Options.drain_timeout() |> Requests.longest_stop() |> Kernel.+(1_000)
    }
  end

  @doc """
  Starts a worker and returns when it has said hello.

  The options are listed above. An executable that is missing, that cannot be executed or is no worker
  is an error, which says so:

      iex> {:error, error} = PortWorker.start_link(command: "/nowhere/portworker")
      iex> Exception.message(error)
      "cannot use /nowhere/portworker: no such file or directory (worker_down)"

  Afterwards the process lives for as long as the OS process can be kept alive: one that ends is
  started again after a pause, which grows up to `:backoff_max`. While it is away calls fail at once
  with the reason `:worker_down`. After more than `:max_restarts` failures the process exits. An OS
  process that ends by itself with status 0, because the platform told it to, is restarted too, but is no failure.
  """
  @spec start_link(keyword()) :: {:ok, pid()} | {:error, Error.t() | {:already_started, pid()}}
  def start_link(opts), do: Server.start_link(opts)

  @doc """
  Calls a function of the worker and waits for the result.

      iex> PortWorker.run(MyApp.Go, "upcase", ["hello"])
      {:ok, "HELLO"}

      iex> {:error, error} = PortWorker.run(MyApp.Go, "sleep", [60_000], timeout: 20)
      iex> error.reason
      :timeout

  The name is a string or an atom; the list holds the arguments. The work is stopped when the time is up or the
  calling process dies. A function given as `:on_progress` runs in the calling process; if it raises, the work
  is cancelled.

  #{Options.docs(:call)}
  """
  @spec run(worker(), atom() | String.t(), list(), keyword()) :: result()
  def run(worker, function, args \\ [], opts \\ []) do
    Run.run(worker, function, args, opts)
  end

  @doc """
  The same as `run/4`, but returns the bare value and raises a `PortWorker.Error`.

      iex> PortWorker.run!(MyApp.Go, "upcase", ["hello"])
      "HELLO"
  """
  @spec run!(worker(), atom() | String.t(), list(), keyword()) :: term()
  def run!(worker, function, args \\ [], opts \\ []) do
    case run(worker, function, args, opts) do
      {:ok, value} -> value
      {:error, error} -> raise error
    end
  end

  @doc "Calls a function in a `Task`, which every function of `Task` accepts; see `PortWorker.Async`."
  @spec async(worker(), atom() | String.t(), list(), keyword()) :: Task.t()
  defdelegate async(worker, function, args \\ [], opts \\ []), to: Async

  @doc "Starts a call and returns at once; the result comes as a message, or by `await/2` and `yield/2`; see `PortWorker.Async`."
  @spec start_task(worker(), atom() | String.t(), list(), keyword()) :: Ref.t()
  def start_task(worker, function, args \\ [], opts \\ []),
    do: Tasks.start(worker, function, args, opts)

  @doc "Waits for the result of a task; see `PortWorker.Async`."
  @spec await(Ref.t(), timeout()) :: result()
  def await(task, timeout \\ :infinity), do: Tasks.await(task, timeout)

  @doc "Waits for the result of a task, and lets it go on if there is none yet; see `PortWorker.Async`."
  @spec yield(Ref.t(), timeout()) :: result() | nil
  defdelegate yield(task, timeout \\ 5_000), to: Async

  @doc "Starts a call nobody waits for; see `PortWorker.Async`."
  @spec cast(worker(), atom() | String.t(), list(), keyword()) :: :ok | {:error, Error.t()}
  defdelegate cast(worker, function, args \\ [], opts \\ []), to: Async

  @doc "Cancels a task and waits for the receipt; see `PortWorker.Async`."
  @spec cancel(Ref.t(), timeout()) :: receipt()
  defdelegate cancel(task, timeout \\ 5_000), to: Async

  @doc """
  A stream of the worker, as a lazy enumerable.

  Nothing is started before the first element is asked for, and each enumeration is a stream of its own.
  The worker makes no more elements than are asked for, so a slow consumer costs no memory on either side. It
  stops when the consumer has had enough, raises, throws, exits or dies; no message is left behind.

      iex> PortWorker.stream(MyApp.Go, "range", [1, 1_000_000]) |> Stream.map(& &1 * 2) |> Enum.take(3)
      [2, 4, 6]

  A stream that fails raises the `PortWorker.Error` when its elements before that have been consumed.

      iex> PortWorker.stream(MyApp.Go, "range", ["a", "z"]) |> Enum.to_list()
      ** (PortWorker.Error) range: argument 1: expected integer, got binary "a" (bad_args)

  #{Options.docs(:stream)}
  """
  @spec stream(worker(), atom() | String.t(), list(), keyword()) :: Enumerable.t()
  def stream(worker, function, args \\ [], opts \\ []) do
    Streams.new(worker, Call.build!(function, args, Options.stream!(opts)))
  end

  @doc """
  Calls a function with each element of an enumerable, some at a time, and streams the results.

  It is to the functions of a worker what `Task.async_stream/3` is to those of Elixir, without a process for each
  element:

      iex> MyApp.Go |> PortWorker.async_stream(["a", "b", "c"], "upcase") |> Enum.to_list()
      [ok: "A", ok: "B", ok: "C"]

  The results are `{:ok, value}` and `{:error, %PortWorker.Error{}}`. A call that takes longer than its `:timeout`
  exits the consumer, or is `{:exit, :timeout}` with `on_timeout: :kill_task`:

      iex> MyApp.Go |> PortWorker.async_stream([0, 60_000], "sleep", timeout: 50, on_timeout: :kill_task) |> Enum.to_list()
      [ok: :ok, exit: :timeout]

  It is lazy: elements are taken as results are consumed. What is under way is cancelled when the consumer stops, for whatever
  reason, and no message is left behind.

  #{Options.docs(:async_stream)}
  """
  @spec async_stream(worker(), Enumerable.t(), atom() | String.t(), keyword()) :: Enumerable.t()
  def async_stream(worker, enumerable, function, opts \\ []) do
    AsyncStream.new(worker, enumerable, function, Options.async_stream!(opts))
  end

  @doc "Makes many calls under one scope, with one message; see `PortWorker.Group`."
  @spec group(worker(), [group_call()], keyword()) :: {:ok, [result()]} | {:error, Error.t()}
  defdelegate group(worker, calls, opts \\ []), to: Group

  @doc "Waits for all calls, whatever becomes of them; see `PortWorker.Group`."
  @spec join_all(worker(), [group_call()], keyword()) :: {:ok, [result()]} | {:error, Error.t()}
  defdelegate join_all(worker, calls, opts \\ []), to: Group

  @doc "The values of all calls, or the first error, which stops the others; see `PortWorker.Group`."
  @spec try_join_all(worker(), [group_call()], keyword()) :: {:ok, [term()]} | {:error, Error.t()}
  defdelegate try_join_all(worker, calls, opts \\ []), to: Group

  @doc "The outcome of the call that ends first, well or not; see `PortWorker.Group`."
  @spec race(worker(), [group_call()], keyword()) :: result()
  defdelegate race(worker, calls, opts \\ []), to: Group

  @doc "As `race/3`, with the index of the call; see `PortWorker.Group`."
  @spec select_all(worker(), [group_call()], keyword()) ::
          {:ok, {non_neg_integer(), result()}} | {:error, Error.t()}
  defdelegate select_all(worker, calls, opts \\ []), to: Group

  @doc "The first value; failures before it do not count; see `PortWorker.Group`."
  @spec try_first(worker(), [group_call()], keyword()) :: result()
  defdelegate try_first(worker, calls, opts \\ []), to: Group

  @doc "Calls one function with each element, in one group; see `PortWorker.Group`."
  @spec async_map(worker(), atom() | String.t(), Enumerable.t(), keyword()) ::
          {:ok, [result()]} | {:error, Error.t()}
  defdelegate async_map(worker, function, enumerable, opts \\ []), to: Group

  @doc "The values of one function with each element, on the `:cpu` lane; see `PortWorker.Group`."
  @spec parallel_map(worker(), atom() | String.t(), Enumerable.t(), keyword()) ::
          {:ok, [term()]} | {:error, Error.t()}
  defdelegate parallel_map(worker, function, enumerable, opts \\ []), to: Group

  @doc "One value of all elements, made on the `:cpu` lane, many parts at once; see `PortWorker.Group`."
  @spec parallel_reduce(worker(), atom() | String.t(), Enumerable.t(), term(), keyword()) ::
          result()
  defdelegate parallel_reduce(worker, function, enumerable, initial, opts \\ []), to: Group

  @doc "Opens a channel: a call that takes inputs and gives outputs for as long as it runs; see `PortWorker.Channel`."
  @spec open(worker(), atom() | String.t(), list(), keyword()) ::
          {:ok, Channel.t()} | {:error, Error.t()}
  defdelegate open(worker, function, args \\ [], opts \\ []), to: Channel

  @doc "Sends an input to a channel; see `PortWorker.Channel`."
  @spec send(Channel.t(), term(), timeout()) :: :ok | {:error, Error.t()}
  defdelegate send(channel, input, timeout \\ 5_000), to: Channel

  @doc "Receives the next output of a channel; see `PortWorker.Channel`."
  @spec recv(Channel.t(), timeout()) ::
          {:ok, term()} | {:fault, Error.t()} | :done | {:error, Error.t()} | nil
  defdelegate recv(channel, timeout \\ 5_000), to: Channel

  @doc "Asks for `count` more outputs of a channel that was opened with a number as `:active`; see `PortWorker.Channel`."
  @spec demand(Channel.t(), pos_integer()) :: :ok
  defdelegate demand(channel, count), to: Channel

  @doc "Closes a channel's input: the function sees the end of it after what was sent before; see `PortWorker.Channel`."
  @spec close_input(Channel.t()) :: :ok
  defdelegate close_input(channel), to: Channel

  @doc "Ends a channel: its function is cancelled; see `PortWorker.Channel`."
  @spec close(Channel.t()) :: :ok
  defdelegate close(channel), to: Channel

  @doc "What is known of the worker, as a map; see `PortWorker.Diagnostics`."
  @spec status(worker(), stats: boolean()) :: map()
  defdelegate status(worker, opts \\ []), to: Diagnostics

  @doc "The last 100 tasks of the worker that ended, the latest first; see `PortWorker.Diagnostics`."
  @spec history(worker()) :: {:ok, [map()]} | {:error, Error.t()}
  defdelegate history(worker), to: Diagnostics

  @doc "Where each running task of the worker is now; see `PortWorker.Diagnostics`."
  @spec stacks(worker()) :: {:ok, [task_stack()]} | {:error, Error.t()}
  defdelegate stacks(worker), to: Diagnostics

  @doc "Takes a profile of the worker, for `go tool pprof`; see `PortWorker.Diagnostics`."
  @spec profile(worker(), profile_kind(), pos_integer() | keyword()) ::
          {:ok, binary()} | {:error, Error.t()}
  defdelegate profile(worker, kind, ms_or_opts \\ []), to: Diagnostics

  @doc """
  The metadata of the task that the calling process was called back for; an empty map elsewhere.

  Calls that this process makes have it by themselves. A process that it starts does not.
  """
  @spec meta() :: %{String.t() => String.t()}
  def meta, do: Context.meta()

  @doc "The functions of the worker, as it described them in its hello; see `PortWorker.Diagnostics`."
  @spec functions(worker()) :: [map()]
  defdelegate functions(worker), to: Diagnostics

  @doc """
  Stops a worker: running tasks may finish within `:drain_timeout`, then its OS process is ended.

  Returns when the OS process is gone. A worker under a supervisor that restarts it always is to
  be stopped there instead, with `Supervisor.terminate_child/2`.

      iex> {:ok, worker} = PortWorker.start_link(command: MyApp.worker_path())
      iex> PortWorker.stop(worker)
      :ok
  """
  @spec stop(worker(), timeout()) :: :ok
  def stop(worker, timeout \\ :infinity), do: GenServer.stop(worker, :normal, timeout)
end
