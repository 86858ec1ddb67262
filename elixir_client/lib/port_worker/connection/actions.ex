defmodule PortWorker.Connection.Actions do
  @moduledoc false
  # Carries out what a session says is to be done, in the process of the connection.

  alias PortWorker.{
    Callbacks,
    Calls,
    Connection,
    Notification,
    Session,
    WorkerLog,
    Writer
  }

  alias PortWorker.Connection.Known
  alias PortWorker.Pool.Load
  alias PortWorker.Telemetry.{Life, Span}

  @doc """
  Carries out the actions, in order. It stops at one with which the life of the connection goes a step
  further, and returns it with those that follow.
  """
  @spec perform([Session.action()], Connection.t()) ::
          {:done, Connection.t()}
          | {{:up | :broken, term()}, [Session.action()], Connection.t()}
  def perform([], %{writer: %{said: []}} = state), do: {:done, state}

  def perform([], %{writer: writer} = state) do
    {:done, %{state | writer: Writer.flush(writer)}}
  end

  # First of all, since it is what there is most of.
  def perform([{:answer, id, result} | rest], state) when is_integer(id) do
    Calls.answer(Calls.take(id) || overtaken(id, state), id, result, state.pending)
    perform(rest, state)
  end

  def perform([{:answer, ref, result} | rest], state) do
    :erlang.send(ref, {ref, result})
    perform(rest, state)
  end

  def perform([{:deliver, to, message} | rest], state) do
    :erlang.send(to, message)
    perform(rest, state)
  end

  def perform([{:write, message} | rest], state) do
    perform(rest, %{state | writer: Writer.say(state.writer, message)})
  end

  def perform([{:reply, from, reply} | rest], state) do
    GenServer.reply(from, reply)
    perform(rest, state)
  end

  def perform([{:log, level, message, attributes} | rest], state) do
    WorkerLog.write(level, hd(state.keys), message, attributes)
    perform(rest, state)
  end

  def perform([{:notify, to, message} | rest], state) do
    Notification.deliver(hd(state.keys), to, message)
    perform(rest, state)
  end

  def perform([{:callback, request} | rest], state) do
    perform(rest, %{state | callbacks: Callbacks.start(state.callbacks, request)})
  end

  def perform([{:ended, ref} | rest], state) do
    perform(rest, %{state | callbacks: Callbacks.stop(state.callbacks, ref)})
  end

  def perform([:replace | rest], state) do
    send(state.server, {:replace, self()})
    perform(rest, state)
  end

  def perform([{:stopped, span, result} | rest], state) do
    _ = Span.stop(span, result)
    perform(rest, state)
  end

  def perform([:ponged | rest], state) do
    state = if Calls.sign_of_life(), do: Known.never_written(state), else: state
    Life.ponged(state.life, Load.in_flight(state.share))
    perform(rest, state)
  end

  def perform([{step, _of} = action | rest], state) when step in [:up, :broken] do
    {action, rest, state}
  end

  # Of processes with a mailbox off their heap, the VM does not say in which order the messages of a caller and of
  # a port arrive. Who knows of the call has told it before the port did.
  defp overtaken(id, state) do
    receive do
      {:called, _owner, ^id, _to} = message ->
        Writer.called(state.writer, message)
        Calls.take(id)
    after
      0 -> nil
    end
  end
end
