defmodule PortWorker.Hello do
  @moduledoc false
  # The handshake: what this client says of itself, and what it learns of the worker.
  #
  # A worker's functions declare field names and tags that will be atoms in their
  # results, and so do the types it lists beside them. They are made here, once, and their number is bounded: atoms are never
  # collected, and every later packet is decoded without making any.

  alias PortWorker.Error

  @protocol 1
  @default_max_frame 64 * 1024 * 1024
  @max_atoms 10_000

  @enforce_keys [:name, :version, :os_pid, :functions, :limits]
  defstruct [:name, :version, :os_pid, :functions, :limits, short_calls?: false]

  @type t :: %__MODULE__{
          name: String.t(),
          version: String.t(),
          os_pid: pos_integer(),
          functions: [map()],
          limits: map(),
          short_calls?: boolean()
        }

  @doc "The client's hello: settings for the worker, the bytes of the window, and what may be called back."
  @spec message(map(), pos_integer() | :infinity, [String.t()]) :: tuple()
  def message(config, window, callbacks) do
    hello = %{protocol: @protocol, config: config, callbacks: callbacks, short_results: true}
    {:hello, if(window == :infinity, do: hello, else: Map.put(hello, :window, window))}
  end

  @doc "How many atoms a hello may make, those it is written with and those it declares."
  @spec max_atoms() :: pos_integer()
  def max_atoms, do: @max_atoms

  @doc "Reads the worker's hello, and makes the atoms that its functions declare."
  @spec read(term()) :: {:ok, t()} | {:error, Error.t()}
  def read(%{protocol: @protocol, functions: functions, os_pid: os_pid} = map)
      when is_list(functions) and is_integer(os_pid) do
    with :ok <- declare([functions, Map.get(map, :types, [])]) do
      {:ok,
       %__MODULE__{
         name: text(map, :name),
         version: text(map, :version),
         os_pid: os_pid,
         functions: functions,
         limits: Map.get(map, :limits, %{}),
         short_calls?: Map.get(map, :short_calls) == true
       }}
    end
  end

  def read(%{protocol: version, functions: _, os_pid: _}) when version != @protocol do
    text = "the worker speaks version #{inspect(version)} of the protocol, expected #{@protocol}"
    {:error, Error.new(:unsupported, text)}
  end

  def read(other) do
    text = inspect(other, limit: 5, printable_limit: 100)
    {:error, Error.new(:bad_message, "expected a worker's hello, got: #{text}")}
  end

  @doc "Bytes of the largest packet the worker accepts."
  @spec max_frame(t()) :: pos_integer()
  def max_frame(%__MODULE__{limits: %{max_frame: max}}) when is_integer(max) and max > 0, do: max
  def max_frame(%__MODULE__{}), do: @default_max_frame

  @doc "Which functions are streams or channels."
  @spec kinds(t()) :: %{String.t() => :stream | :channel}
  def kinds(%__MODULE__{functions: functions}) do
    for %{name: name, kind: kind} when kind in [:stream, :channel] <- functions,
        into: %{},
        do: {name, kind}
  end

  defp text(map, key) do
    case map do
      %{^key => value} when is_binary(value) -> value
      _absent -> ""
    end
  end

  defp declare(described) do
    names = described |> declared([]) |> Enum.uniq()

    cond do
      length(names) > @max_atoms ->
        text =
          "the worker declares #{length(names)} field names and tags, at most #{@max_atoms} may be"

        {:error, Error.new(:bad_message, text)}

      name = Enum.find(names, &(not atom?(&1))) ->
        text = "the worker declares the field name or tag #{inspect(name)}, which can be no atom"
        {:error, Error.new(:bad_message, text)}

      true ->
        Enum.each(names, &String.to_atom/1)
    end
  end

  defp atom?(name), do: String.valid?(name) and String.length(name) <= 255

  # The names that become atoms, anywhere in a description: fields of a struct and tags
  # of a union. What is described in a way this client does not know declares nothing.
  defp declared({:struct, fields}, names) when is_list(fields) do
    Enum.reduce(fields, names, fn
      {name, type, _optional}, names when is_binary(name) -> declared(type, [name | names])
      _unknown, names -> names
    end)
  end

  defp declared({:union, cases}, names) when is_list(cases) do
    Enum.reduce(cases, names, fn
      {tag, type}, names when is_binary(tag) -> declared(type, [tag | names])
      tag, names when is_binary(tag) -> [tag | names]
      _unknown, names -> names
    end)
  end

  defp declared(map, names) when is_map(map), do: map |> Map.values() |> declared(names)

  defp declared(tuple, names) when is_tuple(tuple),
    do: tuple |> Tuple.to_list() |> declared(names)

  defp declared([head | rest], names), do: declared(rest, declared(head, names))
  defp declared(_leaf, names), do: names
end
