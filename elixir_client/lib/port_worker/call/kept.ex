defmodule PortWorker.Call.Kept do
  @moduledoc false
  # Calls that a process makes again: to the same worker, of the same function, with the same options. All that there is to check and
  # to look up, which takes longer than to make the call, has been done for those before.
  #
  # A process keeps few of them, in its dictionary, and only such as nobody has to know more of than who waits. Of a worker of several
  # OS processes it keeps a call for each of these, and chooses anew each time.

  alias PortWorker.{Call, Calls, Context, Pending, Ref, Routes, Waiting}
  alias PortWorker.Call.Plan
  alias PortWorker.Routes.Route

  @compile {:inline, same?: 1, numbered: 4}

  @kept :"$portworker_calls"
  @seen :"$portworker_seen"
  @most 8

  # So many times a process does what is for calls that are made often, for the worker keeps something of it until the
  # process ends.
  @times :"$portworker_times"
  @most_times 100

  @doc """
  The number of such a call, the call without its arguments, where it goes, its plan, and a task that was made by it, of which it differs in
  reference and number.

  Else it is to be made in full: where a route is returned, it has been chosen already.
  """
  @spec find(PortWorker.worker(), atom() | String.t(), list(), keyword()) ::
          {Calls.id(), Call.t(), Route.t(), Plan.t(), Ref.t()} | Route.t() | nil
  def find(worker, function, args, opts) when length(args) >= 0 do
    # Not by `Process`, since every call comes by here.
    case :erlang.get(@kept) do
      :undefined -> nil
      kept -> find_in(kept, worker, function, opts)
    end
  end

  def find(_worker, _function, _no_arguments, _opts), do: nil

  defp find_in([{worker, function, opts, call, route, plan, task} | _], worker, function, opts) do
    if same?(plan), do: numbered(call, route, plan, task)
  end

  defp find_in([{worker, function, opts, call, chooser, members} | _], worker, function, opts) do
    with {:ok, %{key: key, connection: connection} = route} <- Routes.choose(chooser, call) do
      case members do
        %{^key => {%{connection: ^connection}, plan, task}} ->
          if same?(plan), do: numbered(call, route, plan, task), else: route

        # That of another OS process or, for the worker may have been restarted, by a chooser that knows nothing any more.
        _new ->
          if Routes.chooser(worker) == chooser, do: route
      end
    else
      {:error, _no_route} -> nil
    end
  end

  defp find_in([_other | rest], worker, function, opts), do: find_in(rest, worker, function, opts)
  defp find_in([], _worker, _function, _opts), do: nil

  # What depends on more than the call.
  defp same?(%{node: node}), do: node == node() and Context.none?()

  defp numbered(call, %{pending: pending} = route, plan, task) do
    with id when id != nil <- Pending.next_if_current(pending), do: {id, call, route, plan, task}
  end

  @doc """
  Keeps a call for others like it, if there can be some: it is the second of those. Returns the plan that it is to be made
  by.
  """
  @spec keep(PortWorker.worker(), Call.t(), Route.t(), Plan.t()) :: Plan.t()
  def keep(
        worker,
        %{given: {function, opts}, options: options} = call,
        %{callbacks?: false, metadata: [], ticket: nil} = route,
        plan
      )
      when (is_atom(worker) or is_pid(worker)) and not is_map_key(options, :on_progress) do
    if Plan.lasting?(options) and seen?(:erlang.phash2({worker, function, opts})) do
      plan = often(plan, route)
      call = %{call | args: [], span: nil}

      with entry when entry != nil <- entry(worker, function, opts, call, route, plan),
           do: put(entry, worker, function, opts)

      plan
    else
      plan
    end
  end

  def keep(_worker, _call, _route, plan), do: plan

  # Whether a call of that hash was made not long ago. Options that are never the same again cost no more than this.
  defp seen?(hash) do
    seen = Process.get(@seen, [])
    again? = :lists.member(hash, seen)

    if not again? do
      seen = if length(seen) < 2 * @most, do: seen, else: Enum.take(seen, @most)
      _ = Process.put(@seen, [hash | seen])
    end

    again?
  end

  # What is worth it for a call that is made often: a flag for waiting without a timer, and a number under which the worker is to
  # keep the options, which the calls after it bring instead of them.
  defp often(%{owner: owner} = plan, route) when owner != nil do
    times = Process.get(@times, 0)
    flag = if times < @most_times, do: Waiting.register(route.connection)

    if flag == nil do
      plan
    else
      _ = Process.put(@times, times + 1)
      short(%{plan | flag: flag}, route)
    end
  end

  defp often(plan, _route), do: plan

  defp short(plan, %{short_calls?: true, pending: pending}),
    do: Plan.numbered(plan, Pending.next_options(pending))

  defp short(plan, _route), do: plan

  # The chooser is looked up each time, so that one of a worker that was restarted since is not kept.
  defp entry(worker, function, opts, call, %{key: {_name, _index} = key} = route, plan) do
    with chooser when chooser != nil <- Routes.chooser(worker) do
      member = {route, plan, Ref.new(worker, route, plan, make_ref())}
      members = Map.put(members(worker, function, opts), key, member)
      {worker, function, opts, call, chooser, members}
    end
  end

  defp entry(worker, function, opts, call, route, plan),
    do: {worker, function, opts, call, route, plan, Ref.new(worker, route, plan, make_ref())}

  defp members(worker, function, opts) do
    @kept
    |> Process.get([])
    |> Enum.find_value(%{}, fn entry ->
      with {^worker, ^function, ^opts, _call, _chooser, members} <- entry,
           do: members,
           else: (_another -> nil)
    end)
  end

  defp put(entry, worker, function, opts) do
    others =
      @kept
      |> Process.get([])
      |> Enum.reject(&(elem(&1, 0) == worker and elem(&1, 1) == function and elem(&1, 2) == opts))
      |> Enum.take(@most - 1)

    _ = Process.put(@kept, [entry | others])
    :ok
  end

  @doc "A call with that plan has been sent: the worker knows by now what it is to keep."
  @spec sent(Route.t(), Plan.t()) :: :ok
  def sent(route, %{short: short, told?: false} = plan) when short != nil do
    _ = Process.put(@kept, Enum.map(Process.get(@kept, []), &told(&1, route, plan)))
    :ok
  end

  def sent(_route, _plan), do: :ok

  defp told({worker, function, opts, call, route, plan, task}, route, plan),
    do: {worker, function, opts, call, route, %{plan | told?: true}, task}

  defp told({worker, function, opts, call, chooser, members}, %{key: key} = route, plan) do
    members =
      case members do
        %{^key => {^route, ^plan, task}} ->
          %{members | key => {route, %{plan | told?: true}, task}}

        _another ->
          members
      end

    {worker, function, opts, call, chooser, members}
  end

  defp told(another, _route, _plan), do: another
end
