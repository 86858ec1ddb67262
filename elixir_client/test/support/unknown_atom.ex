defmodule PortWorker.UnknownAtom do
  @moduledoc """
  Terms with an atom that does not exist here. It is written into their bytes, where the marker was, so
  that no test ever makes it.
  """

  @marker "unknown atom here"

  @doc "What stands for the atom in the term that is encoded."
  def marker, do: @marker

  @doc "The bytes of a term, with an atom of that name for its marker."
  def term_to_binary(term, name) do
    bytes = :erlang.term_to_binary(term)
    encoded = <<109, byte_size(@marker)::32, @marker>>
    1 = bytes |> :binary.matches(encoded) |> length()
    :binary.replace(bytes, encoded, <<119, byte_size(name), name::binary>>)
  end
end
