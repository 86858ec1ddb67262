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

  alias PortWorker.Wire

  @max_messages 64
  @max_bytes 65_536

  # Past this, what was just written is worth a collection: the process may sleep long.
  @large 1_048_576

  @enforce_keys [:port, :calls]
  defstruct [:port, :calls, limit: @max_bytes, owners: %{}, batch: [], bytes: 0, count: 0, new: 0]

  @doc "Starts the writer of `port`. It counts the calls it wrote in the first of `calls`."
  @spec start_link(port(), :counters.counters_ref()) :: pid()
  def start_link(port, calls) do
    :proc_lib.spawn_link(__MODULE__, :wait, [%__MODULE__{port: port, calls: calls}])
  end

  @doc "Writes a call that was encoded by the caller; `owner` is watched unless it is `nil`."
  @spec call(pid(), {owner :: pid() | nil, iodata(), non_neg_integer()}) :: :ok
  def call(writer, {owner, encoded, size}) do
    send(writer, {:call, owner, encoded, size})
    :ok
  end

  @doc "Writes any other message."
  @spec control(pid(), Wire.message() | :drain) :: :ok
  def control(writer, message), do: encoded(writer, Wire.encode(message))

  @doc "The same with a message that has been encoded."
  @spec encoded(pid(), {iodata(), non_neg_integer()}) :: :ok
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

  @doc false
  @spec wait(%__MODULE__{}) :: no_return()
  def wait(writer) do
    receive do
      message -> message |> accept(writer) |> gather()
    end
  end

  defp gather(%{count: @max_messages} = writer), do: writer |> flush() |> wait()

  defp gather(writer) do
    receive do
      message -> message |> accept(writer) |> gather()
    after
      0 -> writer |> flush() |> wait()
    end
  end

  defp accept({:call, nil, encoded, size}, writer) do
    add(%{writer | new: writer.new + 1}, encoded, size)
  end

  defp accept({:call, owner, encoded, size}, writer) do
    accept({:call, nil, encoded, size}, watch(writer, owner))
  end

  defp accept({:control, encoded, size}, writer), do: add(writer, encoded, size)

  defp accept({:limit, bytes}, writer), do: %{writer | limit: min(bytes, @max_bytes)}

  defp accept({:DOWN, _monitor, :process, owner, _reason}, writer) do
    {encoded, size} = Wire.encode({:owner_down, owner})
    add(%{writer | owners: Map.delete(writer.owners, owner)}, encoded, size)
  end

  # Anything else was not meant for this process.
  defp accept(_other, writer), do: writer

  defp watch(%{owners: owners} = writer, owner) when is_map_key(owners, owner), do: writer

  defp watch(writer, owner) do
    monitor = Process.monitor(owner)
    %{writer | owners: Map.put(writer.owners, owner, monitor)}
  end

  defp add(%{bytes: bytes, limit: limit} = writer, encoded, size)
       when bytes > 0 and bytes + size > limit do
    writer |> flush() |> add(encoded, size)
  end

  defp add(writer, encoded, size) do
    %{
      writer
      | batch: [encoded | writer.batch],
        bytes: writer.bytes + size,
        count: writer.count + 1
    }
  end

  defp flush(%{batch: []} = writer), do: writer

  defp flush(writer) do
    packet = writer.batch |> Enum.reverse() |> Wire.packet()
    :counters.add(writer.calls, 1, writer.new)
    command(writer.port, packet)
    large? = writer.bytes > @large
    writer = %{writer | batch: [], bytes: 0, count: 0, new: 0}
    if large?, do: :erlang.garbage_collect()
    writer
  end

  # A closed port is the connection's to notice; there is nothing left to write to.
  defp command(port, packet) do
    Port.command(port, packet)
  rescue
    ArgumentError -> exit(:normal)
  end
end
