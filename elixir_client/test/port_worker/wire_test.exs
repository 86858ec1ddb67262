defmodule PortWorker.WireTest do
  use ExUnit.Case, async: true

  alias PortWorker.{Error, Wire}

  # An atom that exists nowhere but in these bytes: a message with it cannot be decoded.
  defp message_with(atom_name) do
    ref = body(:erlang.term_to_binary(make_ref()))

    <<131, 104, 3, atom("result")::binary, ref::binary, 104, 2, atom("ok")::binary,
      atom(atom_name)::binary>>
  end

  defp atom(name), do: <<119, byte_size(name), name::binary>>

  defp body(<<131, term::binary>>), do: term

  test "the worker's own words are atoms before the modules that act on them are loaded" do
    error = %{reason: :cancelled, message: "m", details: %{still_running: true, stack: "s"}}
    packet = Base.encode64(:erlang.term_to_binary({:result, 1, {:error, error}}))
    code = ~s|IO.write(elem(PortWorker.Wire.decode(Base.decode64!("#{packet}")), 0))|

    assert System.cmd("elixir", ["-pa", Application.app_dir(:portworker, "ebin"), "-e", code]) ==
             {"ok", 0}
  end

  test "one message travels alone, several as a list, and sizes are those of packets" do
    {one, size} = Wire.encode({:cancel, 1})
    assert size == byte_size(packet([one]))
    assert Wire.decode(packet([one])) == {:ok, [{:cancel, 1}]}
    {two, _size} = Wire.encode({:ping, "x"})
    assert Wire.decode(packet([one, two])) == {:ok, [{:cancel, 1}, {:ping, "x"}]}
  end

  # Refs where one form of integers goes over into another, and one that is none.
  @ids [1, 0xFF, 0x100, 0x7FFFFFFF, 0x80000000, 0x1_0000_0000_0000, {:cast, "f", 1}]

  # Of those that are put together by hand, that are copied, and that are referred to.
  @arguments [
    ["a"],
    [""],
    [:binary.copy("x", 2_048)],
    ["a", 1],
    [],
    [<<1::1>>],
    [:binary.copy("x", 2_049)],
    ["a", :binary.copy("x", 100_000)]
  ]

  test "a call is its options behind the rest, whatever its ref and its arguments" do
    options = %{timeout: 5_000, owner: self()}

    for id <- @ids, args <- @arguments do
      {call, size} = Wire.call(id, "f", args, Wire.small_term(options))
      assert size == byte_size(packet([call]))
      assert Wire.decode(packet([call])) == {:ok, [{:call, id, "f", args, options}]}
      assert bytes_of_ref(call, 1) == bytes_of_ref_in_cancel(id)
    end
  end

  test "a short call has the number of its options behind the rest" do
    for id <- @ids, is_integer(id), args <- @arguments, number <- [3, 300] do
      {call, size} = Wire.short_call(id, Wire.short("echo", number), args)
      assert size == byte_size(packet([call]))
      assert :erlang.binary_to_term(packet([call])) == {id, "echo", args, number}
      assert bytes_of_ref(call, 0) == bytes_of_ref_in_cancel(id)
    end
  end

  test "a map in bytes gets a key more" do
    bytes = Wire.put(Wire.small_term(%{timeout: 1}), :keep, 300)
    assert :erlang.binary_to_term(<<131, bytes::binary>>) == %{timeout: 1, keep: 300}
  end

  defp packet(messages) do
    bytes = IO.iodata_length(messages)
    messages |> Enum.reverse() |> Wire.packet(length(messages), bytes) |> IO.iodata_to_binary()
  end

  defp bytes_of_ref(message, index) do
    {:ok, elements} = message |> IO.iodata_to_binary() |> PortWorker.Term.elements()
    Enum.at(elements, index)
  end

  # A worker compares the bytes of refs.
  defp bytes_of_ref_in_cancel(id) do
    {cancel, _size} = Wire.encode({:cancel, id})
    bytes_of_ref(cancel, 1)
  end

  test "a large binary is referred to, not copied" do
    large = :binary.copy("x", 100_000)
    {encoded, size} = Wire.encode({:call, 1, "echo", [large]})
    assert size > 100_000
    assert encoded |> List.flatten() |> Enum.any?(&(&1 == large))
  end

  describe "what came in a large packet" do
    @blob :binary.copy("x", 100_000)

    # As a worker writes it.
    defp message(tag, ref, last) do
      <<_version, ref::binary>> = :erlang.term_to_binary(ref)
      <<131, 104, 3, atom(tag)::binary, ref::binary, last::binary>>
    end

    defp ok(term), do: <<104, 2, atom("ok")::binary, body(:erlang.term_to_binary(term))::binary>>
    defp elements(list), do: body(:erlang.term_to_binary(list))

    for {name, ref} <- [
          {"an alias", quote(do: :erlang.alias())},
          {"a reference", quote(do: make_ref())},
          {"a number", 7}
        ] do
      test "refers to the packet if it is one large binary, with #{name} as its ref" do
        ref = unquote(ref)
        packet = message("result", ref, ok(@blob))
        assert {:ok, [{:result, ^ref, {:ok, @blob = value}}]} = Wire.decode(packet)
        assert :binary.referenced_byte_size(value) == byte_size(packet)

        packet = message("data", ref, elements([@blob]))
        assert {:ok, [{:data, ^ref, [@blob = element]}]} = Wire.decode(packet)
        assert :binary.referenced_byte_size(element) == byte_size(packet)
      end
    end

    test "refers to the packet if it is one large binary in a short result" do
      packet = short(7, @blob)
      assert {:ok, [{7, @blob = value}]} = Wire.decode(packet)
      assert :binary.referenced_byte_size(value) == byte_size(packet)
      assert {:ok, [{7, [@blob]}]} = Wire.decode(short(7, [@blob]))
    end

    defp short(ref, value), do: :erlang.term_to_binary({ref, value})

    test "does not keep the packet if it is less than that" do
      part = :binary.copy("y", 100)
      term = %{"part" => part, "rest" => [@blob]}
      packet = message("result", 1, ok(term))
      assert {:ok, [{:result, 1, {:ok, ^term = value}}]} = Wire.decode(packet)
      assert :binary.referenced_byte_size(value["part"]) == 100

      packet = message("data", 1, elements([part, @blob]))
      assert {:ok, [{:data, 1, [^part = element, @blob]}]} = Wire.decode(packet)
      assert :binary.referenced_byte_size(element) == 100
    end

    for {name, spoil} <- [
          {"a byte too many", quote(do: fn packet -> packet <> "x" end)},
          {"a byte too few", quote(do: &binary_part(&1, 0, byte_size(&1) - 1))},
          {"a ref that is no term", quote(do: &:binary.replace(&1, <<97, 1>>, <<255, 1>>))}
        ] do
      test "is an error with #{name}" do
        spoil = unquote(spoil)
        assert {:error, %Error{}} = Wire.decode(spoil.(message("result", 1, ok(@blob))))
        assert {:error, %Error{}} = Wire.decode(spoil.(message("data", 1, elements([@blob]))))
      end
    end
  end

  test "an unknown atom spoils its own message only" do
    ref = make_ref()
    good = :erlang.term_to_binary({:result, ref, {:ok, 1}})
    bad = message_with("nobody_knows_this_atom_1")
    batch = <<131, 108, 3::32, body(good)::binary, body(bad)::binary, body(good)::binary, 106>>

    assert {:mixed, [{:ok, {:result, ^ref, {:ok, 1}}}, unreadable, {:ok, _}]} = Wire.decode(batch)
    assert {:unreadable, :result, bad_ref, error} = unreadable
    assert is_reference(bad_ref)
    assert error.reason == :bad_message
    assert error.message =~ ~s(the atom "nobody_knows_this_atom_1")
  end

  test "a short result with an unknown atom is that of its call" do
    bad = <<104, 2, 97, 7, 119, 24, "nobody_knows_this_atom_4">>
    batch = <<131, 108, 2::32, 104, 2, 97, 6, 97, 1, bad::binary, 106>>

    assert {:mixed, [{:ok, {6, 1}}, {:unreadable, :result, 7, error}]} = Wire.decode(batch)
    assert error.message =~ ~s(the atom "nobody_knows_this_atom_4")
  end

  test "a single message with an unknown atom is not garbage" do
    assert {:mixed, [{:unreadable, :result, _ref, _error}]} =
             Wire.decode(message_with("nobody_knows_this_atom_2"))
  end

  test "the first packet may bring atoms, but not without bound" do
    packet = message_with("nobody_knows_this_atom_3")
    assert {:mixed, _} = Wire.decode_first(packet, 1)
    assert {:ok, [{:result, _, {:ok, _atom}}]} = Wire.decode_first(packet, 100)
  end

  for {name, packet} <- [
        {"no term", "hello world"},
        {"nothing", ""},
        {"half a term", <<131, 104, 2, 97>>},
        {"bytes after the term", <<131, 106, 0>>},
        {"an integer", <<131, 97, 1>>},
        {"a tuple that is no message", :erlang.term_to_binary({"1", 2})},
        {"more than a short result", :erlang.term_to_binary({1, 2, 3})},
        {"an empty tuple", :erlang.term_to_binary({})},
        {"a list of something else", :erlang.term_to_binary([{:pong, 1}, 2])},
        {"an improper list", :erlang.term_to_binary([{:pong, 1} | :x])}
      ] do
    test "#{name} is no packet" do
      assert {:error, error} = Wire.decode(unquote(packet))
      assert error.reason == :bad_frame
    end
  end

  test "any bytes are read or refused" do
    :rand.seed(:exsss, {1, 2, 3})
    term = {:result, make_ref(), {:ok, %{"a" => [1, 2.0, self(), :ok, <<1::3>>, 2 ** 100]}}}
    packet = :erlang.term_to_binary([term, {:pong, 1}])

    for _ <- 1..5_000 do
      at = :rand.uniform(byte_size(packet)) - 1
      <<before::binary-size(at), _, rest::binary>> = packet
      mutant = <<before::binary, :rand.uniform(256) - 1, rest::binary>>
      assert elem(Wire.decode(mutant), 0) in [:ok, :mixed, :error]
    end
  end
end
