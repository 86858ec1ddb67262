defmodule :telemetry do
  @moduledoc """
  What the tests need of the library of that name, in its place.
  """

  @table __MODULE__

  @doc "Makes the table of handlers, which belongs to the calling process. In a VM without one nobody listens."
  def start, do: :ets.new(@table, [:bag, :public, :named_table])

  def attach_many(id, events, handler, config) do
    for event <- events, do: :ets.insert(@table, {event, id, handler, config})
    :ok
  end

  def detach(id) do
    :ets.match_delete(@table, {:_, id, :_, :_})
    :ok
  end

  # As the library does it: a handler that fails is detached, and whoever executes goes on.
  def execute(event, measurements, metadata) when is_map(measurements) and is_map(metadata) do
    handlers = if :ets.whereis(@table) == :undefined, do: [], else: :ets.lookup(@table, event)

    for {^event, id, handler, config} <- handlers do
      try do
        handler.(event, measurements, metadata, config)
      catch
        _kind, _reason -> detach(id)
      end
    end

    :ok
  end
end

defmodule PortWorker.TelemetryListener do
  @moduledoc """
  Hands the events of one worker to a test.
  """

  import ExUnit.Callbacks, only: [on_exit: 1]

  @doc "From now on the calling process gets `{:event, event, measurements, metadata, executed_by}` for all events of the worker."
  def listen(worker) do
    id = make_ref()
    on_exit(fn -> :telemetry.detach(id) end)
    config = %{test: self(), worker: worker}
    :telemetry.attach_many(id, PortWorker.Telemetry.events(), &__MODULE__.handle/4, config)
  end

  @doc false
  def handle(event, measurements, %{worker: worker} = metadata, %{worker: worker, test: test}) do
    send(test, {:event, event, measurements, metadata, self()})
  end

  def handle(_event, _measurements, _metadata, _config), do: :ok
end
