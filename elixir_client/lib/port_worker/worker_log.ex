defmodule PortWorker.WorkerLog do
  @moduledoc false
  # Log records of a worker on their way to Logger. They come from another program, so
  # they are made valid and short first: handlers have crashed of less.

  require Logger

  # Of a message, of its attributes put together, and of each of them: Logger itself cuts a line at 8 KiB, without a
  # word of how much there was.
  @max_bytes 4_000
  # What a worker built on the library sends at most.
  @max_attributes 64
  @max_integer 2 ** 64 - 1

  @doc """
  Logs `message` for the worker `name`, or for one of its OS processes, `{name, index}`. The metadata has `:portworker` (the worker's
  name), `:portworker_index` where it has several OS processes, `:attributes` (a map whose keys are strings), and `:function` and `:task` (its name) where the record is of a task.

  What the worker sends never becomes an atom.
  """
  @spec write(Logger.level(), term(), term(), map()) :: :ok
  def write(level, name, message, attributes) do
    # Not by the macros of Logger, which say where in this file the record is from.
    Logger.bare_log(level, fn -> record(name, message, bounded(attributes)) end)
  end

  defp record(name, message, attributes) do
    metadata = [application: :portworker, attributes: attributes] ++ origin(name)

    of_task =
      for {key, word} <- [function: "function", task: "task"],
          text = attributes[word],
          is_binary(text),
          do: {key, text}

    {"#{inspect(name)}: #{text(message)}#{pairs(attributes)}", metadata ++ of_task}
  end

  defp origin({name, index}) when is_integer(index),
    do: [portworker: name, portworker_index: index]

  defp origin(name), do: [portworker: name]

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

  defp bounded(attributes) do
    for {key, value} <- Enum.take(attributes, @max_attributes),
        into: %{},
        do: {word(key), value(value)}
  end

  # Numbers and what else is small stays what it is.
  defp value(value) when is_atom(value) or is_float(value), do: value
  defp value(value) when is_integer(value) and abs(value) <= @max_integer, do: value
  defp value(value), do: word(value)

  defp pairs(attributes) when map_size(attributes) == 0, do: ""

  defp pairs(attributes) do
    pairs = Enum.map_join(attributes, " ", fn {key, value} -> "#{key}=#{word(value)}" end)
    " " <> text(pairs)
  end

  defp word(value) when is_atom(value), do: Atom.to_string(value)
  defp word(value) when is_binary(value), do: text(value)
  defp word(value), do: value |> inspect(limit: 20, printable_limit: 200) |> text()

  defp valid(bytes), do: if(String.valid?(bytes), do: bytes, else: replace(bytes, ""))

  defp replace(<<char::utf8, rest::binary>>, acc), do: replace(rest, <<acc::binary, char::utf8>>)
  defp replace(<<_byte, rest::binary>>, acc), do: replace(rest, <<acc::binary, "\uFFFD">>)
  defp replace(<<>>, acc), do: acc
end
