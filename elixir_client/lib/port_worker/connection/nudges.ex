defmodule PortWorker.Connection.Nudges do
  @moduledoc false
  # Those who wait without a timer are nudged when there is no answer for a while, so that they can see to their deadlines
  # themselves, see `PortWorker.Waiting`. It looks for them twice a second, and only while calls are made.

  alias PortWorker.{Calls, Connection, Pending}
  alias PortWorker.Pool.Load

  # In milliseconds. A call is nudged when it is once to twice as old: before anybody gives up, which is after a second at the
  # earliest.
  @interval 500

  @doc "How many milliseconds a call has waited that is nudged; it may be as many more."
  @spec interval() :: pos_integer()
  def interval, do: @interval

  @doc "A call is written."
  @spec written(Connection.t()) :: Connection.t()
  def written(%{nudges: nil} = state), do: look_later(state, Pending.made(state.pending))
  def written(state), do: state

  defp look_later(state, made) do
    _ = Process.send_after(self(), :nudge, @interval)
    %{state | nudges: made}
  end

  @doc "It is time: nudges those who have waited since the last time."
  @spec due(Connection.t()) :: Connection.t()
  def due(%{nudges: last, writer: writer} = state) do
    Calls.nudge((writer.nudged + 1)..last//1, Load.in_flight(state.share))
    state = %{state | writer: %{writer | nudged: last}, nudges: nil}

    case Pending.made(state.pending) do
      ^last -> state
      made -> look_later(state, made)
    end
  end
end
