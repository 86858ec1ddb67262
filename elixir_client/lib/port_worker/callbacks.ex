defmodule PortWorker.Callbacks do
  @moduledoc false
  # Functions of this node that the worker may call. Each call runs in a process of its
  # own, linked to the connection, which owns what is kept here: a task that ends takes
  # the calls back that were made for it along, and so does the end of their time.

  alias PortWorker.{Context, Sender, Session, Wire}

  # How much longer than the worker waits, in milliseconds, a call back may take: the worker keeps the time, and what it
  # says of it is not to be overtaken.
  @grace 100

  @enforce_keys [:connection, :metadata]
  defstruct [:connection, :metadata, max_frame: :infinity, running: %{}, tasks: %{}]

  @type callee :: (... -> term()) | {module(), atom()}
  @type functions :: %{String.t() => callee()}

  @typedoc "A call back: its id, the ref of the task it is made for, and what to do."
  @type request :: %{
          id: integer(),
          ref: term(),
          function: callee(),
          args: list(),
          timeout: timeout(),
          meta: Context.meta(),
          caller: Session.Task.caller() | nil
        }

  @type t :: %__MODULE__{
          connection: pid(),
          metadata: [atom()],
          max_frame: pos_integer() | :infinity,
          running: %{pid() => {id :: integer(), ref :: term(), timer :: reference() | nil}},
          tasks: %{term() => %{pid() => []}}
        }

  @doc "The functions by their names, from what a user may give."
  @spec functions(term()) :: {:ok, functions()} | :error
  def functions(module) when is_atom(module) do
    if Code.ensure_loaded?(module), do: {:ok, exported(module)}, else: :error
  end

  def functions(pairs) when is_map(pairs) or is_list(pairs) do
    if Enum.all?(pairs, &function?/1),
      do: {:ok, Map.new(pairs, fn {name, callee} -> {to_string(name), callee} end)},
      else: :error
  end

  def functions(_other), do: :error

  # Not what the compiler adds: macros and __info__, and module_info.
  defp exported(module) do
    for {name, _arity} <- module.module_info(:exports),
        name != :module_info,
        text = Atom.to_string(name),
        not String.starts_with?(text, ["__", "MACRO-"]),
        into: %{},
        do: {text, {module, name}}
  end

  defp function?({name, callee}) when (is_atom(name) and name != nil) or is_binary(name) do
    case callee do
      {module, function} -> is_atom(module) and is_atom(function)
      callee -> is_function(callee)
    end
  end

  defp function?(_other), do: false

  @doc "Answers go to `connection`; metadata under the keys `metadata` goes to Logger's."
  @spec new(pid(), [atom()]) :: t()
  def new(connection, metadata), do: %__MODULE__{connection: connection, metadata: metadata}

  @doc "The worker accepts no packet larger than `bytes`."
  @spec limit(t(), pos_integer()) :: t()
  def limit(callbacks, bytes), do: %{callbacks | max_frame: bytes}

  @doc "Runs a function; the connection, which is to call this, will hear `{:callback_over, pid}` when its time is up."
  @spec start(t(), request()) :: t()
  def start(callbacks, %{id: id, ref: ref} = request) do
    settings = Map.take(callbacks, [:connection, :metadata, :max_frame])
    pid = :proc_lib.spawn_link(__MODULE__, :run, [request, settings])

    %{
      callbacks
      | running: Map.put(callbacks.running, pid, {id, ref, timer(pid, request.timeout)}),
        tasks: Map.update(callbacks.tasks, ref, %{pid => []}, &Map.put(&1, pid, []))
    }
  end

  defp timer(pid, ms) when is_integer(ms),
    do: Process.send_after(self(), {:callback_over, pid}, ms + @grace)

  defp timer(_pid, _infinity), do: nil

  @doc "A task has ended: nobody waits for what it asked."
  @spec stop(t(), term()) :: t()
  def stop(%{tasks: tasks} = callbacks, ref) when is_map_key(tasks, ref) do
    pids = tasks |> Map.fetch!(ref) |> Map.keys()
    Enum.each(pids, &Process.exit(&1, :kill))
    Enum.reduce(pids, callbacks, &remove(&2, &1))
  end

  def stop(callbacks, _without), do: callbacks

  @doc "The time of a call back is up."
  @spec expired(t(), pid()) :: t()
  def expired(callbacks, pid), do: give_up(callbacks, pid, "its time was up")

  @doc "A linked process has ended. One that was killed has not said so itself."
  @spec exited(t(), pid(), term()) :: t()
  def exited(callbacks, pid, :normal), do: remove(callbacks, pid)
  def exited(callbacks, pid, reason), do: give_up(callbacks, pid, Exception.format_exit(reason))

  defp give_up(%{running: running} = callbacks, pid, why) when is_map_key(running, pid) do
    {id, _ref, _timer} = Map.fetch!(running, pid)
    Process.exit(pid, :kill)
    Sender.control(callbacks.connection, {:reply, id, failure(:exit, why, [])})
    remove(callbacks, pid)
  end

  defp give_up(callbacks, _ended, _why), do: callbacks

  defp remove(%{running: running} = callbacks, pid) when is_map_key(running, pid) do
    {{_id, ref, timer}, running} = Map.pop!(running, pid)
    _ = timer && Process.cancel_timer(timer)
    others = callbacks.tasks |> Map.fetch!(ref) |> Map.delete(pid)

    tasks =
      if others == %{},
        do: Map.delete(callbacks.tasks, ref),
        else: Map.put(callbacks.tasks, ref, others)

    %{callbacks | running: running, tasks: tasks}
  end

  defp remove(callbacks, _ended), do: callbacks

  @doc false
  @spec run(request(), %{
          connection: pid(),
          metadata: [atom()],
          max_frame: pos_integer() | :infinity
        }) :: :ok
  def run(request, settings) do
    adopt(request.caller)
    Context.enter(request.meta, request.timeout, settings.metadata)
    answer(request.id, outcome(request), settings.connection, settings.max_frame)
  end

  defp adopt(nil), do: :ok

  defp adopt({callers, metadata}) do
    Process.put(:"$callers", callers)
    Logger.metadata(metadata)
  end

  defp outcome(%{function: callee, args: args}) do
    {:ok, call(callee, args)}
  catch
    :error, reason ->
      exception = Exception.normalize(:error, reason, __STACKTRACE__)
      failure(:error, Exception.message(exception), __STACKTRACE__)

    :throw, value ->
      failure(:throw, inspect(value), __STACKTRACE__)

    :exit, reason ->
      failure(:exit, Exception.format_exit(reason), __STACKTRACE__)
  end

  defp call({module, function}, args), do: apply(module, function, args)
  defp call(fun, args), do: apply(fun, args)

  defp failure(kind, message, stack) do
    {:error, %{kind: kind, message: message, stack: Exception.format_stacktrace(stack)}}
  end

  defp answer(id, outcome, connection, max_frame) do
    {_encoded, size} = message = Wire.encode({:reply, id, outcome})

    if size <= max_frame do
      Sender.encoded(connection, message)
    else
      text = "the answer is #{size} bytes, the worker accepts packets of up to #{max_frame}"
      Sender.control(connection, {:reply, id, failure(:error, text, [])})
    end
  end
end
