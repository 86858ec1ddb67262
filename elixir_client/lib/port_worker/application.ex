defmodule PortWorker.Application do
  @moduledoc false
  # Runs what all workers of a node share: the table of routes. Sees whether events are to be sent.

  use Application

  @impl true
  def start(_type, _args) do
    PortWorker.Telemetry.setup()

    Supervisor.start_link([PortWorker.Routes], strategy: :one_for_one, name: PortWorker.Supervisor)
  end
end
