defmodule PortWorker.Application do
  @moduledoc false
  # Runs what all workers of a node share: the table of routes, and who looks after those that wait. Sees whether events are to be sent.

  use Application

  @impl true
  def start(_type, _args) do
    PortWorker.Telemetry.setup()

    # Here, since it is to outlive who works with it.
    PortWorker.Waiting.new()

    children = [PortWorker.Waiting, PortWorker.Routes]
    Supervisor.start_link(children, strategy: :one_for_one, name: PortWorker.Supervisor)
  end
end
