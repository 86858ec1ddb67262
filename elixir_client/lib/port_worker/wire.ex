defmodule PortWorker.Wire do
  @moduledoc false
  # Messages to bytes and bytes to messages. A message is a tuple whose first element
  # is an atom, or `{ref, value}` for a call that went well; a packet holds one, or a list of them.
  #
  # Decoding is `:safe`: a worker cannot make atoms here. One unknown atom makes OTP
  # refuse a whole packet, so a packet that is refused is taken apart, and only the
  # message with the unknown atom is lost.

  alias PortWorker.{Error, Term}

  # Wire constants of the External Term Format; these never change.
  @version 131
  @list 108
  @nil_tag 106
  @small_tuple 104
  @small_atom 119
  @integer 98
  @binary 109
  @map 116

  # Integers that are written in this one way. A ref has to have the same bytes in every message.
  defguardp is_plain(integer) when is_integer(integer) and integer in 0x100..0x7FFFFFFF

  # A tuple of five, which is written as one of four and gets its last element from elsewhere.
  @call_head <<@small_tuple, 5>>

  # So many bytes of binaries are copied in less time than it takes to refer to them, from here to the pipe.
  @copied 2_048

  # From this size on a packet is looked at for a binary that need not be copied.
  @large 65_536

  # No ref of this client is longer: it has at most 20 bytes beside the name of the node.
  @longest_ref 1_100

  # What a worker says in its own words. Decoding finds an atom only if loaded code has it,
  # and the modules that act on these may be loaded later than this one.
  @words ~w(
    hello result progress data credit callback notify log replace pong fault ok error undefined abandoned
    reason message details stack retry_after still_running
    unknown_function bad_args bad_message bad_frame frame_too_large duplicate_ref cancelled timeout
    overloaded draining panic failed circuit_open worker_down unsupported
    function stream channel io cpu blocking dedicated debug info notice warning meta
  )a

  defguardp is_message(term)
            when (is_tuple(term) and tuple_size(term) > 0 and is_atom(elem(term, 0))) or
                   (is_tuple(term) and tuple_size(term) == 2 and is_integer(elem(term, 0)))

  @typedoc "A message without its version byte, which only the whole of a packet has."
  @type encoded :: iodata()
  @typedoc "The same, with the size in bytes of a packet that holds nothing else."
  @type encoded_message :: {encoded(), pos_integer()}
  @typedoc "A function and a number of options, and the bytes around an argument that is one binary, and how many there are."
  @opaque short :: {String.t(), pos_integer(), binary(), binary(), pos_integer()}
  @type message :: tuple()
  @type decoded ::
          {:ok, [message()]}
          | {:mixed, [{:ok, message()} | {:unreadable, tag :: term(), ref :: term(), Error.t()}]}
          | {:error, Error.t()}

  @doc "The atoms of the protocol, which exist because they are written here."
  @spec words() :: [atom()]
  def words, do: @words

  @doc "The bytes of a message. Large binaries in it are referred to, not copied."
  @spec encode(message() | :drain) :: encoded_message()
  def encode(message) do
    [<<@version, head::binary>> | tail] = :erlang.term_to_iovec(message)
    encoded = [head | tail]
    {encoded, IO.iodata_length(encoded) + 1}
  end

  @doc "The bytes of a term, all copied."
  @spec small_term(term()) :: binary()
  def small_term(term) do
    <<@version, encoded::binary>> = :erlang.term_to_binary(term)
    encoded
  end

  @doc "The bytes of a call whose options are in bytes already: `{call, ref, function, args, options}`."
  @spec call(ref :: term(), String.t(), list(), options :: binary()) :: encoded_message()
  # One small binary is what most calls are given: put together here, these bytes take half the time that OTP takes for them.
  def call(ref, function, [arg], options)
      when is_binary(arg) and byte_size(arg) <= @copied and is_plain(ref) do
    call =
      <<@small_tuple, 5, @small_atom, 4, "call", @integer, ref::32, @binary,
        byte_size(function)::32, function::binary, @list, 1::32, @binary, byte_size(arg)::32,
        arg::binary, @nil_tag>>

    {[call, options], byte_size(call) + byte_size(options) + 1}
  end

  def call(ref, function, args, options) do
    if small?(args, @copied) do
      <<@version, @small_tuple, 4, call::binary>> =
        :erlang.term_to_binary({:call, ref, function, args})

      {[@call_head, call, options], byte_size(call) + byte_size(options) + 3}
    else
      [<<@version, @small_tuple, 4, head::binary>> | tail] =
        :erlang.term_to_iovec({:call, ref, function, args})

      call = [@call_head, head, tail, options]
      {call, IO.iodata_length(call) + 1}
    end
  end

  # To look deeper would take as long as it saves.
  defp small?([arg | rest], left) when is_binary(arg) and byte_size(arg) <= left do
    small?(rest, left - byte_size(arg))
  end

  defp small?([arg | rest], left) when is_number(arg) or is_atom(arg), do: small?(rest, left)
  defp small?(rest, _left), do: rest == []

  @doc "What all short calls of a function with the options of that number have in common."
  @spec short(String.t(), pos_integer()) :: short()
  def short(function, number) do
    before = <<small_term(function)::binary, @list, 1::32, @binary>>
    behind = <<@nil_tag, small_term(number)::binary>>
    # With the head of the tuple, the ref and the size of an argument.
    {function, number, before, behind, 3 + 4 + byte_size(before) + 4 + byte_size(behind)}
  end

  @doc "The bytes of a call with the number of its options instead of them: `{ref, function, args, number}`."
  @spec short_call(pos_integer(), short(), list()) :: encoded_message()
  # As above.
  def short_call(ref, {_, _, before, behind, around}, [arg])
      when is_binary(arg) and byte_size(arg) <= @copied and is_plain(ref) do
    size = byte_size(arg)

    call =
      <<@small_tuple, 4, @integer, ref::32, before::binary, size::32, arg::binary,
        behind::binary>>

    {call, around + size + 1}
  end

  def short_call(ref, {function, number, _, _, _}, args) do
    if small?(args, @copied) do
      call = small_term({ref, function, args, number})
      {call, byte_size(call) + 1}
    else
      encode({ref, function, args, number})
    end
  end

  @doc "The bytes of a map that has a key more."
  @spec put(binary(), atom(), term()) :: binary()
  def put(<<@map, pairs::32, rest::binary>>, key, value) do
    <<@map, pairs + 1::32, small_term(key)::binary, small_term(value)::binary, rest::binary>>
  end

  @doc "A packet of `count` encoded messages of so many bytes, the last one first."
  @spec packet([encoded(), ...], pos_integer(), pos_integer()) :: iodata()
  def packet([message], 1, _bytes), do: [@version | message]

  def packet(batch, count, bytes) do
    packet = [<<@version, @list, count::32>> | :lists.reverse(batch, [@nil_tag])]
    # In one piece: a port keeps a list of what it could not write, and slows with its length.
    if bytes <= @large, do: IO.iodata_to_binary(packet), else: packet
  end

  @doc """
  The messages of a packet.

  `{:mixed, _}` when some of them could not be read; `{:error, _}` when the packet as a whole is no
  packet of messages.
  """
  @spec decode(binary()) :: decoded()
  def decode(packet) when byte_size(packet) >= @large do
    large(packet) || packet |> whole([:safe, :used]) |> messages()
  rescue
    ArgumentError -> take_apart(packet)
  end

  def decode(packet) do
    packet |> whole([:safe, :used]) |> messages()
  rescue
    ArgumentError -> take_apart(packet)
  end

  # OTP copies every binary out of a packet, so that a small one does not keep a large packet alive. A packet that
  # is one large binary in a message is best kept: these are the three forms, in the only encoding a worker has.
  defp large(<<@version, @small_tuple, 3, @small_atom, 6, "result", rest::binary>>) do
    {ref, after_ref} = read_ref(rest)

    case after_ref do
      <<@small_tuple, 2, @small_atom, 2, "ok", @binary, size::32, value::binary-size(size)>> ->
        {:ok, [{:result, ref, {:ok, value}}]}

      _other ->
        nil
    end
  end

  defp large(<<@version, @small_tuple, 3, @small_atom, 4, "data", rest::binary>>) do
    {ref, after_ref} = read_ref(rest)

    case after_ref do
      <<@list, 1::32, @binary, size::32, element::binary-size(size), @nil_tag>> ->
        {:ok, [{:data, ref, [element]}]}

      _other ->
        nil
    end
  end

  defp large(<<@version, @small_tuple, 2, rest::binary>>) do
    case read_ref(rest) do
      {ref, <<@binary, size::32, value::binary-size(size)>>} when is_integer(ref) ->
        {:ok, [{ref, value}]}

      _other ->
        nil
    end
  end

  defp large(_other), do: nil

  defp read_ref(<<start::binary-size(@longest_ref), _::binary>> = rest) do
    {ref, used} = :erlang.binary_to_term(<<@version, start::binary>>, [:safe, :used])
    {ref, binary_part(rest, used - 1, byte_size(rest) - used + 1)}
  end

  @doc """
  The same before the handshake is done: up to `max_atoms` unknown atoms are made.

  The hello of a newer worker has words this node has never seen.
  """
  @spec decode_first(binary(), pos_integer()) :: decoded()
  def decode_first(packet, max_atoms) do
    with {:ok, parts} <- Term.split(packet),
         true <- parts |> Enum.flat_map(&Term.atoms/1) |> Enum.uniq() |> length() <= max_atoms do
      packet |> whole([:used]) |> messages()
    else
      _garbage_or_too_many -> decode(packet)
    end
  rescue
    ArgumentError -> decode(packet)
  end

  # OTP ignores what follows a term.
  defp whole(packet, options) do
    case :erlang.binary_to_term(packet, options) do
      {term, used} when used == byte_size(packet) -> term
      _with_bytes_left -> raise ArgumentError
    end
  end

  defp messages(message) when is_tuple(message), do: messages([message])

  defp messages(batch) when is_list(batch) do
    if proper_messages?(batch), do: {:ok, batch}, else: no_messages(batch)
  end

  defp messages(other), do: no_messages(other)

  defp proper_messages?([message | rest]) when is_message(message), do: proper_messages?(rest)

  defp proper_messages?(rest), do: rest == []

  defp no_messages(term) do
    text = inspect(term, limit: 5, printable_limit: 100)
    {:error, Error.new(:bad_frame, "expected a message or a list of messages, got: #{text}")}
  end

  defp take_apart(packet) do
    case Term.split(packet) do
      {:ok, parts} -> {:mixed, Enum.map(parts, &decode_part/1)}
      :error -> {:error, Error.new(:bad_frame, "#{byte_size(packet)} bytes that are no term")}
    end
  end

  defp decode_part(part) do
    case safe(part) do
      {:ok, message} when is_message(message) ->
        {:ok, message}

      {:ok, other} ->
        text = inspect(other, limit: 5, printable_limit: 100)
        {:unreadable, nil, nil, Error.new(:bad_message, "expected a message, got: #{text}")}

      {:error, why} ->
        {tag, ref} = head(part)
        {:unreadable, tag, ref, Error.new(:bad_message, why)}
    end
  end

  # Every message about a task has its ref in second place, but for a short result.
  defp head(part) do
    with {:ok, [first, second | _rest]} <- Term.elements(part),
         {:ok, tag} <- safe(first),
         {:ok, ref} <- safe(if is_integer(tag), do: first, else: second) do
      {if(is_integer(tag), do: :result, else: tag), ref}
    else
      _unreadable -> {nil, nil}
    end
  end

  defp safe(part) do
    {:ok, whole(<<@version, part::binary>>, [:safe, :used])}
  rescue
    ArgumentError -> {:error, why_unsafe(part)}
  end

  defp why_unsafe(part) do
    case Enum.find(Term.atoms(part), &(not existing_atom?(&1))) do
      nil -> "the worker sent a message that is no valid term"
      name -> "the worker sent the atom #{inspect(name)}, which does not exist on this node"
    end
  end

  defp existing_atom?(name) do
    _ = String.to_existing_atom(name)
    true
  rescue
    ArgumentError -> false
  end
end
