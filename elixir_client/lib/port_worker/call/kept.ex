defmodule PortWorker.Call.Kept do
  @moduledoc false
  # Calls that a process makes again: to the same worker, of the same function, with the same options. All that there is to check and
  # to look up, which takes longer than to make the call, has been done for those before.
  #
  # A process keeps few of them, in its dictionary, and only such as nobody has to know more of than who waits. Of a worker of several
  # OS processes it keeps a call for each of these, and chooses anew each time.
  #
  # (None is kept by a process that is called back, which has a context; and a process has it before it makes any call.)

  require Record

  alias PortWorker.{Call, Calls, Error, Pending, Ref, Routes, Telemetry, Waiting, Wire}
  alias PortWorker.Call.Plan
  alias PortWorker.Routes.Route

  # A tuple, and flat: to look into `route` and `plan` for what each call needs takes as long as the rest of it. The call is without its
  # arguments, and others' tasks differ from `task` in reference and number. `short` is for a worker that keeps the options, and
  # `flag` for waiting without a timer; `spans?` says whether telemetry is to know, which is known from the start.
  Record.defrecord(:kept, [
    :pending,
    :connection,
    :port,
    :owner,
    :max_frame,
    :short,
    :flag,
    :task,
    :function,
    :spans?,
    :node,
    :call,
    :route,
    :plan
  ])

  @type kept ::
          record(:kept,
            pending: Pending.t(),
            connection: pid(),
            port: port() | nil,
            owner: pid() | nil,
            max_frame: pos_integer(),
            short: Wire.short() | nil,
            flag: Waiting.flag() | nil,
            task: Ref.t(),
            function: String.t(),
            spans?: boolean(),
            node: node(),
            call: Call.t(),
            route: Route.t(),
            plan: Plan.t()
          )

  @compile {:inline, find: 3}

  @kept :"$portworker_calls"
  @seen :"$portworker_seen"
  @most 8

  # So many times a process does what is for calls that are made often, for the worker keeps something of it until the
  # process ends.
  @times :"$portworker_times"
  @most_times 100

  @doc """
  Such a call, which has no number yet.

  Else it is to be made in full: where a route is returned, it has been chosen already.
  """
  @spec find(PortWorker.worker(), atom() | String.t(), list(), keyword()) ::
          kept() | Route.t() | nil
  # That these are a list is seen at once where there is one.
  def find(worker, function, [_arg], opts), do: find(worker, function, opts)

  def find(worker, function, args, opts) when length(args) >= 0,
    do: find(worker, function, opts)

  def find(_worker, _function, _no_arguments, _opts), do: nil

  # Not by `Process`, since every call comes by here.
  defp find(worker, function, opts) do
    case :erlang.get(@kept) do
      :undefined -> nil
      kept -> find_in(kept, worker, function, opts)
    end
  end

  # The node is in the bytes that the worker keeps, and may get its name late.
  defp find_in([{worker, function, opts, kept} | _], worker, function, opts),
    do: if(kept(kept, :node) == node(), do: kept)

  defp find_in([{worker, function, opts, call, chooser, members} | _], worker, function, opts) do
    with {:ok, %{key: key, connection: connection} = route} <- Routes.choose(chooser, call) do
      case members do
        %{^key => kept(connection: ^connection, node: node) = kept} ->
          if node == node(), do: kept, else: route

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

  @doc "The bytes of such a call. It is an error if the worker does not accept as many."
  @spec encode(kept(), Calls.id(), args :: list()) ::
          {:ok, Wire.encoded_message()} | {:error, Error.t()}
  def encode(kept(short: nil, plan: plan, route: route), id, args),
    do: Plan.encode(plan, route, id, args)

  def encode(kept(short: short, max_frame: max_frame) = kept, id, args) do
    case Wire.short_call(id, short, args) do
      {_encoded, size} = message when size <= max_frame -> {:ok, message}
      {_encoded, size} -> {:error, Plan.too_large(kept(kept, :plan), size, max_frame)}
    end
  end

  @doc """
  The same for a call that is made in full, and is about to be sent. It is kept for others like it, if there can be some, and
  returned: it is the second of those.
  """
  @spec encode(PortWorker.worker(), Call.t(), Route.t(), Plan.t(), Calls.id()) ::
          {:ok, Wire.encoded_message(), kept() | nil} | {:error, Error.t()}
  def encode(worker, call, route, plan, id) do
    if again?(worker, call, route) do
      {flag, number} = often(plan, route)
      keeping = if number, do: Plan.numbered(plan, number), else: plan

      with {:ok, message} <- Plan.encode(keeping, route, id, call.args),
           do: {:ok, message, keep(worker, call, route, plan, flag, number)}
    else
      with {:ok, message} <- Plan.encode(plan, route, id, call.args), do: {:ok, message, nil}
    end
  end

  defp again?(
         worker,
         %{given: {function, opts}, options: options},
         %{callbacks?: false, metadata: [], ticket: nil}
       )
       when (is_atom(worker) or is_pid(worker)) and not is_map_key(options, :on_progress) do
    Plan.lasting?(options) and seen?(:erlang.phash2({worker, function, opts}))
  end

  defp again?(_worker, _call, _route), do: false

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

  # What is worth it for a call that is made often: a flag, and a number under which the worker is to keep the options, which the calls
  # after it bring instead of them.
  defp often(%{owner: nil}, _route), do: {nil, nil}

  defp often(_plan, %{connection: connection, pending: pending, short_calls?: short?}) do
    times = Process.get(@times, 0)
    flag = if times < @most_times, do: Waiting.register(connection)

    if flag == nil do
      {nil, nil}
    else
      _ = Process.put(@times, times + 1)
      {flag, if(short?, do: Pending.next_options(pending))}
    end
  end

  defp keep(worker, call, route, plan, flag, number) do
    %{pending: pending, connection: connection, port: port, max_frame: max_frame} = route
    %{function: function, owner: owner, node: node} = plan

    kept =
      kept(
        pending: pending,
        connection: connection,
        port: port,
        owner: owner,
        max_frame: max_frame,
        short: number && Wire.short(function, number),
        flag: flag,
        function: function,
        spans?: Telemetry.on?(),
        task: Ref.new(worker, route, plan, make_ref()),
        node: node,
        call: %{call | args: [], span: nil},
        route: route,
        plan: plan
      )

    put(worker, call.given, kept)
    kept
  end

  # The chooser is looked up each time, so that one of a worker that was restarted since is not kept.
  defp put(worker, given, kept(route: %{key: {_name, _index} = key}, call: call) = kept) do
    with chooser when chooser != nil <- Routes.chooser(worker) do
      members = worker |> members(given) |> Map.put(key, kept)
      put_first(worker, given, &{worker, &1, &2, call, chooser, members})
    end
  end

  defp put(worker, given, kept), do: put_first(worker, given, &{worker, &1, &2, kept})

  defp members(worker, {function, opts}) do
    @kept
    |> Process.get([])
    |> Enum.find_value(%{}, fn entry ->
      with {^worker, ^function, ^opts, _call, _chooser, members} <- entry,
           do: members,
           else: (_another -> nil)
    end)
  end

  defp put_first(worker, {function, opts}, entry) do
    others =
      @kept
      |> Process.get([])
      |> Enum.reject(&(elem(&1, 0) == worker and elem(&1, 1) == function and elem(&1, 2) == opts))
      |> Enum.take(@most - 1)

    Process.put(@kept, [entry.(function, opts) | others])
  end
end
