defmodule PortWorker.Async do
  @moduledoc """
  Calls that the caller does not wait for there and then. `PortWorker` has all of these functions, too.

  | to | use |
  | --- | --- |
  | have a real `Task` | `async/4` |
  | go on cheaply, and from a `GenServer` | `start_task/4`, then `await/2`, `yield/2`, or messages |
  | hear nothing of it | `cast/4` |
  | stop it | `cancel/1` |

  ## Messages of a task

  The process that called `start_task/4` gets, under the reference in the `:ref` field of what was returned:

    * `{ref, {:ok, value}}` or `{ref, {:error, %PortWorker.Error{}}}`, exactly once. When the OS process
      ends before that, it is an error with the reason `:worker_down`
    * `{ref, {:progress, term}}`, any number of times before, to the pid given as `:on_progress`

  `await/2`, `yield/2` and `cancel/1` take these messages out of the mailbox. Nothing arrives after the
  result, after a cancel, or after `await/2` has given up.

      def handle_info({ref, {:ok, digest}}, %{task: %{ref: ref}} = state), do: ...
      def handle_info({ref, {:error, error}}, %{task: %{ref: ref}} = state), do: ...

  The messages of a channel are listed in `PortWorker.Channel`.
  """

  alias PortWorker.{Call, Context, Error, Ref, Run, Tasks}

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
          | {:finished, PortWorker.result()}
          | :not_found
          | {:error, Error.t()}

  @doc """
  Calls a function in a `Task`, which every function of `Task` accepts.

  The task's value is what `PortWorker.run/4` returns. The end of the task process, by `Task.shutdown/2` for
  instance, stops the work over there. A function given as `:on_progress` runs in the task process.

      iex> task = PortWorker.async(MyApp.Go, "upcase", ["hello"])
      iex> Task.await(task)
      {:ok, "HELLO"}
  """
  @spec async(PortWorker.worker(), atom() | String.t(), list(), keyword()) :: Task.t()
  def async(worker, function, args \\ [], opts \\ []) do
    call = Call.new!(function, args, opts)
    Task.async(Run, :run_within, [Context.capture(), worker, call])
  end

  @doc """
  Starts a call and returns at once.

  The cheap form of `async/4`: there is no process in between. The result arrives as a message, see
  "Messages of a task" above, or is fetched with `await/2` or `yield/2`. A worker that is down gives
  such a message too. A function given as `:on_progress` is called by `await/2` and `yield/2`.

  So that nobody gets far ahead of what can be written, one of 64 calls that are started on a worker waits until
  those before it are taken: some microseconds, 100 ms at most.

      iex> tasks = for word <- ["a", "b"], do: PortWorker.start_task(MyApp.Go, "upcase", [word])
      iex> Enum.map(tasks, &PortWorker.await/1)
      [ok: "A", ok: "B"]

      iex> %PortWorker.Ref{ref: ref} = PortWorker.start_task(MyApp.Go, "upcase", ["c"])
      iex> receive do
      ...>   {^ref, result} -> result
      ...> end
      {:ok, "C"}
  """
  @spec start_task(PortWorker.worker(), atom() | String.t(), list(), keyword()) :: Ref.t()
  def start_task(worker, function, args \\ [], opts \\ []) do
    Tasks.start(worker, function, args, opts)
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
  @spec await(Ref.t(), timeout()) :: PortWorker.result()
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
  @spec yield(Ref.t(), timeout()) :: PortWorker.result() | nil
  def yield(task, timeout \\ 5_000), do: Tasks.yield(task, timeout)

  @doc """
  Starts a call nobody waits for.

  `:ok` says that it was handed over to be sent, not that it will succeed; an error it ends with is logged. It does not end
  with the calling process unless `detach: false` is given. Who casts more than can be written is held up as by `start_task/4`.

      iex> PortWorker.cast(MyApp.Go, "echo", ["hello"])
      :ok
  """
  @spec cast(PortWorker.worker(), atom() | String.t(), list(), keyword()) ::
          :ok | {:error, Error.t()}
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
end
