defmodule PortWorker.Application do
  @moduledoc false
  # Runs what all workers of a node share: the table of routes, and who looks after those that wait. Sees whether events are to be sent.

  use Application

  @impl true
  def start(_type, _args) do
    PortWorker.Telemetry.setup()

    # Without who looks after those that wait, no worker is to be found either.
    children = [PortWorker.Waiting, PortWorker.Routes]
    Supervisor.start_link(children, strategy: :rest_for_one, name: PortWorker.Supervisor)
  end
end
