defmodule PortWorker.Options.Type do
  @moduledoc false
  # The types of options: what is accepted as one, and how that is said to people.

  alias PortWorker.Callbacks

  @lanes [:io, :cpu, :blocking, :dedicated]

  @type t :: atom() | {atom(), term()} | {:integer, min :: integer(), max :: integer()}

  @doc "The value as it is used, if it is of that type."
  @spec accept(t(), term()) :: {:ok, term()} | :error
  def accept({:integer, min}, value) when is_integer(value) and value >= min, do: {:ok, value}
  def accept({:integer, min, max}, value) when value in min..max, do: {:ok, value}
  def accept(:integer, value) when is_integer(value), do: {:ok, value}
  def accept(:timeout, :infinity), do: {:ok, :infinity}
  def accept(:timeout, value) when is_integer(value) and value >= 0, do: {:ok, value}
  def accept(:boolean, value) when is_boolean(value), do: {:ok, value}
  def accept(:atom, value) when is_atom(value) and value != nil, do: {:ok, value}
  def accept(:progress, value) when is_function(value, 1) or is_pid(value), do: {:ok, value}
  def accept(:label, value) when is_binary(value) or is_atom(value), do: {:ok, value}
  def accept(:name, value) when is_atom(value) and value != nil, do: {:ok, value}
  def accept(:name, {:global, _} = value), do: {:ok, value}
  def accept(:name, {:via, module, _} = value) when is_atom(module), do: {:ok, value}

  def accept(:term, value), do: {:ok, value}
  def accept(:args, value) when is_list(value) and length(value) >= 0, do: {:ok, value}
  def accept(:active, value) when is_boolean(value), do: {:ok, value}
  def accept(:active, value), do: accept({:integer, 1}, value)
  def accept(:window, :infinity), do: {:ok, :infinity}
  def accept(:window, value), do: accept({:integer, 1}, value)
  def accept(:callbacks, value), do: Callbacks.functions(value)

  def accept({:in, list}, value) do
    if value in list, do: {:ok, value}, else: :error
  end

  def accept(:string, value) when is_binary(value) do
    if value =~ "\0", do: :error, else: {:ok, value}
  end

  def accept({:list, type}, value) when is_list(value) do
    if Enum.all?(value, &match?({:ok, _}, accept(type, &1))), do: {:ok, value}, else: :error
  end

  def accept(:command, {app, path}) when is_atom(app) and is_binary(path), do: {:ok, {app, path}}
  def accept(:command, :stub), do: {:ok, :stub}
  def accept(:command, ""), do: :error
  def accept(:command, value), do: accept(:string, value)

  def accept(:env, value) when is_map(value), do: accept(:env, Map.to_list(value))

  def accept(:env, value) when is_list(value) do
    ok? = fn
      {name, text} when is_binary(name) -> is_nil(text) or match?({:ok, _}, accept(:string, text))
      _other -> false
    end

    if Enum.all?(value, ok?), do: {:ok, value}, else: :error
  end

  def accept(:lanes, value) when is_list(value) or is_map(value) do
    if Enum.all?(value, &lane?/1), do: {:ok, Map.new(value, &lane/1)}, else: :error
  end

  def accept(:meta, value) when is_map(value) do
    if Enum.all?(value, fn {k, v} -> is_binary(k) and is_binary(v) end),
      do: {:ok, value},
      else: :error
  end

  def accept(:retry, value) when is_list(value) or is_map(value) do
    pairs? = is_map(value) or Keyword.keyword?(value)
    if pairs? and Enum.all?(value, &retry?/1), do: {:ok, Map.new(value)}, else: :error
  end

  def accept(_type, _value), do: :error

  defp retry?({:max_attempts, n}), do: is_integer(n) and n in 1..100
  defp retry?({key, n}) when key in [:backoff, :max_backoff], do: is_integer(n) and n >= 0
  defp retry?({:factor, n}), do: is_number(n) and n >= 1

  defp retry?({:jitter, part}),
    do: is_boolean(part) or (is_number(part) and part >= 0 and part <= 1)

  defp retry?(_other), do: false

  defp lane?({name, size}) when is_integer(size), do: name in @lanes and size > 0

  defp lane?({name, parts}) when is_list(parts) or is_map(parts) do
    name in @lanes and
      Enum.all?(parts, fn
        {:size, size} -> is_integer(size) and size > 0
        {:queue, queue} -> is_integer(queue) and queue >= 0
        _other -> false
      end)
  end

  defp lane?(_other), do: false

  defp lane({name, size}) when is_integer(size), do: {name, size}
  defp lane({name, parts}), do: {name, Map.new(parts)}

  @doc "What is of that type, in words."
  @spec expected(t()) :: String.t()
  def expected({:integer, 0}), do: "a whole number from 0"
  def expected({:integer, min}), do: "a whole number from #{min}"
  def expected({:integer, min, max}), do: "a whole number from #{min} to #{max}"
  def expected(:integer), do: "a whole number"
  def expected(:timeout), do: "milliseconds or :infinity"
  def expected(:boolean), do: "true or false"
  def expected(:atom), do: "an atom"
  def expected(:string), do: "a string without zero bytes"
  def expected({:list, :string}), do: "a list of strings"
  def expected({:list, :atom}), do: "a list of atoms"
  def expected({:in, list}), do: "one of #{Enum.map_join(list, ", ", &inspect/1)}"

  def expected(:term), do: "any term"
  def expected(:args), do: "a list of arguments"
  def expected(:active), do: "true, false or a whole number from 1"
  def expected(:window), do: "a whole number from 1 or :infinity"

  def expected(:callbacks) do
    "a loaded module, or functions and {module, function} under their names"
  end

  def expected(:lanes) do
    "sizes from 1, or [size: n, queue: n], under #{Enum.map_join(@lanes, ", ", &inspect/1)}"
  end

  def expected(:command), do: "the path or name of an executable, {app, path below priv} or :stub"
  def expected(:name), do: "an atom, {:global, term} or {:via, module, term}"
  def expected(:label), do: "a string or an atom"
  def expected(:progress), do: "a function of one argument or a pid"
  def expected(:env), do: "pairs of strings, the second possibly nil"

  def expected(:retry) do
    "max_attempts: 1 to 100, backoff: and max_backoff: milliseconds, factor: from 1, jitter: a boolean or 0 to 1"
  end

  def expected(:meta), do: "a map of strings to strings"
end
