defmodule PortWorker.Call.Plan do
  @moduledoc false
  # What there is to know of a call before its ref and its arguments: whether it can be made, how long it may take,
  # and its options as they are written.
  #
  # To find all that out takes a caller longer than the rest of a small call, and is mostly the same as for the
  # process's last call. So a process keeps it, in its dictionary, unless it depends on more than on the call.

  alias PortWorker.{Call, Context, Error, Options, Routes, Wire}

  @kept :"$portworker_plan"

  # The node is in the bytes of the owner, and may get its name late.
  @enforce_keys [:function, :time_left, :owner, :options, :node]
  defstruct @enforce_keys

  @type t :: %__MODULE__{
          function: String.t(),
          time_left: timeout(),
          owner: pid() | nil,
          options: binary(),
          node: node()
        }

  @doc "The plan of a call that the calling process makes now."
  @spec of(Call.t(), Routes.Route.t()) :: {:ok, t()} | {:error, Error.t()}
  def of(call, %{kinds: kinds, timeout: timeout, metadata: [], ticket: nil} = route) do
    %{function: function, options: options} = call

    case Process.get(@kept) do
      {^function, ^options, ^timeout, ^kinds, plan} when plan.node == node() ->
        if Context.none?(), do: {:ok, plan}, else: make(call, route)

      _anothers ->
        with {:ok, plan} <- make(call, route) do
          if lasting?(options), do: Process.put(@kept, {function, options, timeout, kinds, plan})
          {:ok, plan}
        end
    end
  end

  def of(call, route), do: make(call, route)

  @doc "Whether it is the same at another time: neither the time that has passed nor who waits for this process makes a difference."
  @spec lasting?(Options.call()) :: boolean()
  def lasting?(options), do: not is_map_key(options, :deadline) and Context.none?()

  @doc "The same, with options that the worker is to keep under that number."
  @spec numbered(t(), pos_integer()) :: t()
  def numbered(plan, number), do: %{plan | options: Wire.put(plan.options, :keep, number)}

  @doc "The call in bytes, with its ref and its arguments. It is an error if the worker does not accept as many."
  @spec encode(t(), Routes.Route.t(), ref :: term(), args :: list()) ::
          {:ok, Wire.encoded_message()} | {:error, Error.t()}
  def encode(%{function: function, options: options} = plan, %{max_frame: max_frame}, ref, args) do
    case Wire.call(ref, function, args, options) do
      {_encoded, size} = message when size <= max_frame -> {:ok, message}
      {_encoded, size} -> {:error, too_large(plan, size, max_frame)}
    end
  end

  @doc "Why a call of so many bytes is not made."
  @spec too_large(t(), pos_integer(), pos_integer()) :: Error.t()
  def too_large(%{function: function}, size, max_frame) do
    text = "the call is #{size} bytes, the worker accepts packets of up to #{max_frame}"
    Error.new(:frame_too_large, text, function: function)
  end

  defp make(%{function: function} = call, %{kinds: kinds})
       when is_map_key(kinds, function) and not is_map_key(call.options, :demand) do
    {:error, other_kind(call, Map.fetch!(kinds, function))}
  end

  defp make(call, route) do
    case Call.time_left(call, route) do
      0 ->
        {:error,
         Error.new(:timeout, "no time was left to make the call", function: call.function)}

      time_left ->
        {:ok, make(call, route, time_left)}
    end
  end

  defp make(%{options: options} = call, route, time_left) do
    owner = if options.detach, do: nil, else: self()
    progress? = is_map_key(options, :on_progress)
    own = %{timeout: time_left, progress: progress?}
    own = if owner, do: Map.put(own, :owner, owner), else: own

    %__MODULE__{
      function: call.function,
      time_left: time_left,
      owner: owner,
      node: node(),
      options: call |> given(route) |> Map.merge(own) |> Wire.small_term()
    }
  end

  # It would send nothing without being asked for it, and never end.
  defp other_kind(call, kind) do
    {a_kind, use} =
      if kind == :stream, do: {"a stream", "stream/4"}, else: {"a channel", "open/4"}

    Error.new(:unsupported, "it is #{a_kind}: use #{use}", function: call.function)
  end

  # What only some calls say: what they were given, what travels along, and a stub's ticket.
  defp given(%{options: %{wire: wire}}, route) do
    case Context.outgoing(Map.get(wire, :meta, %{}), route.metadata) do
      none when none == %{} -> wire
      meta -> Map.put(wire, :meta, meta)
    end
    |> add_ticket(route)
  end

  # Only the route of a stubbed worker has one.
  defp add_ticket(options, %{ticket: nil}), do: options
  defp add_ticket(options, %{ticket: ticket}), do: Map.put(options, :ticket, ticket)
end
