defmodule PortWorker.Server do
  @moduledoc false
  # The process that has the worker's name and stands in the supervision tree. It
  # keeps one connection alive: starts it, starts it again with growing pauses when it
  # ends, and gives up when that happens too often, so that its supervisor can act.
  # Calls do not pass through it.

  use GenServer

  alias PortWorker.{Connection, Error, Hello, Options, Pending, Requests, Restarts, Routes}

  require Logger

  @enforce_keys [:opts, :options, :check, :keys, :routes]
  defstruct [
    :opts,
    :options,
    :check,
    :keys,
    :routes,
    :connection,
    :hello,
    :error,
    phase: :starting,
    restarted: 0,
    restarts: %Restarts{}
  ]

  @doc """
  Returns when the worker has said hello. A hello that `check` refuses, then or after a restart, is the end of it.
  """
  @spec start_link(keyword(), (Hello.t() -> :ok | {:error, Error.t()})) ::
          {:ok, pid()} | {:error, Error.t() | {:already_started, pid()}}
  def start_link(opts, check \\ fn _any_hello -> :ok end) do
    with {:ok, options} <- Options.start(opts) do
      started = GenServer.start_link(__MODULE__, {opts, options, check}, registration(options))

      case started do
        {:ok, pid} -> {:ok, pid}
        {:error, {:shutdown, %Error{} = error}} -> {:error, error}
        {:error, {:already_started, _pid}} = error -> error
      end
    end
  end

  defp registration(%{name: name}), do: [name: name]
  defp registration(_unnamed), do: []

  @impl true
  def init({opts, options, check}) do
    Process.flag(:trap_exit, true)
    keys = keys(options)
    routes = Routes.own(keys)
    Routes.put(keys, Error.new(:worker_down, "the worker is starting"))

    state = %__MODULE__{opts: opts, options: options, check: check, keys: keys, routes: routes}

    with {:ok, state} <- connect(state),
         {:ok, state} <- await_hello(state) do
      {:ok, state}
    else
      {:error, error} ->
        # The caller gets the error as a value; without this it would also get the exit
        # signal, and die of it if it is no supervisor.
        unlink_parent()
        {:stop, {:shutdown, error}}
    end
  end

  # The metadata of logs uses the first key, so the name goes first.
  defp keys(%{name: name}) when is_atom(name), do: [name, self()]
  defp keys(_without_local_name), do: [self()]

  defp await_hello(%{connection: connection} = state) do
    receive do
      {:up, ^connection, hello} -> accept(hello, state)
      {:EXIT, ^connection, reason} -> {:error, Error.from_exit(reason)}
      {:EXIT, _parent, reason} -> exit(reason)
    end
  end

  defp accept(hello, state) do
    case state.check.(hello) do
      :ok ->
        {:ok, up(hello, state)}

      {:error, error} ->
        Requests.stop(state.connection, state.options.drain_timeout)
        {:error, error}
    end
  end

  defp unlink_parent do
    case Process.get(:"$ancestors") do
      [parent | _] when is_pid(parent) -> Process.unlink(parent)
      [parent | _] when is_atom(parent) -> parent |> Process.whereis() |> Process.unlink()
    end
  end

  @impl true
  def handle_call(:status, _from, state) do
    status = %{
      state: state.phase,
      os_pid: state.hello && state.hello.os_pid,
      name: state.hello && state.hello.name,
      version: state.hello && state.hello.version,
      restarts: state.restarted,
      error: state.error
    }

    {:reply, {status, state.connection}, state}
  end

  def handle_call(:functions, _from, state) do
    {:reply, if(state.hello, do: state.hello.functions, else: []), state}
  end

  @impl true
  def handle_info({:up, connection, hello}, %{connection: connection} = state) do
    case accept(hello, state) do
      {:ok, state} ->
        Logger.info("#{label(state)}: the worker is back, as OS process #{hello.os_pid}")
        {:noreply, %{state | restarted: state.restarted + 1}}

      {:error, error} ->
        Logger.error("#{label(state)}: the worker is back, but #{error.message}; giving up")
        {:stop, {:gave_up, error}, %{state | connection: nil}}
    end
  end

  # Between here and the exit calls are refused as draining. It asks once, so that nothing is lost here.
  def handle_info({:replace, connection}, %{connection: connection, phase: :up} = state) do
    if state.options.replace do
      Requests.drain(connection, "the worker is being replaced")
      {:noreply, %{state | phase: :draining}}
    else
      {:noreply, state}
    end
  end

  def handle_info({:EXIT, connection, reason}, %{connection: connection} = state) do
    error = Error.from_exit(reason)
    # It has said this itself, unless it was killed.
    Routes.put(state.keys, error)
    down(error, state)
  end

  # The connection was killed; its exit signal comes next.
  def handle_info({:"ETS-TRANSFER", _table, _connection, pending}, state) do
    error = Error.from_exit(:killed)
    Routes.put(state.keys, error)
    Pending.fail(pending, error)
    {:noreply, state}
  end

  def handle_info(:connect, state) do
    with {:ok, options} <- Options.start(state.opts),
         {:ok, state} <- connect(%{state | options: options}) do
      {:noreply, state}
    else
      {:error, error} ->
        Routes.put(state.keys, error)
        down(error, state)
    end
  end

  # Without its route nobody finds the worker: a fresh start writes a new one.
  def handle_info({:DOWN, routes, :process, _pid, reason}, %{routes: routes} = state) do
    {:stop, {:routes_lost, reason}, state}
  end

  def handle_info(_stray, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, %{connection: nil}), do: :ok

  def terminate(_reason, state) do
    Requests.stop(state.connection, state.options.drain_timeout)

    receive do
      {:"ETS-TRANSFER", _table, _connection, pending} ->
        Pending.fail(pending, Error.from_exit(:killed))
    after
      0 -> :ok
    end
  end

  defp connect(state) do
    case Connection.start_link(state.keys, state.options) do
      {:ok, connection} -> {:ok, %{state | connection: connection, phase: :starting}}
      {:error, {:shutdown, error}} -> {:error, error}
    end
  end

  defp up(hello, state) do
    %{state | hello: hello, phase: :up, restarts: Restarts.up(state.restarts, now()), error: nil}
  end

  defp down(error, state) do
    clean? = clean?(error, state.phase)
    outcome = Restarts.down(state.restarts, state.options, clean?, now())
    state = %{state | connection: nil, hello: nil, phase: :down, error: error}

    case outcome do
      {:retry, delay, restarts} ->
        level = if clean?, do: :info, else: :error
        Logger.log(level, "#{label(state)}: #{error.message}; restart in #{delay} ms")
        _ = Process.send_after(self(), :connect, delay)
        {:noreply, %{state | restarts: restarts}}

      {:give_up, failures} ->
        Logger.error("#{label(state)}: #{error.message}; giving up after #{failures} failures")
        {:stop, {:gave_up, error}, state}
    end
  end

  # A worker that ends by itself with status 0 was told to; one that is replaced may end as it likes.
  defp clean?(_error, :draining), do: true
  defp clean?(error, phase), do: phase == :up and match?(%{exit_status: 0}, error.details)

  defp label(%{keys: [name | _]}), do: inspect(name)

  defp now, do: System.monotonic_time(:millisecond)
end
