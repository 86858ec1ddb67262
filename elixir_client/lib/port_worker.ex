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
  | call and go on, cheaply and from a `GenServer` | `start_task/4`, then `await/2`, `yield/2`, or messages |
  | call without waiting for anything | `cast/4` |
  | stop one call | `cancel/1` |
  | consume many results lazily, as they are made | `stream/4` |
  | call with each element of an enumerable | `async_stream/4` |
  | make many calls that begin and end together | `group/3`, `join_all/3`, `try_join_all/3`, `async_map/4` |
  | the first of several to end, or to succeed | `race/3`, `select_all/3`, `try_first/3` |
  | spread work over the processors | `parallel_map/4`, `parallel_reduce/5` |
  | chain functions without fetching what is between them | `PortWorker.Pipeline` |
  | send and receive while the function runs | `open/4`, then `send/2`, `recv/2`, or messages |

  ## Messages of a task

  The process that called `start_task/4` gets, under the reference in the `:ref` field of what was returned:

    * `{ref, {:ok, value}}` or `{ref, {:error, %PortWorker.Error{}}}`, exactly once. When the OS process
      ends before that, it is an error with the reason `:worker_down`
    * `{ref, {:progress, term}}`, any number of times before, to the pid given as `:on_progress`

  `await/2`, `yield/2` and `cancel/1` take these messages out of the mailbox. Nothing arrives after the
  result, after a cancel, or after `await/2` has given up.

      def handle_info({ref, {:ok, digest}}, %{task: %{ref: ref}} = state), do: ...
      def handle_info({ref, {:error, error}}, %{task: %{ref: ref}} = state), do: ...

  The messages of a channel are listed at `open/4`.

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

  Its `slog` records go to `Logger`, with their level. The metadata has the worker's name as `:portworker`, the record's attributes as
  `:attributes`, a map with strings for keys, since what another program says must not become atoms, and `:function` and `:task` where the
  record is of a task. The message and each attribute are valid UTF-8 of at most 4,000 bytes, of which there are
  at most 64; what was cut says so. A worker that logs more than is read drops records, and counts them in its stats.

  What is printed to its stderr, or to its stdout, appears on the stderr of the VM, line by line as it is: Go's traceback when the process ends of
  a panic outside of its handlers or of a fatal error of the runtime. `Logger` then says with which status it ended. A service
  manager keeps both: journald of systemd, the log of a container, `erlang.log.*` of a release started with `daemon`.

  What the client itself has to say in numbers, how long calls take and when workers come and go, are the events of
  `PortWorker.Telemetry`.
  """

  import Kernel, except: [send: 2]

  @doc "Gives the module a function for each of a worker's: see `PortWorker.Module`."
  defmacro __using__(opts), do: PortWorker.Module.quoted(opts, __CALLER__)

  alias PortWorker.{AsyncStream, Call, Channel, Channels, Context, Error, Group}
  alias PortWorker.{Options, Profile, Ref, Requests, Server, Streams, Tasks}

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

  @typedoc """
  What became of a task that was to be cancelled.

    * `:stopped` - its handler has returned
    * `{:still_running, stack}` - the handler takes no notice; where it is, is in the stack
    * `{:finished, result}` - the result came first
    * `:not_found` - its result was taken out of the mailbox before
    * `{:error, error}` - the worker is gone, or gave no receipt in time
  """
  @type receipt ::
          :stopped
          | {:still_running, stack :: String.t()}
          | {:finished, result()}
          | :not_found
          | {:error, Error.t()}

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
    Tasks.run(worker, Call.new!(function, args, opts))
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

  @doc """
  Calls a function in a `Task`, which every function of `Task` accepts.

  The task's value is what `run/4` returns. The end of the task process, by `Task.shutdown/2` for
  instance, stops the work over there. A function given as `:on_progress` runs in the task process.

      iex> task = PortWorker.async(MyApp.Go, "upcase", ["hello"])
      iex> Task.await(task)
      {:ok, "HELLO"}
  """
  @spec async(worker(), atom() | String.t(), list(), keyword()) :: Task.t()
  def async(worker, function, args \\ [], opts \\ []) do
    call = Call.new!(function, args, opts)
    Task.async(Tasks, :run_within, [Context.capture(), worker, call])
  end

  @doc """
  Starts a call and returns at once.

  The cheap form of `async/4`: there is no process in between. The result arrives as a message, see
  "Messages of a task" above, or is fetched with `await/2` or `yield/2`. A worker that is down gives
  such a message too. A function given as `:on_progress` is called by `await/2` and `yield/2`.

      iex> tasks = for word <- ["a", "b"], do: PortWorker.start_task(MyApp.Go, "upcase", [word])
      iex> Enum.map(tasks, &PortWorker.await/1)
      [ok: "A", ok: "B"]

      iex> %PortWorker.Ref{ref: ref} = PortWorker.start_task(MyApp.Go, "upcase", ["c"])
      iex> receive do
      ...>   {^ref, result} -> result
      ...> end
      {:ok, "C"}
  """
  @spec start_task(worker(), atom() | String.t(), list(), keyword()) :: Ref.t()
  def start_task(worker, function, args \\ [], opts \\ []) do
    Tasks.start(worker, Call.new!(function, args, opts))
  end

  @doc """
  Waits for the result of a task.

  A task ends by itself when the time of its call is up, so there is no need for a timeout here. One
  that is given says how long, in milliseconds, to wait from now on: past it the task is cancelled, and the result is an
  error with the reason `:timeout`. Only the process that started the task can await it, once.

      iex> task = PortWorker.start_task(MyApp.Go, "sleep", [60_000])
      iex> {:error, error} = PortWorker.await(task, 20)
      iex> error.reason
      :timeout
  """
  @spec await(Ref.t(), timeout()) :: result()
  def await(task, timeout \\ :infinity), do: Tasks.await(task, timeout)

  @doc """
  Waits for the result of a task, and lets it go on if there is none yet.

  Returns `nil` after `timeout` milliseconds without a result; the task can be awaited later.

      iex> task = PortWorker.start_task(MyApp.Go, "sleep", [300])
      iex> PortWorker.yield(task, 10)
      nil
      iex> match?({:ok, _}, PortWorker.yield(task, 5_000))
      true
  """
  @spec yield(Ref.t(), timeout()) :: result() | nil
  def yield(task, timeout \\ 5_000), do: Tasks.yield(task, timeout)

  @doc """
  Starts a call nobody waits for.

  `:ok` says that it was handed over to be sent, not that it will succeed; an error it ends with is logged. It does not end
  with the calling process unless `detach: false` is given.

      iex> PortWorker.cast(MyApp.Go, "echo", ["hello"])
      :ok
  """
  @spec cast(worker(), atom() | String.t(), list(), keyword()) :: :ok | {:error, Error.t()}
  def cast(worker, function, args \\ [], opts \\ []) do
    Tasks.cast(worker, Call.new!(function, args, Keyword.put_new(opts, :detach, true)))
  end

  @doc """
  Cancels a task and waits for the receipt, up to `timeout` milliseconds.

  Any process may cancel. If it is the one that started the task, the messages of the task are gone from its
  mailbox afterwards; if not, the starter gets `{ref, {:error, _}}` with the reason `:cancelled`. See
  `t:receipt/0` for what is returned.

      iex> task = PortWorker.start_task(MyApp.Go, "sleep", [60_000])
      iex> PortWorker.cancel(task)
      :stopped
  """
  @spec cancel(Ref.t(), timeout()) :: receipt()
  def cancel(task, timeout \\ 5_000), do: Tasks.cancel(task, timeout)

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

  @doc """
  Makes many calls under one scope, with one message.

  A call is `{name, arguments}` or `{name, arguments, options}`. Returns when every one of them has ended, with their
  outcomes in the order of the calls. One that was stopped, or never started, has the reason `:cancelled`.

      iex> PortWorker.group(MyApp.Go, [{"upcase", ["a"]}, {"sleep", [0], lane: :cpu}])
      {:ok, [ok: "A", ok: :ok]}

      iex> {:ok, [a, b]} = PortWorker.group(MyApp.Go, [{"no such function", []}, {"sleep", [60_000]}])
      iex> {elem(a, 1).reason, elem(b, 1).reason}
      {:unknown_function, :cancelled}

  `{:error, error}` is for the group as a whole: its time is up, the worker is gone, with `on_error: :fail_fast` the first failure
  (its message begins with the call's index), or more calls than `:max_tasks` (TaskLimitExceeded: `:overloaded`, "task limit
  exceeded").

  #{Options.docs(:group)}

  A report to `:on_progress` is `{index, term}`. The options of one call:

  #{Options.docs(:group_call)}
  """
  @spec group(worker(), [group_call()], keyword()) :: {:ok, [result()]} | {:error, Error.t()}
  def group(worker, calls, opts \\ []), do: Group.run(worker, calls, opts)

  @doc """
  Waits for all calls, whatever becomes of them: `group/3` with `on_error: :wait_all`.

      iex> {:ok, [{:ok, "A"}, {:error, _}]} = PortWorker.join_all(MyApp.Go, [{"upcase", ["a"]}, {"upcase", [1]}])
  """
  @spec join_all(worker(), [group_call()], keyword()) :: {:ok, [result()]} | {:error, Error.t()}
  def join_all(worker, calls, opts \\ []) do
    Group.run(worker, calls, Keyword.put(opts, :on_error, :wait_all))
  end

  @doc """
  The values of all calls, or the first error, which stops the others.

      iex> PortWorker.try_join_all(MyApp.Go, [{"upcase", ["a"]}, {"upcase", ["b"]}])
      {:ok, ["A", "B"]}
  """
  @spec try_join_all(worker(), [group_call()], keyword()) :: {:ok, [term()]} | {:error, Error.t()}
  def try_join_all(worker, calls, opts \\ []) do
    worker |> Group.run(calls, Keyword.put(opts, :on_error, :fail_fast)) |> Group.values()
  end

  @doc """
  The outcome of the call that ends first, well or not. The others are stopped, and have ended when this returns.

      iex> PortWorker.race(MyApp.Go, [{"sleep", [60_000]}, {"upcase", ["a"]}])
      {:ok, "A"}

  The options are those of `group/3` but for `:on_error`.
  """
  @spec race(worker(), [group_call()], keyword()) :: result()
  def race(worker, calls, opts \\ []) do
    with {:ok, {_index, outcome}} <- select_all(worker, calls, opts), do: outcome
  end

  @doc """
  As `race/3`, with the index of the call.

      iex> PortWorker.select_all(MyApp.Go, [{"sleep", [60_000]}, {"upcase", ["a"]}])
      {:ok, {1, {:ok, "A"}}}

  The options are those of `race/3`.
  """
  @spec select_all(worker(), [group_call()], keyword()) ::
          {:ok, {non_neg_integer(), result()}} | {:error, Error.t()}
  def select_all(worker, calls, opts \\ []), do: Group.first(worker, calls, opts, :first)

  @doc """
  The first value; failures before it do not count. The others are stopped.

      iex> PortWorker.try_first(MyApp.Go, [{"no such function", []}, {"upcase", ["a"]}])
      {:ok, "A"}

  When all fail, the error has the reason `:failed`, and all outcomes as its `:details`. The options are those of `race/3`.
  """
  @spec try_first(worker(), [group_call()], keyword()) :: result()
  def try_first(worker, calls, opts \\ []) do
    with {:ok, {_index, outcome}} <- Group.first(worker, calls, opts, :success), do: outcome
  end

  @doc """
  Calls one function with each element, in one group.

      iex> PortWorker.async_map(MyApp.Go, "upcase", ["a", "b"])
      {:ok, [ok: "A", ok: "B"]}

  `:on_error` is `:wait_all` unless given. `async_stream/4` is for enumerables that are too large to be sent at once.

  #{Options.docs(:map)}
  """
  @spec async_map(worker(), atom() | String.t(), Enumerable.t(), keyword()) ::
          {:ok, [result()]} | {:error, Error.t()}
  def async_map(worker, function, enumerable, opts \\ []) do
    Group.map(worker, function, enumerable, opts, on_error: :wait_all)
  end

  @doc """
  The values of one function with each element, on the `:cpu` lane unless `:lane` says otherwise.

      iex> PortWorker.parallel_map(MyApp.Go, "sum", [3, 4])
      {:ok, [6, 10]}

  The first failure stops the others and is returned. The options are those of `async_map/4` but for `:on_error`.
  """
  @spec parallel_map(worker(), atom() | String.t(), Enumerable.t(), keyword()) ::
          {:ok, [term()]} | {:error, Error.t()}
  def parallel_map(worker, function, enumerable, opts \\ []) do
    opts = Keyword.put(opts, :on_error, :fail_fast)
    worker |> Group.map(function, enumerable, opts, lane: :cpu) |> Group.values()
  end

  @doc """
  One value of all elements, made on the `:cpu` lane, many parts at once.

  The function takes a list and returns one value: a sum, a maximum, a merged index. It is called with chunks of the
  elements, and at last with `initial` and what became of the chunks:

      f([initial, f([e1, e2]), f([e3, e4]), ...])

  For the result not to depend on the chunks, it must not matter what is put together first, `f(a ++ b) == f([f(a), f(b)])`, as
  with any associative operation. Order is kept, so it need not be commutative. `initial` counts once. Without elements the
  result is `f([initial])`. Where a part is of another type than an element, `:combine` names another function for the
  last step.

  The first failure stops the rest and is returned. Both steps are within one `:timeout`.

  #{Options.docs(:reduce)}
  """
  @spec parallel_reduce(worker(), atom() | String.t(), Enumerable.t(), term(), keyword()) ::
          result()
  def parallel_reduce(worker, function, enumerable, initial, opts \\ []) do
    Group.reduce(worker, function, enumerable, initial, opts)
  end

  @doc """
  Opens a channel: a call that takes inputs and gives outputs for as long as it runs.

      iex> {:ok, channel} = PortWorker.open(MyApp.Go, "stateful_worker")
      iex> PortWorker.send(channel, {:add, %{value: 5}})
      :ok
      iex> PortWorker.recv(channel)
      {:ok, {:updated, %{old_value: 0, new_value: 5}}}
      iex> PortWorker.close(channel)
      :ok

  The process that opens a channel owns it: outputs come to its mailbox, and the channel ends when it
  dies. Any process may send inputs. A function that is not there, and arguments that do not fit, are the end
  of the channel; an error is returned here only when the worker is down or the call too large to send.

  ## Messages of a channel

  `recv/2` takes these out of the owner's mailbox. A `GenServer` may handle them itself, with `active: true` or with
  `demand/2`:

    * `{ref, {:data, output}}`
    * `{ref, {:fault, %PortWorker.Error{}}}` when an input was not accepted; the channel goes on
    * `{ref, {:progress, term}}` with `:on_progress`
    * `{ref, {:ok, nil}}` or `{ref, {:error, %PortWorker.Error{}}}` at the end, exactly once

  ## As an enumerable and a collectable

  The owner can read outputs with `Enum` and `Stream`, until the function ends. Halting early leaves the
  channel open, for more to be read. A fault or an error is raised. Inputs can be collected into it, each waiting at
  most five seconds for its turn. Both sides are bounded: who sends much and reads nothing
  in between will wait for ever, or until that is over.

      iex> {:ok, channel} = PortWorker.open(MyApp.Go, "stateful_worker", [10])
      iex> Enum.into([{:add, %{value: 1}}, {:multiply, %{value: 2}}, :shutdown], channel)
      iex> Enum.map(channel, &elem(&1, 0))
      [:updated, :updated, :shutting_down]

  #{Options.docs(:channel)}
  """
  @spec open(worker(), atom() | String.t(), list(), keyword()) ::
          {:ok, Channel.t()} | {:error, Error.t()}
  def open(worker, function, args \\ [], opts \\ []) do
    Channels.open(worker, Call.build!(function, args, Options.channel!(opts)))
  end

  @doc """
  Sends an input to a channel.

  A channel takes 64 inputs ahead of its function. When it has, this waits until the function has taken
  some, up to `timeout` milliseconds; past that the input is not sent, and the error has the reason `:timeout`. `:ok`
  says that it was sent, not that the function has seen it. After the end of the channel or of its input the reason is
  `:closed`.
  """
  @spec send(Channel.t(), term(), timeout()) :: :ok | {:error, Error.t()}
  def send(channel, input, timeout \\ 5_000), do: Channels.send(channel, input, timeout)

  @doc """
  Receives the next output of a channel, waiting up to `timeout` milliseconds.

    * `{:ok, output}`
    * `{:fault, error}` - an input was not accepted; the channel goes on
    * `:done` - the function has ended well; also when the end was received before
    * `{:error, error}` - the channel has ended with an error
    * `nil` - there is no output yet
  """
  @spec recv(Channel.t(), timeout()) ::
          {:ok, term()} | {:fault, Error.t()} | :done | {:error, Error.t()} | nil
  def recv(channel, timeout \\ 5_000), do: Channels.recv(channel, timeout)

  @doc "Asks for `count` more outputs of a channel that was opened with a number as `:active`."
  @spec demand(Channel.t(), pos_integer()) :: :ok
  def demand(channel, count) when is_integer(count) and count > 0 do
    Channels.demand(channel, count)
  end

  @doc """
  Closes a channel's input: the function sees the end of it after what was sent before, and may still
  send outputs.

      iex> {:ok, channel} = PortWorker.open(MyApp.Go, "stateful_worker")
      iex> PortWorker.close_input(channel)
      :ok
      iex> PortWorker.recv(channel)
      :done
  """
  @spec close_input(Channel.t()) :: :ok
  def close_input(channel), do: Channels.close_input(channel)

  @doc """
  Ends a channel: its function is cancelled.

  Afterwards no message of it is in the owner's mailbox, and none will come. Any process may close a channel; if it
  is not the owner, the owner gets the end as an error with the reason `:cancelled`.
  """
  @spec close(Channel.t()) :: :ok
  def close(channel), do: Channels.close(channel)

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
  @spec status(worker(), stats: boolean()) :: map()
  def status(worker, opts \\ []) do
    status = GenServer.call(worker, :status)
    if Keyword.get(opts, :stats, false), do: with_stats(status, worker), else: status
  end

  defp with_stats(%{workers: workers} = status, _worker) do
    %{status | workers: Enum.map(workers, &with_stats(&1, &1.worker))}
  end

  defp with_stats(status, worker), do: Map.put(status, :stats, stats(worker))

  defp stats(worker) do
    case run(worker, "$stats") do
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
  @spec history(worker()) :: {:ok, [map()]} | {:error, Error.t()}
  def history(worker), do: run(worker, "$history")

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
  @spec stacks(worker()) :: {:ok, [task_stack()]} | {:error, Error.t()}
  def stacks(worker), do: run(worker, "$stacks")

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
  @spec profile(worker(), profile_kind(), pos_integer() | keyword()) ::
          {:ok, binary()} | {:error, Error.t()}
  def profile(worker, kind, ms_or_opts \\ []), do: Profile.take(worker, kind, ms_or_opts)

  @doc """
  The metadata of the task that the calling process was called back for; an empty map elsewhere.

  Calls that this process makes have it by themselves. A process that it starts does not.
  """
  @spec meta() :: %{String.t() => String.t()}
  def meta, do: Context.meta()

  @doc """
  The functions of the worker, as it described them in its hello.

  Each is a map with `:name`, `:kind`, `:args`, `:result`, `:doc` and `:lane`, and `:progress` where it says what it
  reports. The list is empty while the worker is
  down.

      iex> functions = PortWorker.functions(MyApp.Go)
      iex> Enum.find(functions, &(&1.name == "upcase")).kind
      :function
  """
  @spec functions(worker()) :: [map()]
  def functions(worker), do: GenServer.call(worker, :functions)

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
