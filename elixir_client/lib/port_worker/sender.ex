defmodule PortWorker.Sender do
  @moduledoc false
  # What callers have for a connection: messages that they have encoded themselves, for `PortWorker.Writer`.
  #
  # Whoever goes on without the answer waits for the connection once in so many calls, so that nobody gets further ahead of it.
  # They are as many as fill a packet, and fewer than a process can start in its turn: one whose turn ends while the
  # connection waits for its own has the VM wake another scheduler for that, and a task takes both of them a third longer then.

  import PortWorker.Pending, only: [open_by: 1]

  alias PortWorker.{Calls, Pending, Wire}
  alias PortWorker.Routes.Route

  # At one of so many calls, and for so many milliseconds at most, in case the connection has something else to do.
  @pace 64
  @pace_timeout 100

  # What a caller may write itself, in bytes. The connection puts no more into a packet of several messages.
  @small 65_536

  @type call :: {owner :: pid() | nil, Wire.encoded(), pos_integer()}

  @doc """
  Has a connection write a call, whose answer goes to `to`; its owner is watched unless it is `nil`. Returns whether the
  connection still looked after tasks.
  """
  @spec call(
          pid(),
          Pending.t(),
          owner :: pid() | nil,
          Calls.id(),
          Calls.to(),
          Wire.encoded_message()
        ) :: boolean()
  def call(connection, pending, owner, id, to, {encoded, size}) do
    sent = Pending.sent(pending)
    send(connection, {:call, owner, id, to, encoded, size})
    if rem(sent, @pace) == 0, do: keep_pace(connection)
    open_by(sent)
  end

  @doc "The same with a ref that says itself where the answer goes."
  @spec call(Route.t(), call()) :: :ok
  def call(%{connection: connection, pending: pending}, {owner, encoded, size}) do
    sent = Pending.sent(pending)
    send(connection, {:call, owner, encoded, size})
    if rem(sent, @pace) == 0, do: keep_pace(connection)
    :ok
  end

  # The monitor is an alias as well: nothing comes after the answer, or when both have been given up.
  defp keep_pace(connection) do
    monitor = :erlang.monitor(:process, connection, alias: :reply_demonitor)
    send(connection, {:pace, monitor})

    receive do
      {^monitor, :taken} -> :ok
      {:DOWN, ^monitor, _, _, _} -> :ok
    after
      @pace_timeout -> give_up(monitor)
    end
  end

  defp give_up(monitor) do
    Process.demonitor(monitor, [:flush])

    receive do
      {^monitor, :taken} -> :ok
    after
      0 -> :ok
    end
  end

  @doc "The connection has taken what came before that."
  @spec taken(reference()) :: :ok
  def taken(pace) do
    send(pace, {pace, :taken})
    :ok
  end

  @doc """
  The same as `call/6` for a caller that waits for nothing else. A small call that is alone it writes itself, which spares it the
  way by the connection, if it has an owner that is watched: that has nothing to write which would have to come before, nor others' calls to put into
  one packet with it. `port` is where it may write.
  """
  @spec call_and_wait(
          port() | nil,
          pid(),
          Pending.t(),
          owner :: pid() | nil,
          Calls.id(),
          Calls.to(),
          Wire.encoded_message()
        ) :: :ok
  def call_and_wait(port, connection, pending, owner, id, to, {encoded, size}) do
    sent = Pending.sent(pending)

    if port != nil and owner != nil and size <= @small and Pending.alone?(pending, sent) do
      # First, so that the connection knows who waits when the answer comes.
      send(connection, {:called, owner, id, to})
      write_alone(port, encoded, size) || send(connection, {:control, encoded, size})
    else
      send(connection, {:call, owner, id, to, encoded, size})
    end

    :ok
  end

  # That `:nosuspend` may count too much in the queue of messages of a port (see otp#11052) does not matter to one
  # whose queue has no limit.
  defp write_alone(port, encoded, size) do
    :erlang.port_command(port, Wire.packet([encoded], 1, size), [:nosuspend])
  rescue
    # That the port is closed, its own messages tell.
    ArgumentError -> true
  end

  @doc "Has it write any other message."
  @spec control(pid(), Wire.message() | :drain) :: :ok
  def control(connection, message), do: encoded(connection, Wire.encode(message))

  @doc "The same with a message that has been encoded."
  @spec encoded(pid(), Wire.encoded_message()) :: :ok
  def encoded(connection, {encoded, size}) do
    send(connection, {:control, encoded, size})
    :ok
  end
end
