defmodule PortWorker.Term do
  @moduledoc false
  # Walks encoded terms (External Term Format) without decoding them: where one ends,
  # what it is made of, which atoms it names. Used only for what
  # `:erlang.binary_to_term/2` has refused.

  @doc """
  The messages of a packet, each encoded without its version byte: the elements of a list, or the
  term itself. `:error` when the bytes are not one whole term.
  """
  @spec split(binary()) :: {:ok, [binary()]} | :error
  def split(<<131, 108, count::32, rest::binary>>) do
    with {:ok, elements, <<106>>} <- take(rest, count, []),
         do: {:ok, elements},
         else: (_ -> :error)
  end

  def split(<<131, term::binary>>) do
    with {:ok, _atoms, <<>>} <- skip(term), do: {:ok, [term]}, else: (_ -> :error)
  end

  def split(_bytes), do: :error

  @doc "The elements of an encoded tuple."
  @spec elements(binary()) :: {:ok, [binary()]} | :error
  def elements(<<104, arity, rest::binary>>), do: tuple(rest, arity)
  def elements(<<105, arity::32, rest::binary>>), do: tuple(rest, arity)
  def elements(_other), do: :error

  @doc "The names of the atoms in an encoded term."
  @spec atoms(binary()) :: [String.t()]
  def atoms(term) do
    case skip(term) do
      {:ok, atoms, _rest} -> Enum.reverse(atoms)
      :error -> []
    end
  end

  defp tuple(rest, arity) do
    with {:ok, elements, <<>>} <- take(rest, arity, []), do: {:ok, elements}, else: (_ -> :error)
  end

  defp take(rest, 0, elements), do: {:ok, Enum.reverse(elements), rest}

  defp take(bytes, count, elements) do
    with {:ok, _atoms, rest} <- skip(bytes) do
      size = byte_size(bytes) - byte_size(rest)
      take(rest, count - 1, [binary_part(bytes, 0, size) | elements])
    end
  end

  defp skip(bytes), do: skip(bytes, 1, [])

  # `pending` terms are still to come. It is not a stack: a container adds its
  # elements to the count, so nesting costs nothing. A false count ends in a missing byte.
  defp skip(rest, 0, atoms), do: {:ok, atoms, rest}

  defp skip(<<tag, rest::binary>>, pending, atoms) do
    case step(tag, rest) do
      {:term, rest} -> skip(rest, pending - 1, atoms)
      {:atom, name, rest} -> skip(rest, pending - 1, [name | atoms])
      {:terms, count, rest} -> skip(rest, pending - 1 + count, atoms)
      :error -> :error
    end
  end

  defp skip(<<>>, _pending, _atoms), do: :error

  # Integers, floats, binaries.
  defp step(97, <<_, rest::binary>>), do: {:term, rest}
  defp step(98, <<_::32, rest::binary>>), do: {:term, rest}
  defp step(99, <<_::binary-size(31), rest::binary>>), do: {:term, rest}
  defp step(70, <<_::64, rest::binary>>), do: {:term, rest}
  defp step(110, <<n, _sign, _::binary-size(n), rest::binary>>), do: {:term, rest}
  defp step(111, <<n::32, _sign, _::binary-size(n), rest::binary>>), do: {:term, rest}
  defp step(107, <<n::16, _::binary-size(n), rest::binary>>), do: {:term, rest}
  defp step(109, <<n::32, _::binary-size(n), rest::binary>>), do: {:term, rest}
  defp step(77, <<n::32, _bits, _::binary-size(n), rest::binary>>), do: {:term, rest}

  # Atoms, the last two in Latin-1.
  defp step(118, <<n::16, name::binary-size(n), rest::binary>>), do: {:atom, name, rest}
  defp step(119, <<n, name::binary-size(n), rest::binary>>), do: {:atom, name, rest}
  defp step(100, <<n::16, name::binary-size(n), rest::binary>>), do: {:atom, latin1(name), rest}
  defp step(115, <<n, name::binary-size(n), rest::binary>>), do: {:atom, latin1(name), rest}

  # Containers: how many terms follow.
  defp step(106, rest), do: {:terms, 0, rest}
  defp step(108, <<n::32, rest::binary>>), do: {:terms, n + 1, rest}
  defp step(104, <<n, rest::binary>>), do: {:terms, n, rest}
  defp step(105, <<n::32, rest::binary>>), do: {:terms, n, rest}
  defp step(116, <<n::32, rest::binary>>), do: {:terms, 2 * n, rest}
  defp step(113, rest), do: {:terms, 3, rest}

  # Pids, ports and references: numbers around the node's name.
  defp step(88, rest), do: after_atom(rest, 12)
  defp step(103, rest), do: after_atom(rest, 9)
  defp step(120, rest), do: after_atom(rest, 12)
  defp step(89, rest), do: after_atom(rest, 8)
  defp step(102, rest), do: after_atom(rest, 5)
  defp step(101, rest), do: after_atom(rest, 5)
  defp step(90, <<words::16, rest::binary>>), do: after_atom(rest, 4 + 4 * words)
  defp step(114, <<words::16, rest::binary>>), do: after_atom(rest, 1 + 4 * words)

  # A fun says its own size, which counts the four bytes it is written in.
  defp step(112, <<n::32, rest::binary>>) when n >= 4 do
    case rest do
      <<_::binary-size(n - 4), rest::binary>> -> {:term, rest}
      _short -> :error
    end
  end

  defp step(_tag, _rest), do: :error

  defp after_atom(<<tag, rest::binary>>, size) when tag in [100, 115, 118, 119] do
    with {:atom, name, <<_::binary-size(size), rest::binary>>} <- step(tag, rest) do
      {:atom, name, rest}
    else
      _short -> :error
    end
  end

  defp after_atom(_other, _size), do: :error

  defp latin1(name), do: :unicode.characters_to_binary(name, :latin1)
end
