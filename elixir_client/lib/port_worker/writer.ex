defmodule PortWorker.Writer do
  @moduledoc false
  # The only process that writes to the port, and so the only one a slow worker
  # stalls. Callers send it messages they have encoded themselves; what waits in its
  # mailbox goes out as one packet.
  #
  # It sees every call, so it also watches the callers: when one dies, the worker is
  # told, and ends what that caller had started. A caller is watched from its first
  # call to its death, which is cheaper than to begin and end with each call. A death
  # message is sent only to the worker, never acted on here.

  alias PortWorker.Executable
  alias PortWorker.Pool.Load
  alias PortWorker.Telemetry.Queue
  alias PortWorker.Test.Peer
  alias PortWorker.Wire

  # Enough that a packet costs little beside what is in it. The other side begins with the first
  # message while more are collected here.
  @max_messages 64
  @max_bytes 65_536

  # Past this, what was just written is worth a collection: the process may sleep long.
  @large 1_048_576

  @enforce_keys [:port, :share]
  defstruct [:port, :share, :queue, limit: @max_bytes]

  @doc "Starts the writer of `port`. It counts the calls it writes in `share`."
  @spec start_link(Executable.program(), Load.share(), Queue.t() | nil) :: pid()
  def start_link(port, share, queue) do
    writer = %__MODULE__{port: port, share: share, queue: queue}
    :proc_lib.spawn_link(__MODULE__, :wait, [writer, %{}])
  end

  @doc "Writes a call that was encoded by the caller; `owner` is watched unless it is `nil`."
  @spec call(pid(), {owner :: pid() | nil, Wire.encoded(), pos_integer()}) :: :ok
  def call(writer, {owner, encoded, size}) do
    send(writer, {:call, owner, encoded, size})
    :ok
  end

  @doc "Writes any other message."
  @spec control(pid(), Wire.message() | :drain) :: :ok
  def control(writer, message), do: encoded(writer, Wire.encode(message))

  @doc "The same with a message that has been encoded."
  @spec encoded(pid(), {Wire.encoded(), pos_integer()}) :: :ok
  def encoded(writer, {encoded, size}) do
    send(writer, {:control, encoded, size})
    :ok
  end

  @doc "No packet of several messages is to be larger than `bytes`."
  @spec limit(pid(), pos_integer()) :: :ok
  def limit(writer, bytes) do
    send(writer, {:limit, bytes})
    :ok
  end

  # What changes with every message is passed as arguments: a struct would be copied each time. `owners`
  # are those watched; `batch` holds `count` messages, the last one first, of `bytes`, `calls` of them calls.

  @doc false
  @spec wait(%__MODULE__{}, %{pid() => reference()}) :: no_return()
  def wait(writer, owners) do
    receive do
      message -> accept(message, writer, owners, [], 0, 0, 0)
    end
  end

  defp gather(writer, owners, batch, bytes, @max_messages, calls) do
    flush(writer, batch, bytes, @max_messages, calls)
    wait(busy(writer), owners)
  end

  defp gather(writer, owners, batch, bytes, count, calls) do
    receive do
      message -> accept(message, writer, owners, batch, bytes, count, calls)
    after
      0 ->
        flush(writer, batch, bytes, count, calls)
        wait(idle(writer), owners)
    end
  end

  defp accept({:call, owner, encoded, size}, writer, owners, batch, bytes, count, calls) do
    owners = watch(owners, owner)
    add(encoded, size, 1, writer, owners, batch, bytes, count, calls)
  end

  defp accept({:control, encoded, size}, writer, owners, batch, bytes, count, calls) do
    add(encoded, size, 0, writer, owners, batch, bytes, count, calls)
  end

  defp accept({:limit, limit}, writer, owners, batch, bytes, count, calls) do
    gather(%{writer | limit: min(limit, @max_bytes)}, owners, batch, bytes, count, calls)
  end

  defp accept({:DOWN, _, :process, owner, _}, writer, owners, batch, bytes, count, calls) do
    {encoded, size} = Wire.encode_small({:owner_down, owner})
    owners = Map.delete(owners, owner)
    add(encoded, size, 0, writer, owners, batch, bytes, count, calls)
  end

  # Anything else was not meant for this process.
  defp accept(_other, writer, owners, batch, bytes, count, calls) do
    gather(writer, owners, batch, bytes, count, calls)
  end

  defp watch(owners, owner) when is_map_key(owners, owner) or owner == nil, do: owners
  defp watch(owners, owner), do: Map.put(owners, owner, Process.monitor(owner))

  defp add(encoded, size, call, writer, owners, batch, bytes, count, calls)
       when bytes + size <= writer.limit or count == 0 do
    gather(writer, owners, [encoded | batch], bytes + size, count + 1, calls + call)
  end

  defp add(encoded, size, call, writer, owners, batch, bytes, count, calls) do
    flush(writer, batch, bytes, count, calls)
    gather(writer, owners, [encoded], size, 1, call)
  end

  defp flush(_writer, [], _bytes, _count, _calls), do: :ok

  defp flush(writer, batch, bytes, count, calls) do
    Load.wrote(writer.share, calls)
    command(writer.port, batch |> Enum.reverse() |> Wire.packet(count))
    if bytes > @large, do: :erlang.garbage_collect()
    :ok
  end

  defp busy(%{queue: nil} = writer), do: writer
  defp busy(writer), do: %{writer | queue: Queue.busy(writer.queue)}

  defp idle(%{queue: %{high_since: since}} = writer) when since != nil do
    %{writer | queue: Queue.idle(writer.queue)}
  end

  defp idle(writer), do: writer

  defp command(peer, packet) when is_pid(peer), do: Peer.command(peer, packet)

  # A closed port is the connection's to notice; there is nothing left to write to.
  defp command(port, packet) do
    Port.command(port, packet)
  rescue
    ArgumentError -> exit(:normal)
  end
end
