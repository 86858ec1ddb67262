defmodule PortWorker.Telemetry.Span do
  @moduledoc false
  # A call, a stream or a channel from its start to its end. Without telemetry it is `nil`, and
  # whatever is done with it is nothing.
  #
  # One that is shared may be ended by several processes. Only the first does.

  alias PortWorker.{Call, Error, Routes, Telemetry}
  alias PortWorker.Telemetry.Lanes

  @enforce_keys [:kind, :started, :metadata]
  defstruct [:kind, :started, :metadata, :ended]

  @type kind :: :call | :stream | :channel
  @type t :: %__MODULE__{
          kind: kind(),
          started: integer(),
          metadata: map(),
          ended: :atomics.atomics_ref() | nil
        }

  @doc "The call begins. `route` is `nil` if there is none."
  @spec start(kind(), PortWorker.worker(), Routes.Route.t() | nil, Call.t()) :: t() | nil
  def start(kind, worker, route, call) do
    if Telemetry.on?(), do: begin(kind, worker, route, call)
  end

  defp begin(kind, worker, route, %{function: function, options: %{wire: wire}}) do
    metadata = %{
      worker: worker,
      index: index(route),
      function: function,
      lane: Map.get(wire, :lane) || Lanes.of(route, function),
      task: Map.get(wire, :name),
      telemetry_span_context: make_ref()
    }

    started = System.monotonic_time()
    measurements = %{system_time: System.system_time(), monotonic_time: started}
    Telemetry.execute([kind, :start], measurements, metadata)
    %__MODULE__{kind: kind, started: started, metadata: metadata}
  end

  defp index(%{key: {_worker, index}}), do: index
  defp index(%{}), do: 1
  defp index(nil), do: nil

  @doc "The same for one that another process may end."
  @spec shared(kind(), PortWorker.worker(), Routes.Route.t() | nil, Call.t()) :: t() | nil
  def shared(kind, worker, route, call) do
    with %__MODULE__{} = span <- start(kind, worker, route, call) do
      %{span | ended: :atomics.new(1, [])}
    end
  end

  @doc "It has ended, with that result. Returns the result."
  @spec stop(t() | nil, result, map()) :: result when result: {:ok, term()} | {:error, Error.t()}
  def stop(span, result, measurements \\ %{})
  def stop(nil, result, _measurements), do: result

  def stop(span, result, measurements) do
    finish(span, :stop, measurements, outcome(result))
    result
  end

  defp outcome({:ok, _value}), do: %{result: :ok, reason: nil}
  defp outcome({:error, %Error{reason: reason}}), do: %{result: :error, reason: reason}

  @doc "Code of the caller's has raised, thrown or exited."
  @spec exception(t() | nil, :error | :exit | :throw, term(), Exception.stacktrace()) :: :ok
  def exception(nil, _kind, _reason, _stacktrace), do: :ok

  def exception(span, kind, reason, stacktrace) do
    metadata = %{kind: kind, reason: reason, stacktrace: without_arguments(stacktrace)}
    finish(span, :exception, %{}, metadata)
  end

  # Where no clause fits, the arguments stand in the place of their number: elements, or progress.
  defp without_arguments(stacktrace) do
    Enum.map(stacktrace, fn
      {module, name, args, location} when is_list(args) -> {module, name, length(args), location}
      {fun, args, location} when is_list(args) -> {fun, length(args), location}
      entry -> entry
    end)
  end

  defp finish(%{ended: ended} = span, event, measurements, metadata) do
    if ended == nil or :atomics.exchange(ended, 1, 1) == 0 do
      now = System.monotonic_time()
      measurements = Map.merge(measurements, %{duration: now - span.started, monotonic_time: now})
      Telemetry.execute([span.kind, event], measurements, Map.merge(span.metadata, metadata))
    end

    :ok
  end
end
