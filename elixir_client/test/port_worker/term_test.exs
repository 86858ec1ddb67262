defmodule PortWorker.TermTest do
  use ExUnit.Case, async: true

  alias PortWorker.Term

  # Old tags that this OTP reads but does not write any more.
  @old %{
    "ATOM_EXT" => <<131, 100, 2::16, "ok">>,
    "SMALL_ATOM_EXT" => <<131, 115, 2, "ok">>,
    "FLOAT_EXT" => <<131, 99, "1.50000000000000000000e+00", 0::40>>,
    "PID_EXT" => <<131, 103, 119, 13, "nonode@nohost", 1::32, 0::32, 0>>,
    "REFERENCE_EXT" => <<131, 101, 119, 13, "nonode@nohost", 1::32, 0>>,
    "NEW_REFERENCE_EXT" => <<131, 114, 1::16, 119, 13, "nonode@nohost", 0, 1::32>>,
    "PORT_EXT" => <<131, 102, 119, 13, "nonode@nohost", 1::32, 0>>
  }

  test "finds the end of every kind of term" do
    for {name, encoded} <- samples() do
      <<131, term::binary>> = encoded
      batch = <<131, 108, 2::32, term::binary, 97, 7, 106>>
      assert Term.split(batch) == {:ok, [term, <<97, 7>>]}, "#{name}: #{inspect(encoded)}"
      assert Term.split(encoded <> "x") == :error, name
    end
  end

  test "refuses every truncation" do
    for {name, encoded} <- samples(), size <- 0..(byte_size(encoded) - 1) do
      assert Term.split(binary_part(encoded, 0, size)) == :error, "#{name} cut at #{size}"
    end
  end

  test "does not believe false counts" do
    for tag <- [105, 108, 116] do
      assert Term.split(<<131, tag, 0xFFFFFFFF::32, 106>>) == :error
    end
  end

  test "costs no stack for nesting" do
    deep = <<131, :binary.copy(<<104, 1>>, 500_000)::binary, 106>>
    assert {:ok, [_]} = Term.split(deep)
  end

  test "lists the atoms, also those of node names and funs" do
    <<131, term::binary>> =
      :erlang.term_to_binary({:a, %{b: [:c | :d]}, self(), &String.upcase/1})

    assert Enum.sort(Term.atoms(term)) == ~w(Elixir.String a b c d nonode@nohost upcase)
  end

  test "gives the elements of a tuple" do
    <<131, term::binary>> = :erlang.term_to_binary({:a, {1, 2}})
    assert {:ok, [_, <<104, 2, 97, 1, 97, 2>>]} = Term.elements(term)
    assert Term.elements(<<97, 1>>) == :error
  end

  defp samples do
    fun = fn x -> {x, self()} end

    terms = [
      0,
      255,
      -1,
      2 ** 40,
      2 ** 3000,
      1.5,
      :ok,
      :ünï,
      String.to_atom(String.duplicate("ü", 200)),
      "binary",
      <<5::3>>,
      [],
      [1, 2, 3],
      [:a | :b],
      ~c"charlist",
      {},
      {1, {2}},
      List.to_tuple(Enum.to_list(1..300)),
      %{1 => 2, "a" => [%{}]},
      self(),
      hd(Port.list()),
      make_ref(),
      fun,
      &String.upcase/1
    ]

    Map.merge(@old, Map.new(terms, &{inspect(&1, limit: 5), :erlang.term_to_binary(&1)}))
  end
end
