defmodule PortWorker.Application do
  @moduledoc false
  # Runs what all workers of a node share: the table of routes.

  use Application

  @impl true
  def start(_type, _args) do
    Supervisor.start_link([PortWorker.Routes], strategy: :one_for_one, name: PortWorker.Supervisor)
  end
end
