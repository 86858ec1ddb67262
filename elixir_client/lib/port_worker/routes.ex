defmodule PortWorker.Routes do
  @moduledoc false
  # Where the calls for a worker go. A caller looks its worker up here, in its own
  # process, and then talks to the connection's processes directly: the process
  # that carries the worker's name is not on the way of any call.
  #
  # One entry for each OS process: `{server, route}`, and the same under the server's name if it
  # has a local one. The connection writes it; this process owns the table and
  # removes what a dead server left behind.
  #
  # A lookup copies the route, which takes longer than all else that a caller does. So a process keeps the routes of
  # the workers that it calls, in its dictionary; before each call it looks whether calls still go there.
  #
  # Where a server has several OS processes, their entries are under `{server, index}`, and that of the
  # server names a module that chooses among them.

  use GenServer

  alias PortWorker.{Call, Error, Pending}

  defmodule Route do
    @moduledoc false
    # What a caller needs to know of one OS process.

    alias PortWorker.{Hello, Options}
    alias PortWorker.Telemetry.Lanes

    @enforce_keys [:key, :connection, :pending, :max_frame, :timeout]
    defstruct [
      # Where it stands in the table.
      :key,
      :connection,
      :pending,
      :max_frame,
      :timeout,
      # Where a caller may write itself: nowhere if it is no port, or the connection is to know more of each call.
      port: nil,
      callbacks?: false,
      # Whether a call may bring a number in place of its options.
      short_calls?: false,
      # What a stub is to know of the call.
      ticket: nil,
      # Streams and channels, by name.
      kinds: %{},
      # Keys of Logger metadata that go with each call.
      metadata: [],
      # Of its functions, if anybody is to know.
      lanes: nil
    ]

    @type t :: %__MODULE__{
            key: PortWorker.Routes.key(),
            connection: pid(),
            pending: PortWorker.Pending.t(),
            max_frame: pos_integer(),
            timeout: timeout(),
            port: port() | nil,
            callbacks?: boolean(),
            short_calls?: boolean(),
            ticket: PortWorker.Test.Task.ticket() | nil,
            kinds: %{String.t() => :stream | :channel},
            metadata: [atom()],
            lanes: Lanes.t() | nil
          }

    @doc false
    # The route of the calling process, which is a connection.
    @spec new(
            PortWorker.Routes.key(),
            PortWorker.Pending.t(),
            PortWorker.Executable.program(),
            Hello.t(),
            Options.start()
          ) :: t()
    def new(key, pending, program, hello, options) do
      callbacks? = map_size(options.callbacks) > 0

      %__MODULE__{
        key: key,
        connection: self(),
        pending: pending,
        max_frame: Hello.max_frame(hello),
        timeout: options.timeout,
        port: if(is_port(program) and not callbacks?, do: program),
        callbacks?: callbacks?,
        short_calls?: hello.short_calls?,
        kinds: Hello.kinds(hello),
        metadata: options.metadata,
        lanes: Lanes.new(hello)
      }
    end
  end

  @type key :: pid() | atom() | {pid() | atom(), index :: pos_integer()}
  @typedoc "Where an entry stands; the first is the one for people."
  @type keys :: [key(), ...]

  @typedoc "Chooses with `route/3`, which gets the term, the call or `nil`, and how to look an OS process up."
  @type chooser :: {module(), term()}
  @type lookup :: (key() -> {:ok, Route.t()} | {:error, Error.t()})

  # Where a process keeps routes, and how many: it begins anew with one more.
  @kept :"$portworker_routes"
  @most_kept 16

  @spec start_link(term()) :: GenServer.on_start()
  def start_link(_arg), do: GenServer.start_link(__MODULE__, [], name: __MODULE__)

  @doc """
  Sees to it that the entries of the calling process go when it does. It gets a `:DOWN` message with
  the returned reference should the table be lost instead.
  """
  @spec own(keys()) :: reference()
  def own(keys) do
    :ok = GenServer.call(__MODULE__, {:own, self(), keys})
    Process.monitor(__MODULE__)
  end

  @doc "Says where calls go from now on, or why they cannot go anywhere."
  @spec put(keys(), Route.t() | Error.t() | chooser()) :: :ok
  def put(keys, entry) do
    :ets.insert(__MODULE__, Enum.map(keys, &{&1, entry}))
    :ok
  rescue
    # The table is lost, for which the server ends as well, in good order.
    ArgumentError -> :ok
  end

  @doc "Where that call to the worker goes; `nil` is any call."
  @spec fetch(PortWorker.worker(), Call.t() | nil) :: {:ok, Route.t()} | {:error, Error.t()}
  def fetch(worker, call \\ nil)

  def fetch(worker, call) when is_atom(worker) or is_pid(worker) do
    with nil <- kept(worker), do: look_up(worker, call)
  end

  def fetch(worker, call) do
    with {:ok, key} <- key(worker) do
      if is_tuple(key), do: lookup(key), else: fetch(key, call)
    end
  end

  defp look_up(worker, call) do
    case entry(worker) do
      %Route{} = route -> keep(worker, route)
      %Error{} = error -> {:error, error}
      chooser -> choose(chooser, call)
    end
  end

  @doc "The route that is chosen for a call; the process keeps it, too."
  @spec choose(chooser(), Call.t() | nil) :: {:ok, Route.t()} | {:error, Error.t()}
  def choose({chooser, term}, call), do: chooser.route(term, call, &kept_or_looked_up/1)

  defp kept_or_looked_up(key) do
    with nil <- kept(key), {:ok, route} <- lookup(key), do: keep(key, route)
  end

  defp kept(key) do
    with %{^key => route} <- Process.get(@kept),
         true <- Pending.current?(route.pending) do
      {:ok, route}
    else
      _none_or_withdrawn -> nil
    end
  end

  defp keep(key, route) do
    others = Process.get(@kept, %{})
    others = if map_size(others) < @most_kept, do: others, else: %{}
    Process.put(@kept, Map.put(others, key, route))
    {:ok, route}
  end

  @doc "The route of one OS process."
  @spec lookup(key()) :: {:ok, Route.t()} | {:error, Error.t()}
  def lookup(key) do
    case entry(key) do
      %Route{} = route -> {:ok, route}
      %Error{} = error -> {:error, error}
    end
  end

  defp entry(key) do
    :ets.lookup_element(__MODULE__, key, 2)
  rescue
    ArgumentError -> missing(key)
  end

  @doc "What chooses among the OS processes of a worker, or `nil` where nothing does."
  @spec chooser(PortWorker.worker()) :: chooser() | nil
  def chooser(worker) do
    with {:ok, key} <- key(worker), {_module, _term} = chooser <- entry(key) do
      chooser
    else
      _none -> nil
    end
  end

  @doc """
  Whether calls still go there.

  A connection that ends first takes its route away and then tells the tasks it knows. If the route is
  still there, a task that was registered before is among them.
  """
  @spec confirm(Route.t()) :: :ok | {:error, Error.t()}
  def confirm(%Route{key: key, connection: connection}) do
    case lookup(key) do
      {:ok, %{connection: ^connection}} -> :ok
      {:ok, _restarted} -> {:error, Error.new(:worker_down, "the worker was restarted")}
      {:error, error} -> {:error, error}
    end
  end

  # A local name and a pid are keys.
  defp key(worker) when is_atom(worker) or is_pid(worker), do: {:ok, worker}
  defp key({:global, _name} = worker), do: located(worker)
  defp key({:via, module, _name} = worker) when is_atom(module), do: located(worker)

  defp key({server, index} = key) when (is_atom(server) or is_pid(server)) and is_integer(index),
    do: {:ok, key}

  defp key(other) do
    raise ArgumentError,
          "expected a worker's name or pid (an atom, {:global, term}, {:via, module, term} or a pid), or one of its OS " <>
            "processes ({name or pid, index}), got: #{inspect(other)}"
  end

  defp located(worker) do
    case GenServer.whereis(worker) do
      pid when is_pid(pid) -> {:ok, pid}
      nil -> {:error, not_running(worker)}
    end
  end

  defp missing(worker) do
    case :ets.whereis(__MODULE__) do
      :undefined -> Error.new(:worker_down, "the application :portworker is not started")
      _table -> not_running(worker)
    end
  end

  defp not_running(worker) when is_pid(worker) and node(worker) != node() do
    Error.new(
      :worker_down,
      "#{inspect(worker)} is on another node; a worker is called from its own"
    )
  end

  defp not_running(worker) do
    Error.new(:worker_down, "no worker #{inspect(worker)} is running")
  end

  @impl true
  def init(_arg) do
    _ = :ets.new(__MODULE__, [:named_table, :public, read_concurrency: true])
    {:ok, %{}}
  end

  @impl true
  def handle_call({:own, pid, keys}, _from, owned) do
    {:reply, :ok, Map.put(owned, Process.monitor(pid), {pid, keys})}
  end

  @impl true
  def handle_info({:DOWN, monitor, :process, _pid, _reason}, owned) do
    {{pid, keys}, owned} = Map.pop!(owned, monitor)
    # A name may have passed to a new process already: its entries stay.
    taken = for {other, names} <- Map.values(owned), other != pid, name <- names, do: name
    Enum.each(keys -- taken, &:ets.delete(__MODULE__, &1))
    {:noreply, owned}
  end
end
