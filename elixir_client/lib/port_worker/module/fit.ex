defmodule PortWorker.Module.Fit do
  @moduledoc false
  # Whether a worker still is what a module was compiled for.
  #
  # It fits if each function of the module is there, takes all that it took, and gives nothing that it did not
  # give. So functions may be added, optional arguments at the end, keys that may be missing, tags that
  # are taken; and what was given may become less, or maps with more keys.

  alias PortWorker.Module.Types

  @doc "What is different in a way that matters, one line for each function; none if the worker fits."
  @spec differences([map()], [map()]) :: [String.t()]
  def differences(compiled, offered) do
    offered = Map.new(offered, &{&1.name, &1})
    Enum.flat_map(compiled, fn old -> compare(old, Map.get(offered, old.name)) end)
  end

  defp compare(old, nil), do: ["#{old.name} is missing"]

  defp compare(%{kind: kind} = old, %{kind: other}) when kind != other do
    ["#{old.name} is a #{other}, and was a #{kind}"]
  end

  defp compare(old, new), do: arguments(old, new) ++ result(old, new) ++ input(old, new)

  defp arguments(old, new) do
    text = fn function -> "(#{Enum.map_join(function.args, ", ", &taken/1)})" end

    if takes?(new.args, old.args),
      do: [],
      else: ["#{old.name} takes #{text.(new)}, and took #{text.(old)}"]
  end

  defp result(%{name: name, result: was}, %{result: is}) do
    if fits?(was, is, :given),
      do: [],
      else: ["#{name} gives #{given(is)}, and gave #{given(was)}"]
  end

  defp input(%{kind: :channel, name: name, input: took}, %{input: takes}) do
    if fits?(takes, took, :taken),
      do: [],
      else: ["#{name} takes the input #{taken(takes)}, and took #{taken(took)}"]
  end

  defp input(_old, _new), do: []

  defp taken(type), do: type |> Types.spec(:taken) |> Macro.to_string()
  defp given(type), do: type |> Types.spec(:given) |> Macro.to_string()

  defp takes?([], []), do: true
  defp takes?([{:optional, _type} | rest], []), do: takes?(rest, [])
  defp takes?([new | news], [old | olds]), do: fits?(new, old, :taken) and takes?(news, olds)
  defp takes?(_more, _or_less), do: false

  # With what the names in each of the two stand for, and the pairs that are being compared.
  defp fits?(wide, narrow, direction) do
    fits?(wide, narrow, direction, {Types.named(wide), Types.named(narrow), MapSet.new()})
  end

  # Whether each term of the narrow type is one of the wide type.
  defp fits?(same, same, _direction, {names, names, _open}), do: true
  defp fits?(:any, _narrow, _direction, _names), do: true

  defp fits?(wide, {:named, _, _} = narrow, direction, names),
    do: open(wide, narrow, direction, names)

  defp fits?({:named, _, _} = wide, narrow, direction, names),
    do: open(wide, narrow, direction, names)

  defp fits?(wide, {:name, _} = narrow, direction, names),
    do: open(wide, narrow, direction, names)

  defp fits?({:name, _} = wide, narrow, direction, names),
    do: open(wide, narrow, direction, names)

  defp fits?({:optional, wide}, {:optional, narrow}, direction, names),
    do: fits?(wide, narrow, direction, names)

  defp fits?({:optional, _wide}, nil, _direction, _names), do: true

  defp fits?({:optional, wide}, narrow, direction, names),
    do: fits?(wide, narrow, direction, names)

  defp fits?(:integer, :non_neg_integer, _direction, _names), do: true
  defp fits?(:float, number, :taken, _names) when number in [:integer, :non_neg_integer], do: true
  defp fits?(:atom, word, _direction, _names) when word in [:boolean, nil], do: true
  defp fits?(:bitstring, :binary, _direction, _names), do: true
  defp fits?(:list, {:list, _type}, _direction, _names), do: true
  defp fits?(:tuple, {:tuple, _types}, _direction, _names), do: true

  defp fits?({:list, wide}, {:list, narrow}, direction, names),
    do: fits?(wide, narrow, direction, names)

  defp fits?({:map, k, v}, {:map, key, value}, direction, names) do
    fits?(k, key, direction, names) and fits?(v, value, direction, names)
  end

  defp fits?({:tuple, wide}, {:tuple, narrow}, direction, names) do
    length(wide) == length(narrow) and
      Enum.all?(Enum.zip(wide, narrow), fn {w, n} -> fits?(w, n, direction, names) end)
  end

  defp fits?({:union, wide}, {:union, narrow}, direction, names) do
    Enum.all?(narrow, fn one -> Enum.any?(wide, &case_fits?(&1, one, direction, names)) end)
  end

  # Keys that only the narrow type has are ignored, here as over there.
  defp fits?({:struct, wide}, {:struct, narrow}, direction, names) do
    narrow = Map.new(narrow, fn {name, type, optional?} -> {name, {type, optional?}} end)
    Enum.all?(wide, &field_fits?(&1, narrow, direction, names))
  end

  defp fits?(wide, narrow, _direction, _names), do: wide == narrow

  defp case_fits?({tag, wide}, {tag, narrow}, direction, names),
    do: fits?(wide, narrow, direction, names)

  defp case_fits?(tag, tag, _direction, _names), do: is_binary(tag)
  defp case_fits?(_tag, _other, _direction, _names), do: false

  defp field_fits?({name, wide, optional?}, fields, direction, names) do
    missing? = may_miss?(direction, wide, optional?)

    case fields do
      %{^name => {narrow, narrow?}} ->
        (missing? or not may_miss?(direction, narrow, narrow?)) and
          fits?(wide, narrow, direction, names)

      _without ->
        missing?
    end
  end

  defp may_miss?(:taken, type, optional?), do: Types.may_miss?(type, optional?)
  defp may_miss?(:given, _type, optional?), do: optional?

  # Types that contain themselves fit if they do wherever they are not inside themselves.
  defp open(wide, narrow, direction, {wides, narrows, open}) do
    pair = {name(wide), name(narrow)}

    MapSet.member?(open, pair) or
      fits?(
        resolve(wide, wides),
        resolve(narrow, narrows),
        direction,
        {wides, narrows, MapSet.put(open, pair)}
      )
  end

  defp name({:named, name, _type}), do: {:name, name}
  defp name(other), do: other

  defp resolve({:named, _name, type}, _names), do: type
  defp resolve({:name, name}, names), do: Map.get(names, name, :any)
  defp resolve(type, _names), do: type
end
