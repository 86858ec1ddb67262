defmodule PortWorker.Routes do
  @moduledoc false
  # Where the calls for a worker go. A caller looks its worker up here, in its own
  # process, and then talks to the connection's processes directly: the process
  # that carries the worker's name is not on the way of any call.
  #
  # One entry for each worker: `{server, route, pending}`, and the same under its name if it
  # has a local one. The connection writes it; this process owns the table and
  # removes what a dead server left behind. A lookup copies, so what only some callers need
  # is not in the route.

  use GenServer

  alias PortWorker.{Error, Pending}

  defmodule Route do
    @moduledoc false
    # What a caller needs to know of one OS process.
    @enforce_keys [:connection, :writer, :max_frame, :timeout]
    defstruct [
      :connection,
      :writer,
      :max_frame,
      :timeout,
      callbacks?: false,
      # Streams and channels, by name.
      kinds: %{},
      # Keys of Logger metadata that go with each call.
      metadata: []
    ]

    @type t :: %__MODULE__{
            connection: pid(),
            writer: pid(),
            max_frame: pos_integer(),
            timeout: timeout(),
            callbacks?: boolean(),
            kinds: %{String.t() => :stream | :channel},
            metadata: [atom()]
          }
  end

  @type keys :: [pid() | atom()]

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

  @doc "Says where calls go from now on and where tasks are entered, or why they cannot go anywhere."
  @spec put(keys(), Route.t() | Error.t(), Pending.t() | nil) :: :ok
  def put(keys, route_or_error, pending \\ nil) do
    :ets.insert(__MODULE__, Enum.map(keys, &{&1, route_or_error, pending}))
    :ok
  rescue
    # The table is lost, for which the server ends as well, in good order.
    ArgumentError -> :ok
  end

  @spec fetch(PortWorker.worker()) :: {:ok, Route.t()} | {:error, Error.t()}
  def fetch(worker) when is_atom(worker) or is_pid(worker) do
    case :ets.lookup_element(__MODULE__, worker, 2) do
      %Route{} = route -> {:ok, route}
      error -> {:error, error}
    end
  rescue
    ArgumentError -> {:error, missing(worker)}
  end

  def fetch(worker) do
    with {:ok, pid} <- whereis(worker), do: fetch(pid)
  end

  @doc "The same for a task, with the table in which it is to be entered."
  @spec fetch_both(PortWorker.worker()) :: {:ok, Route.t(), Pending.t()} | {:error, Error.t()}
  def fetch_both(worker) when is_atom(worker) or is_pid(worker) do
    case :ets.lookup(__MODULE__, worker) do
      [{_worker, %Route{} = route, pending}] -> {:ok, route, pending}
      [{_worker, error, nil}] -> {:error, error}
      [] -> {:error, missing(worker)}
    end
  rescue
    ArgumentError -> {:error, missing(worker)}
  end

  def fetch_both(worker) do
    with {:ok, pid} <- whereis(worker), do: fetch_both(pid)
  end

  @doc """
  Whether calls still go there.

  A connection that ends first takes its route away and then tells the tasks it knows. If the route is
  still there, a task that was registered before is among them.
  """
  @spec confirm(PortWorker.worker(), Route.t()) :: :ok | {:error, Error.t()}
  def confirm(worker, %Route{connection: connection}) do
    case fetch(worker) do
      {:ok, %{connection: ^connection}} -> :ok
      {:ok, _restarted} -> {:error, Error.new(:worker_down, "the worker was restarted")}
      {:error, error} -> {:error, error}
    end
  end

  # Only a local name or a pid is a key.
  defp whereis({:global, _name} = worker), do: located(worker)
  defp whereis({:via, module, _name} = worker) when is_atom(module), do: located(worker)

  defp whereis(other) do
    raise ArgumentError,
          "expected a worker's name or pid (an atom, {:global, term}, {:via, module, term} or a pid), " <>
            "got: #{inspect(other)}"
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
