defmodule Bench.Relay do
  @moduledoc "A process that receives what a port says, and passes it on, so that many others can write to that port."

  @doc """
  What `fun` returns, while each packet of the port's goes to `answers`, whose `{address, term}` are
  sent to the addresses as they are.
  """
  @spec run(port(), (binary() -> [{pid() | reference(), term()}]), (() -> result)) :: result
        when result: term()
  def run(port, answers, fun) do
    owner = self()
    relay = Task.async(fn -> relay(port, answers, owner) end)
    Port.connect(port, relay.pid)
    result = fun.()
    send(relay.pid, :stop)
    Task.await(relay)
    result
  end

  defp relay(port, answers, owner) do
    receive do
      {^port, {:data, packet}} ->
        for {to, _term} = answer <- answers.(packet), do: send(to, answer)
        relay(port, answers, owner)

      # The port is to live on.
      :stop ->
        Port.connect(port, owner)
        Process.unlink(port)
    end
  end
end
