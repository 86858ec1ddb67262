defmodule PortWorker.Writer do
  @moduledoc false
  # What goes to the port. Callers send a connection messages that they have encoded themselves, see `PortWorker.Sender`; what waits in
  # its mailbox it writes as one packet.
  #
  # A port that is busy suspends whoever writes to it, and must not suspend the process that receives. So the
  # connection writes only while it knows that little waits in the port; else it leaves a packet to a process that
  # may be stalled. From then on everything goes that way, in order, until that process has written all it was
  # given. (With `:nosuspend` it would have to try again, and nothing tells when. And a port that is never busy
  # takes longer for each write the more writes wait in it: a millisecond for the 80,000th.)

  alias PortWorker.{Calls, Executable, Wire}
  alias PortWorker.Pool.Load
  alias PortWorker.Telemetry.Queue
  alias PortWorker.Test.Peer

  # Enough that a packet costs little beside what is in it. The other side begins with the first
  # message while more are collected here.
  @max_messages 64
  @max_bytes 65_536

  # So many calls keep the worker busy while answers are handed out here.
  @enough 16

  # The bytes of a packet of several messages, beside those of packets that would hold one each.
  @around 5

  # What the connection has to say goes along with a call that fills a packet, up to so much.
  @little 1_024

  # Past this, what was just written is worth a collection: the process may sleep long.
  @large 1_048_576

  @compile {:inline, late: 3}

  @enforce_keys [:port, :share, :stalled]
  # `said` is what the connection itself has to say, the last message first; `handed` is how many messages
  # the other process has and has not written; so many bytes as `room` the port is sure to take without being busy. A packet of
  # several messages has at most `limit` bytes beside what is around them, or `frame` where one of them is a large call. Those who wait
  # for the calls up to the number `nudged` have been. The packet that is being collected has `waited?` for answers once.
  defstruct [
    :port,
    :share,
    :stalled,
    :queue,
    limit: @max_bytes,
    frame: @max_bytes,
    said: [],
    handed: 0,
    room: 0,
    nudged: 0,
    waited?: false
  ]

  @typedoc "A packet that is being collected."
  @opaque open ::
            {batch :: [Wire.encoded()], bytes :: non_neg_integer(), count :: non_neg_integer(),
             calls :: non_neg_integer()}

  @typedoc "A call that has been encoded, with the number of bytes of its packet."
  @type t :: %__MODULE__{
          port: Executable.program(),
          share: Load.share(),
          stalled: pid(),
          queue: Queue.t() | nil,
          limit: integer(),
          frame: integer(),
          said: [Wire.encoded_message()],
          handed: non_neg_integer(),
          room: integer(),
          nudged: non_neg_integer(),
          waited?: boolean()
        }

  @doc "What writes to `port`, for the calling process. It counts the calls it writes in `share`."
  @spec new(Executable.program(), Load.share(), Queue.t() | nil) :: t()
  def new(port, share, queue) do
    stalled = :proc_lib.spawn_link(__MODULE__, :write, [port, self()])
    %__MODULE__{port: port, share: share, stalled: stalled, queue: queue}
  end

  @doc "A call has been written by its caller."
  @spec called(t(), tuple()) :: :ok
  def called(writer, {:called, owner, id, to}) do
    Load.wrote(writer.share, 1)
    Calls.watch(owner)
    Calls.enter_alone(id, to, owner)
    late(id, to, writer)
  end

  # Others of its time have been nudged already.
  defp late(id, to, %{nudged: nudged}), do: if(id <= nudged, do: Calls.nudge(to), else: :ok)

  @doc "No packet of several messages is to be larger than `bytes`."
  @spec limit(t(), pos_integer()) :: t()
  def limit(writer, bytes) do
    room = bytes - @around
    %{writer | limit: min(room, @max_bytes), frame: room}
  end

  @doc "The connection says something itself. It is written by `flush/1`."
  @spec say(t(), Wire.message() | :drain) :: t()
  def say(writer, message), do: %{writer | said: [Wire.encode(message) | writer.said]}

  @doc "Writes what was said."
  @spec flush(t()) :: t()
  def flush(%{said: []} = writer), do: writer

  def flush(%{said: said} = writer) do
    said |> Enum.reverse() |> flush(%{writer | said: []}, [], 0, 0)
  end

  defp flush([{encoded, size} | rest], writer, batch, bytes, count)
       when count == 0 or (bytes + size <= writer.limit and count < @max_messages) do
    flush(rest, writer, [encoded | batch], bytes + size, count + 1)
  end

  defp flush(rest, writer, batch, bytes, count) do
    writer = packet(writer, batch, bytes, count, 0)
    if rest == [], do: writer, else: flush(rest, writer, [], 0, 0)
  end

  @doc """
  Writes what the connection has said, a message that it got, and those that wait behind it, as one packet. It ends
  with the first that is for the connection itself, which is returned.

  Answers that come while the worker has enough to do are returned with the packet, which is not written yet: it goes on with
  `go_on/2` when they have been handed out, since those who get them may have calls for it. It does so once, for there may be no end
  to what streams bring.
  """
  @spec collect(t(), tuple()) :: {:done | {:handle, tuple()} | {:answers, tuple(), open()}, t()}
  def collect(%{waited?: true} = writer, message),
    do: collect(%{writer | waited?: false}, message)

  def collect(%{said: []} = writer, message), do: accept(message, writer, [], 0, 0, 0)

  # What the connection has to say goes first.
  def collect(%{said: said} = writer, message) do
    batch = for {encoded, _size} <- said, do: encoded
    bytes = for {_encoded, size} <- said, reduce: 0, do: (sum -> sum + size)
    accept(message, %{writer | said: []}, batch, bytes, length(said), 0)
  end

  @doc "Goes on with a packet."
  @spec go_on(t(), open()) :: {:done | {:handle, tuple()} | {:answers, tuple(), open()}, t()}
  def go_on(writer, {batch, bytes, count, calls}), do: gather(writer, batch, bytes, count, calls)

  # What changes with every message is passed as arguments: a struct would be copied each time. `batch` holds `count`
  # messages, the last one first, of `bytes`, `calls` of them calls.

  defp gather(writer, batch, bytes, @max_messages, calls) do
    {:done, packet(writer, batch, bytes, @max_messages, calls)}
  end

  defp gather(%{port: port} = writer, batch, bytes, count, calls) do
    receive do
      {:call, _owner, _id, _to, _encoded, _size} = message ->
        accept(message, writer, batch, bytes, count, calls)

      {:called, _owner, _id, _to} = message ->
        called(writer, message)
        gather(writer, batch, bytes, count, calls)

      # The answers of others do not wait for the packet.
      {^port, {:data, _packet}} = message ->
        if not writer.waited? and Load.in_flight(writer.share) >= @enough,
          do: {{:answers, message, {batch, bytes, count, calls}}, %{writer | waited?: true}},
          else: {{:handle, message}, packet(writer, batch, bytes, count, calls)}

      {:control, _encoded, _size} = message ->
        accept(message, writer, batch, bytes, count, calls)

      {:call, _owner, _encoded, _size} = message ->
        accept(message, writer, batch, bytes, count, calls)

      {:DOWN, _monitor, :process, _owner, _reason} = message ->
        accept(message, writer, batch, bytes, count, calls)

      # It is to be known before its call is written.
      {:register, _ref, _task} = message ->
        {{:handle, message}, packet(writer, batch, bytes, count, calls)}
    after
      0 -> {:done, packet(writer, batch, bytes, count, calls)}
    end
  end

  defp accept({:call, owner, id, to, encoded, size}, writer, batch, bytes, count, calls) do
    Calls.watch(owner)
    Calls.enter(id, to)
    late(id, to, writer)
    add(encoded, size, 1, writer, batch, bytes, count, calls)
  end

  defp accept({:call, owner, encoded, size}, writer, batch, bytes, count, calls) do
    Calls.watch(owner)
    add(encoded, size, 1, writer, batch, bytes, count, calls)
  end

  defp accept({:control, encoded, size}, writer, batch, bytes, count, calls) do
    add(encoded, size, 0, writer, batch, bytes, count, calls)
  end

  # The worker ends what that process had started.
  defp accept({:DOWN, _monitor, :process, owner, _reason}, writer, batch, bytes, count, calls) do
    if Calls.unwatch(owner) do
      {encoded, size} = Wire.encode({:owner_down, owner})
      add(encoded, size, 0, writer, batch, bytes, count, calls)
    else
      gather(writer, batch, bytes, count, calls)
    end
  end

  defp add(encoded, size, call, writer, batch, bytes, count, calls)
       when bytes + size <= writer.limit or count == 0 do
    gather(writer, [encoded | batch], bytes + size, count + 1, calls + call)
  end

  # An acknowledgement by itself would wake the worker for nothing else.
  defp add(encoded, size, 1, writer, batch, bytes, count, 0)
       when bytes <= @little and bytes + size <= writer.frame do
    gather(writer, [encoded | batch], bytes + size, count + 1, 1)
  end

  defp add(encoded, size, call, writer, batch, bytes, count, calls) do
    writer |> packet(batch, bytes, count, calls) |> gather([encoded], size, 1, call)
  end

  defp packet(writer, [], _bytes, _count, _calls), do: writer

  defp packet(writer, batch, bytes, count, calls) do
    if calls > 0, do: Load.wrote(writer.share, calls)
    writer = command(writer, Wire.packet(batch, count, bytes), bytes, count)
    if bytes > @large, do: :erlang.garbage_collect()
    writer
  end

  defp command(%{port: peer} = writer, packet, _bytes, _count) when is_pid(peer) do
    Peer.command(peer, packet)
    writer
  end

  defp command(%{handed: 0, room: room} = writer, packet, bytes, _count) when bytes <= room do
    direct(writer, packet, bytes, room)
  end

  # There is room for one that is larger, too: the port takes it whole, and is busy afterwards.
  defp command(%{handed: 0} = writer, packet, bytes, count) do
    case Executable.room(writer.port) do
      room when room > 0 -> direct(writer, packet, bytes, room)
      _none -> hand(writer, packet, count)
    end
  end

  defp command(writer, packet, _bytes, count), do: hand(writer, packet, count)

  defp direct(writer, packet, bytes, room) do
    Port.command(writer.port, packet)
    %{writer | room: room - bytes}
  rescue
    # That the port is closed, its own messages tell.
    ArgumentError -> writer
  end

  defp hand(writer, packet, count) do
    send(writer.stalled, {:packet, packet, count})
    handed = writer.handed + count
    %{writer | handed: handed, queue: Queue.grown(writer.queue, handed)}
  end

  @doc "The other process has written so many messages."
  @spec written(t(), pos_integer()) :: t()
  def written(%{handed: count} = writer, count) do
    %{writer | handed: 0, room: 0, queue: Queue.emptied(writer.queue)}
  end

  def written(writer, count), do: %{writer | handed: writer.handed - count}

  @doc false
  # It tells of what it has written when nothing more waits.
  @spec write(Executable.program(), pid()) :: no_return()
  def write(port, connection), do: write(port, connection, 0)

  defp write(port, connection, written) do
    receive do
      {:packet, packet, count} ->
        command_or_end(port, packet)
        write(port, connection, written + count)
    after
      if(written == 0, do: :infinity, else: 0) ->
        send(connection, {:written, written})
        write(port, connection, 0)
    end
  end

  # A closed port is the connection's to notice; there is nothing left to write to.
  defp command_or_end(port, packet) do
    Port.command(port, packet)
  rescue
    ArgumentError -> exit(:normal)
  end
end
