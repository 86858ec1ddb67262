defmodule PortWorker.Test.Stubs do
  @moduledoc false
  # Which process has given which stubs, and who else may use them. One process for all workers of the node,
  # started with the first of them that is stubbed: without such a worker it does not exist.
  #
  # What a process has given goes when it ends, unless it is still to be verified.

  use GenServer

  @enforce_keys [:stub, :expected]
  # The functions still expected, in order, and how often one was wanted and how often called.
  defstruct [:stub, :expected, wanted: 0, called: 0]

  @type worker :: atom() | pid()
  @typedoc "A stub that was found, and who had given it."
  @type found :: {function(), owner :: pid()}

  @doc "Starts it unless it runs."
  @spec ensure_started() :: :ok
  def ensure_started do
    case Supervisor.start_child(PortWorker.Supervisor, __MODULE__) do
      {:ok, _pid} -> :ok
      {:error, {:already_started, _pid}} -> :ok
    end
  end

  @spec start_link(term()) :: GenServer.on_start()
  def start_link(_arg), do: GenServer.start_link(__MODULE__, [], name: __MODULE__)

  @doc "From now on calls of that function, made for `owner`, are answered by `stub`."
  @spec stub(pid(), worker(), String.t(), function()) :: :ok
  def stub(owner, worker, function, stub) do
    GenServer.call(__MODULE__, {:stub, {owner, worker, function}, stub})
  end

  @doc "The next `count` calls of that function are answered by `stub`."
  @spec expect(pid(), worker(), String.t(), pos_integer(), function()) :: :ok
  def expect(owner, worker, function, count, stub) do
    GenServer.call(__MODULE__, {:expect, {owner, worker, function}, count, stub})
  end

  @doc "Lets `pid` use the stubs that `owner` has given, or may use itself, for that worker."
  @spec allow(worker(), owner :: pid(), pid()) :: :ok
  def allow(worker, owner, pid), do: GenServer.call(__MODULE__, {:allow, {pid, worker}, owner})

  @doc """
  The stub for a call with so many arguments that one of these processes makes, or has made others for. What was given by the first of
  them counts.
  """
  @spec find([pid()], worker(), String.t()) ::
          {:ok, found()} | {:used_up, wanted :: pos_integer()} | {:none, [String.t()]}
  def find(callers, worker, function) do
    GenServer.call(__MODULE__, {:find, callers, worker, function})
  end

  @doc "A stub that `owner` has given has raised."
  @spec failed(pid(), {Exception.kind(), term(), Exception.stacktrace()}) :: :ok
  def failed(owner, failure), do: GenServer.call(__MODULE__, {:failed, owner, failure})

  @doc "Keeps what `owner` has given past its end, for `verify/1` and `forget/1`."
  @spec keep(pid()) :: :ok
  def keep(owner), do: GenServer.call(__MODULE__, {:keep, owner})

  @doc "What was wrong: the first failure, and what was called less often than expected."
  @spec verify(pid()) ::
          :ok
          | {:failed, {Exception.kind(), term(), Exception.stacktrace()}}
          | {:missing,
             [
               {worker(), String.t(), wanted :: pos_integer(), called :: non_neg_integer()}
             ]}
  def verify(owner), do: GenServer.call(__MODULE__, {:verify, owner})

  @doc "Forgets all that `owner` has given."
  @spec forget(pid()) :: :ok
  def forget(owner), do: GenServer.call(__MODULE__, {:forget, owner})

  @impl true
  def init(_arg), do: {:ok, %{given: %{}, allowed: %{}, failures: %{}, watched: %{}, kept: %{}}}

  @impl true
  def handle_call({:stub, {owner, _, _} = key, fun}, _from, state) do
    {:reply, :ok, state |> watch(owner) |> give(key, &%{&1 | stub: fun})}
  end

  def handle_call({:expect, {owner, _, _} = key, count, fun}, _from, state) do
    expect = fn given ->
      %{
        given
        | expected: given.expected ++ List.duplicate(fun, count),
          wanted: given.wanted + count
      }
    end

    {:reply, :ok, state |> watch(owner) |> give(key, expect)}
  end

  def handle_call({:allow, {pid, _worker} = key, owner}, _from, state) do
    state = state |> watch(owner) |> watch(pid)
    {:reply, :ok, put_in(state.allowed[key], owner)}
  end

  def handle_call({:find, callers, worker, function}, _from, state) do
    owners = Enum.flat_map(callers, &owners(state, &1, worker, []))
    key = Enum.find_value(owners, &given_key(state, {&1, worker, function}))

    if key do
      {reply, given} = take(Map.fetch!(state.given, key), elem(key, 0))
      {:reply, reply, put_in(state.given[key], given)}
    else
      others = for {{owner, ^worker, other}, _} <- state.given, owner in owners, do: other
      {:reply, {:none, others |> Enum.uniq() |> Enum.sort()}, state}
    end
  end

  def handle_call({:failed, owner, failure}, _from, state) do
    {:reply, :ok, %{state | failures: Map.put_new(state.failures, owner, failure)}}
  end

  def handle_call({:keep, owner}, _from, state) do
    {:reply, :ok, put_in(watch(state, owner).kept[owner], true)}
  end

  def handle_call({:verify, owner}, _from, state) do
    missing =
      for {{^owner, worker, function}, %{wanted: wanted, called: called}} <- state.given,
          called < wanted,
          do: {worker, function, wanted, called}

    reply =
      case {state.failures, missing} do
        {%{^owner => failure}, _missing} -> {:failed, failure}
        {_none, []} -> :ok
        {_none, missing} -> {:missing, Enum.sort(missing)}
      end

    {:reply, reply, state}
  end

  def handle_call({:forget, owner}, _from, state), do: {:reply, :ok, remove(state, owner)}

  @impl true
  def handle_info({:DOWN, _monitor, :process, pid, _reason}, state) do
    state = %{state | watched: Map.delete(state.watched, pid)}
    {:noreply, if(state.kept[pid], do: state, else: remove(state, pid))}
  end

  defp watch(%{watched: watched} = state, pid) when is_map_key(watched, pid), do: state
  defp watch(state, pid), do: put_in(state.watched[pid], Process.monitor(pid))

  defp give(state, key, change) do
    given = Map.get(state.given, key, %__MODULE__{stub: nil, expected: []})
    put_in(state.given[key], change.(given))
  end

  # Whose stubs a process uses: its own, and those of the one that has let it, and so on.
  defp owners(state, pid, worker, seen) do
    owner = state.allowed[{pid, worker}]

    if owner && owner not in seen,
      do: [pid | owners(state, owner, worker, [pid | seen])],
      else: [pid]
  end

  defp given_key(state, key), do: if(is_map_key(state.given, key), do: key)

  defp take(%{expected: [fun | rest]} = given, owner) do
    {{:ok, {fun, owner}}, %{given | expected: rest, called: given.called + 1}}
  end

  defp take(%{stub: nil, wanted: wanted} = given, _owner) do
    {{:used_up, wanted}, %{given | called: given.called + 1}}
  end

  defp take(%{stub: fun} = given, owner) do
    {{:ok, {fun, owner}}, %{given | called: given.called + 1}}
  end

  defp remove(state, pid) do
    %{
      state
      | given: Map.reject(state.given, fn {{owner, _, _}, _} -> owner == pid end),
        allowed: Map.reject(state.allowed, fn {{one, _}, owner} -> pid in [one, owner] end),
        failures: Map.delete(state.failures, pid),
        kept: Map.delete(state.kept, pid)
    }
  end
end
