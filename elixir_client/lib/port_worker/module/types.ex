defmodule PortWorker.Module.Types do
  @moduledoc false
  # The types that a worker describes, as Elixir's typespecs.
  #
  # What is taken and what is given differ: a handler takes an integer for a float, and a map without the
  # keys that may be missing.

  @type direction :: :taken | :given

  @words [
    :integer,
    :non_neg_integer,
    :boolean,
    :binary,
    :bitstring,
    :atom,
    :pid,
    :port,
    :reference,
    :list,
    :tuple
  ]

  @doc """
  A description as a typespec.

  A type that contains itself needs a name, which is asked of `name`: it gets the name in the description, and
  returns that of the type in the module.
  """
  @spec spec(term(), direction(), (String.t() -> atom())) :: Macro.t()
  def spec(type, direction, name \\ &String.to_atom/1)

  def spec(word, _direction, _name) when word in @words, do: call(word)
  def spec(:float, :taken, _name), do: call(:number)
  def spec(:float, :given, _name), do: call(:float)
  def spec(:datetime, _direction, _name), do: quote(do: DateTime.t())
  def spec(:function, _direction, _name), do: call(:fun)
  def spec(nil, _direction, _name), do: nil
  def spec({:list, type}, direction, name), do: [spec(type, direction, name)]

  def spec({:tuple, types}, direction, name) do
    {:{}, [], Enum.map(types, &spec(&1, direction, name))}
  end

  def spec({:map, key, value}, direction, name) do
    {:%{}, [], [{{:optional, [], [spec(key, direction, name)]}, spec(value, direction, name)}]}
  end

  def spec({:struct, fields}, direction, name) do
    {:%{}, [], Enum.map(fields, &field(&1, direction, name))}
  end

  def spec({:union, cases}, direction, name) do
    either(
      for one <- cases do
        case one do
          {tag, type} -> {String.to_atom(tag), spec(type, direction, name)}
          tag -> String.to_atom(tag)
        end
      end
    )
  end

  def spec({:optional, type}, direction, name), do: either([spec(type, direction, name), nil])
  def spec({:named, own, _type}, _direction, name), do: call(name.(own))
  def spec({:name, own}, _direction, name), do: call(name.(own))

  # `:any`, and what a newer worker may say.
  def spec(_any, _direction, _name), do: call(:term)

  @doc "What a type that contains itself is, by its name, and so for all inside a description."
  @spec named(term()) :: %{String.t() => term()}
  def named({:named, name, type}), do: type |> named() |> Map.put(name, type)
  def named(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> named()
  def named([head | rest]), do: Map.merge(named(head), named(rest))
  def named(_leaf), do: %{}

  @doc "Whether a key may be missing in what a handler takes."
  @spec may_miss?(term(), boolean()) :: boolean()
  def may_miss?(type, optional?) do
    optional? or type == :any or match?({:optional, _}, type) or match?({:list, _}, type) or
      match?({:map, _, _}, type)
  end

  defp field({name, type, optional?}, direction, names) do
    key = String.to_atom(name)
    missing? = if direction == :taken, do: may_miss?(type, optional?), else: optional?
    {if(missing?, do: {:optional, [], [key]}, else: key), spec(type, direction, names)}
  end

  defp either(types), do: types |> Enum.reverse() |> Enum.reduce(&{:|, [], [&1, &2]})

  defp call(name), do: {name, [], []}
end
