defmodule PortWorker.Server do
  @moduledoc false
  # The process that has the worker's name and stands in the supervision tree. It
  # keeps one connection alive, or as many as `:size` says: starts them, starts each again with growing pauses
  # when it ends, and gives up when that happens too often to one of them, so that its supervisor can act.
  # Calls do not pass through it.

  use GenServer

  alias PortWorker.{Error, Hello, Options, Pending, Pool, Requests, Routes}
  alias PortWorker.Pool.{Load, Member}
  alias PortWorker.Test.Caller

  require Logger

  @enforce_keys [:opts, :options, :check, :routes, :members]
  defstruct [
    :opts,
    :options,
    :check,
    :routes,
    :members,
    # The index of the one that is being replaced, from its drain until its successor is up.
    :replacing
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
    {routes, members} = table(options)

    state = %__MODULE__{
      opts: opts,
      options: options,
      check: check,
      routes: routes,
      members: members
    }

    with {:ok, state} <- each(members, state, &start/2),
         {:ok, state} <- each(members, state, &await_hello/2) do
      {:ok, state}
    else
      {:error, error, state} ->
        stop_all(state)
        # The caller gets the error as a value; without this it would also get the exit
        # signal, and die of it if it is no supervisor.
        unlink_parent()
        {:stop, {:shutdown, error}}
    end
  end

  # One process has the worker's own entry. Where there are several, or a stub takes its place, that says who knows
  # the way.
  defp table(options) do
    keys = keys(options)
    size = size(options)
    load = Load.new(size)
    several? = size > 1 or options.command == :stub

    members =
      for index <- 1..size, into: %{} do
        keys = if several?, do: [{hd(keys), index}], else: keys
        {index, %Member{keys: keys, share: Load.share(load, index)}}
      end

    all = Enum.uniq(keys ++ Enum.flat_map(Map.values(members), & &1.keys))
    routes = Routes.own(all)
    Routes.put(all, Error.new(:worker_down, "the worker is starting"))
    if several?, do: Routes.put(keys, chooser(options, hd(keys), load))
    {routes, members}
  end

  # The metadata of logs uses the first key, so the name goes first.
  defp keys(%{name: name}) when is_atom(name), do: [name, self()]
  defp keys(_without_local_name), do: [self()]

  defp size(%{command: :stub}), do: 1
  defp size(%{size: size}), do: size

  defp chooser(%{command: :stub}, worker, _load), do: {Caller, worker}

  defp chooser(%{route: route}, worker, load) do
    {Pool, %Pool{worker: worker, load: load, route: route}}
  end

  defp each(members, state, fun) do
    members
    |> Map.keys()
    |> Enum.reduce_while({:ok, state}, fn index, {:ok, state} ->
      case fun.(index, state) do
        {:ok, state} -> {:cont, {:ok, state}}
        {:error, error} -> {:halt, {:error, error, state}}
      end
    end)
  end

  defp start(index, state) do
    with {:ok, member} <- Member.start(state.members[index], state.options) do
      {:ok, put_member(state, index, member)}
    end
  end

  defp await_hello(index, state) do
    %{connection: connection} = state.members[index]

    receive do
      {:up, ^connection, hello} ->
        accept(index, hello, state)

      {:EXIT, pid, reason} ->
        if index_of(state, pid), do: {:error, Error.from_exit(reason)}, else: exit(reason)
    end
  end

  defp accept(index, hello, state) do
    member = state.members[index]

    case check(hello, state) do
      :ok ->
        {:ok, put_member(state, index, Member.up(member, hello))}

      {:error, error} ->
        Requests.stop([member.connection], state.options.drain_timeout)
        {:error, error}
    end
  end

  # A stub has no functions until a test gives it some.
  defp check(_hello, %{options: %{command: :stub}}), do: :ok
  defp check(hello, state), do: state.check.(hello)

  defp unlink_parent do
    case Process.get(:"$ancestors") do
      [parent | _] when is_pid(parent) -> Process.unlink(parent)
      [parent | _] when is_atom(parent) -> parent |> Process.whereis() |> Process.unlink()
    end
  end

  @impl true
  def handle_call(:status, _from, %{members: %{1 => member} = members} = state)
      when map_size(members) == 1 do
    {:reply, Member.status(member), state}
  end

  def handle_call(:status, _from, state) do
    {:reply, state |> in_order() |> Member.status_of(), state}
  end

  def handle_call(:functions, _from, state) do
    hello = state |> in_order() |> Enum.find_value(& &1.hello)
    {:reply, if(hello, do: hello.functions, else: []), state}
  end

  @impl true
  def handle_info({:up, connection, hello}, state) do
    with index when index != nil <- index_of(state, connection),
         {:ok, state} <- accept(index, hello, state) do
      member = state.members[index]
      Logger.info("#{Member.label(member)}: the worker is back, as OS process #{hello.os_pid}")
      state = put_member(state, index, %{member | restarted: member.restarted + 1})
      {:noreply, replaced(state, index)}
    else
      nil ->
        {:noreply, state}

      {:error, error} ->
        label = Member.label(state.members[index_of(state, connection)])
        Logger.error("#{label}: the worker is back, but #{error.message}; giving up")
        {:stop, {:gave_up, error}, state}
    end
  end

  # It asks once, so that it is kept in mind until it is its turn.
  def handle_info({:replace, connection}, state) do
    case index_of(state, connection) do
      index when index != nil and state.options.replace ->
        {:noreply, state |> update_member(index, &%{&1 | replace?: true}) |> replace_next()}

      _ended_or_unwanted ->
        {:noreply, state}
    end
  end

  def handle_info({:EXIT, connection, reason}, state) do
    case index_of(state, connection) do
      nil -> {:noreply, state}
      index -> down(index, Error.from_exit(reason), state)
    end
  end

  # The connection was killed; its exit signal comes next.
  def handle_info({:"ETS-TRANSFER", _table, connection, pending}, state) do
    error = Error.from_exit(:killed)
    index = index_of(state, connection)
    if index, do: Routes.put(state.members[index].keys, error)
    fail(pending, error)
    {:noreply, state}
  end

  def handle_info({:connect, index}, state) do
    with {:ok, options} <- Options.start(state.opts),
         {:ok, state} <- start(index, %{state | options: options}) do
      {:noreply, state}
    else
      {:error, error} -> down(index, error, state)
    end
  end

  # Without its route nobody finds the worker: a fresh start writes a new one.
  def handle_info({:DOWN, routes, :process, _pid, reason}, %{routes: routes} = state) do
    {:stop, {:routes_lost, reason}, state}
  end

  def handle_info(_stray, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, state) do
    stop_all(state)
    fail_killed()
  end

  # One that has just ended may be among them.
  defp stop_all(state) do
    connections = for %{connection: pid} when pid != nil <- Map.values(state.members), do: pid
    Requests.stop(connections, state.options.drain_timeout)
  end

  defp fail_killed do
    receive do
      {:"ETS-TRANSFER", _table, _connection, pending} ->
        fail(pending, Error.from_exit(:killed))
        fail_killed()
    after
      0 -> :ok
    end
  end

  defp fail(pending, error) do
    Pending.close(pending)
    Pending.fail(pending, error)
  end

  defp down(index, error, state) do
    member = state.members[index]

    case Member.down(member, error, state.options) do
      {:retry, delay, clean?, member} ->
        level = if clean?, do: :info, else: :error
        Logger.log(level, "#{Member.label(member)}: #{error.message}; restart in #{delay} ms")
        _ = Process.send_after(self(), {:connect, index}, delay)
        {:noreply, put_member(state, index, member)}

      {:give_up, failures} ->
        text = "#{error.message}; giving up after #{failures} failures"
        Logger.error("#{Member.label(member)}: #{text}")
        {:stop, {:gave_up, error}, put_member(state, index, %{member | connection: nil})}
    end
  end

  # One at a time, so that the others can take its calls. Between its drain and its end calls for it are
  # refused as draining.
  defp replace_next(%{replacing: nil} = state) do
    case Enum.find(state.members, fn {_, member} -> member.replace? and member.phase == :up end) do
      {index, member} ->
        Requests.drain(member.connection, "the worker is being replaced")
        state = put_member(state, index, %{member | phase: :draining})
        %{state | replacing: index}

      nil ->
        state
    end
  end

  defp replace_next(state), do: state

  defp replaced(%{replacing: index} = state, index), do: replace_next(%{state | replacing: nil})
  defp replaced(state, _another), do: state

  defp index_of(state, connection) do
    Enum.find_value(state.members, fn {index, member} ->
      if member.connection == connection, do: index
    end)
  end

  defp in_order(state), do: for(index <- 1..map_size(state.members), do: state.members[index])

  defp put_member(state, index, member), do: put_in(state.members[index], member)
  defp update_member(state, index, fun), do: put_member(state, index, fun.(state.members[index]))
end
