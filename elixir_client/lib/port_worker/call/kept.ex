defmodule PortWorker.Call.Kept do
  @moduledoc false
  # Calls that a process makes again: to the same worker, of the same function, with the same options. All that there is to check and
  # to look up, which takes longer than to make the call, has been done for those before.
  #
  # A process keeps few of them, in its dictionary, and only such as nobody has to know more of than who waits. A call that goes to
  # one of several OS processes is routed by itself.

  alias PortWorker.{Call, Calls, Context, Pending, Ref, Routes, Waiting}
  alias PortWorker.Call.Plan

  @kept :"$portworker_calls"
  @seen :"$portworker_seen"
  @most 8

  # So many times a process does what is for calls that are made often, for the worker keeps something of it until the
  # process ends.
  @times :"$portworker_times"
  @most_times 100

  @doc """
  The number of such a call, the call without its arguments, where it goes, its plan, and the task that it would be, which lacks its
  reference and its number; `nil` if it is to be made in full.
  """
  @spec find(PortWorker.worker(), atom() | String.t(), list(), keyword()) ::
          {Calls.id(), Call.t(), Routes.Route.t(), Plan.t(), Ref.t()} | nil
  def find(worker, function, args, opts) when length(args) >= 0 do
    # Not by `Process`, since every call comes by here.
    case :erlang.get(@kept) do
      :undefined -> nil
      kept -> find_in(kept, worker, function, opts)
    end
  end

  def find(_worker, _function, _no_arguments, _opts), do: nil

  defp find_in([{worker, function, opts, call, route, plan, task} | _], worker, function, opts) do
    %{pending: pending} = route

    if same?(plan) do
      with id when id != nil <- Pending.next_if_current(pending),
           do: {id, call, route, plan, task}
    end
  end

  defp find_in([_other | rest], worker, function, opts), do: find_in(rest, worker, function, opts)
  defp find_in([], _worker, _function, _opts), do: nil

  # What depends on more than the call.
  defp same?(%{node: node}), do: node == node() and Context.none?()

  @doc """
  Keeps a call for others like it, if there can be some: it is the second of those. Returns the plan that it is to be made
  by.
  """
  @spec keep(PortWorker.worker(), Call.t(), Routes.Route.t(), Plan.t()) :: Plan.t()
  def keep(
        worker,
        %{given: {function, opts}, options: options} = call,
        %{key: key, callbacks?: false, metadata: [], ticket: nil} = route,
        plan
      )
      when (is_atom(worker) or is_pid(worker)) and not is_tuple(key) and
             not is_map_key(options, :on_progress) do
    if Plan.lasting?(options) and seen?(:erlang.phash2({worker, function, opts})) do
      plan = often(plan, route)
      call = %{call | args: [], span: nil}
      entry = {worker, function, opts, call, route, plan, Ref.new(worker, route, plan)}
      _ = Process.put(@kept, [entry | others(worker, function, opts)])
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
      numbered(%{plan | flag: flag}, route)
    end
  end

  defp often(plan, _route), do: plan

  defp numbered(plan, %{short_calls?: true, pending: pending}),
    do: Plan.numbered(plan, Pending.next_options(pending))

  defp numbered(plan, _route), do: plan

  defp others(worker, function, opts) do
    @kept
    |> Process.get([])
    |> Enum.reject(&match?({^worker, ^function, ^opts, _call, _route, _plan, _task}, &1))
    |> Enum.take(@most - 1)
  end

  @doc "A call with that plan has been sent: the worker knows by now what it is to keep."
  @spec sent(Routes.Route.t(), Plan.t()) :: :ok
  def sent(route, %{short: short, told?: false} = plan) when short != nil do
    entries =
      for entry <- Process.get(@kept, []) do
        with {worker, function, opts, call, ^route, ^plan, task} <- entry,
             do: {worker, function, opts, call, route, %{plan | told?: true}, task}
      end

    _ = Process.put(@kept, entries)
    :ok
  end

  def sent(_route, _plan), do: :ok
end
