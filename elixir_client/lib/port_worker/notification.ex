defmodule PortWorker.Notification do
  @moduledoc false
  # What a handler sends to a process of this node, or of another that is connected.

  alias PortWorker.WorkerLog

  @doc "Sends `message` for the worker `name`. Nobody is told whether it arrives."
  @spec deliver(term(), pid() | reference() | atom(), term()) :: :ok
  def deliver(name, to, message) when is_atom(to) do
    case Process.whereis(to) do
      pid when is_pid(pid) ->
        deliver(name, pid, message)

      _none_or_port ->
        text = "notified #{inspect(to)}, and no process has that name"
        WorkerLog.write(:debug, name, text, %{})
    end
  end

  # The connection does not wait for another node.
  def deliver(_name, to, message) do
    _ = :erlang.send(to, message, [:noconnect, :nosuspend])
    :ok
  end
end
