defmodule PortWorker.Module.Functions do
  @moduledoc false
  # The Elixir functions that stand for those of a worker: which there are, and what they are called.

  @enforce_keys [:name, :form, :function]
  defstruct [:name, :form, :function]

  @typedoc "One Elixir function. The form says which function of `PortWorker` it calls."
  @type t :: %__MODULE__{
          name: atom(),
          form: :run | :run! | :async | :stream | :open,
          function: map()
        }

  @typedoc "Which functions to have, and what to call them. Any name is a string or an atom."
  @type options :: %{
          optional(atom()) => term(),
          only: [name()] | nil,
          except: [name()],
          as: %{name() => name()} | [{name(), name()}]
        }
  @type name :: String.t() | atom()

  # What a function of this name could not be called, or would stand in for.
  @reserved ~w(fn do end catch rescue after else true false nil and or not in when)a ++
              ~w(unquote unquote_splicing)a ++
              ~w(child_spec start_link module_info behaviour_info __info__)a

  @doc """
  Those of the described functions that the options `:only` and `:except` leave. An error says what is wrong with the
  options.
  """
  @spec select([map()], options()) :: {:ok, [map()]} | {:error, String.t()}
  def select(functions, options) do
    names = Enum.map(functions, & &1.name)
    only = if options.only, do: Enum.map(options.only, &to_string/1), else: names
    except = Enum.map(options.except, &to_string/1)

    case Enum.reject(only ++ except ++ Map.keys(new_names(options)), &(&1 in names)) do
      [] ->
        {:ok, Enum.filter(functions, &(&1.name in only and &1.name not in except))}

      [unknown | _] ->
        {:error,
         "the worker has no function #{inspect(unknown)}; it has #{Enum.map_join(names, ", ", &inspect/1)}"}
    end
  end

  @doc "The Elixir functions for them. An error says which names cannot be, and what to do."
  @spec all([map()], options()) :: {:ok, [t()]} | {:error, String.t()}
  def all(functions, options) do
    new_names = new_names(options)
    all = Enum.flat_map(functions, &forms(&1, new_names[&1.name] || elixir_name(&1.name)))

    with :ok <- valid(all), :ok <- distinct(all), do: {:ok, all}
  end

  defp new_names(%{as: as}),
    do: Map.new(as, fn {name, new} -> {to_string(name), to_string(new)} end)

  defp forms(%{kind: :function} = f, name) do
    [new(name, :run, f), new(name <> "!", :run!, f), new(name <> "_async", :async, f)]
  end

  defp forms(%{kind: :stream} = f, name), do: [new(name <> "_stream", :stream, f)]
  defp forms(%{kind: :channel} = f, name), do: [new(name <> "_open", :open, f)]

  # A kind that a newer worker may have: it can be called by its name all the same.
  defp forms(_unknown, _name), do: []

  defp new(name, form, function) do
    %__MODULE__{name: String.to_atom(name), form: form, function: function}
  end

  @doc """
  The name in Elixir's style.

      iex> Enum.map(["upcase", "file.lines", "resizeImage"], &PortWorker.Module.Functions.elixir_name/1)
      ["upcase", "file_lines", "resize_image"]
  """
  @spec elixir_name(String.t()) :: String.t()
  def elixir_name(name) do
    name
    |> String.replace(~r/(\p{Ll}|\d)(\p{Lu})/u, "\\1_\\2")
    |> String.downcase()
    |> String.replace(~r/[^\p{L}\p{N}]+/u, "_")
    |> String.trim("_")
  end

  defp valid(all) do
    case Enum.find(all, &(not valid?(&1.name))) do
      nil ->
        :ok

      %{name: name, function: %{name: own}} ->
        {:error, "#{inspect(own)} cannot be the Elixir function #{name}. " <> advice(own)}
    end
  end

  defp valid?(name) do
    Macro.classify_atom(name) == :identifier and name not in @reserved
  end

  defp distinct(all) do
    case all |> Enum.group_by(& &1.name) |> Enum.find(&match?({_name, [_, _ | _]}, &1)) do
      nil ->
        :ok

      {name, [%{function: %{name: a}}, %{function: %{name: b}} | _]} ->
        {:error,
         "#{inspect(a)} and #{inspect(b)} would both be the Elixir function #{name}. " <>
           advice(b)}
    end
  end

  defp advice(name) do
    "Give it another name with the option as: %{#{inspect(name)} => :another_name}, or leave it out with except: [#{inspect(name)}]"
  end

  @doc """
  The arguments of an Elixir function: their names, after their types, and how many cannot be left out.

  A worker does not say what its parameters are called.
  """
  @spec parameters(map()) :: {[atom()], required :: non_neg_integer()}
  def parameters(%{args: args}) do
    words = Enum.map(args, &word/1)
    total = Enum.frequencies(words)

    {names, _seen} =
      Enum.map_reduce(words, %{}, fn word, seen ->
        count = Map.get(seen, word, 0) + 1
        name = if total[word] > 1, do: "#{word}#{count}", else: word
        {String.to_atom(name), Map.put(seen, word, count)}
      end)

    optional = args |> Enum.reverse() |> Enum.take_while(&match?({:optional, _}, &1)) |> length()
    {names, length(args) - optional}
  end

  defp word({:optional, type}), do: word(type)
  defp word({:struct, _fields}), do: "map"
  defp word({:union, _cases}), do: "term"
  defp word({:named, _name, type}), do: word(type)
  defp word(:non_neg_integer), do: "integer"
  defp word(:any), do: "term"
  defp word(nil), do: "term"
  defp word(:function), do: "fun"
  defp word(word) when is_atom(word), do: Atom.to_string(word)
  defp word(type) when is_tuple(type), do: type |> elem(0) |> word()
end
