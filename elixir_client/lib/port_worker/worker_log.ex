defmodule PortWorker.WorkerLog do
  @moduledoc false
  # Log records of a worker on their way to Logger. They come from another program, so
  # they are made valid and short first: handlers have crashed of less.

  require Logger

  # Logger itself cuts at 8 KiB, without a word of how much there was.
  @max_bytes 4_000

  @doc """
  Logs `message` for the worker `name`. The metadata has `:portworker` (the worker's name) and
  `:attributes` (a map, as the worker sent it but for its size).
  """
  @spec write(Logger.level(), term(), term(), map()) :: :ok
  def write(level, name, message, attributes) do
    Logger.log(
      level,
      fn ->
        {"#{inspect(name)}: #{text(message)}#{pairs(attributes)}",
         portworker: name, attributes: attributes}
      end
    )
  end

  @doc """
  A message as valid, bounded UTF-8.

      iex> PortWorker.WorkerLog.text("caf\\xE9")
      "caf\uFFFD"
  """
  @spec text(term()) :: String.t()
  def text(message) when is_binary(message) do
    size = byte_size(message)

    if size > @max_bytes do
      valid(binary_part(message, 0, @max_bytes)) <> "... (#{size} bytes)"
    else
      valid(message)
    end
  end

  def text(message), do: message |> inspect(limit: 50, printable_limit: 1_000) |> text()

  defp pairs(attributes) when map_size(attributes) == 0, do: ""

  defp pairs(attributes) do
    pairs = Enum.map_join(attributes, " ", fn {key, value} -> "#{word(key)}=#{word(value)}" end)
    " " <> text(pairs)
  end

  defp word(value) when is_atom(value), do: Atom.to_string(value)
  defp word(value) when is_binary(value), do: text(value)
  defp word(value), do: inspect(value, limit: 20, printable_limit: 200)

  defp valid(bytes), do: if(String.valid?(bytes), do: bytes, else: replace(bytes, ""))

  defp replace(<<char::utf8, rest::binary>>, acc), do: replace(rest, <<acc::binary, char::utf8>>)
  defp replace(<<_byte, rest::binary>>, acc), do: replace(rest, <<acc::binary, "\uFFFD">>)
  defp replace(<<>>, acc), do: acc
end
