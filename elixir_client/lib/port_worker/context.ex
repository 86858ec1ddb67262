defmodule PortWorker.Context do
  @moduledoc false
  # What travels with calls without being said in each: metadata, and the time that is left.
  # A call back has both from the task that asked for it, and hands them on to the calls that it makes
  # itself. They live in the dictionary of the process, as `$callers` do.

  alias PortWorker.Call

  @key :"$portworker_context"

  @type meta :: %{String.t() => String.t()}
  @typedoc "The context of a process, for another to take over."
  @type t :: {inherited :: {meta(), integer() | :infinity} | nil, Logger.metadata()}

  @doc "Whether this process was not called back."
  @spec none?() :: boolean()
  def none?, do: :erlang.get(@key) == :undefined

  @doc "The metadata that this process was called back with."
  @spec meta() :: meta()
  def meta do
    case Process.get(@key) do
      nil -> %{}
      {meta, _deadline} -> meta
    end
  end

  @doc "The point in time at which the task ends that this process was called back for."
  @spec deadline() :: integer() | :infinity
  def deadline do
    case Process.get(@key) do
      nil -> :infinity
      {_meta, deadline} -> deadline
    end
  end

  @doc """
  The metadata of a call: what was inherited, over that the Logger metadata under `keys`, over that
  what the call says itself.
  """
  @spec outgoing(meta(), [atom()]) :: meta()
  def outgoing(own, []) do
    case Process.get(@key) do
      {inherited, _deadline} when inherited != %{} -> Map.merge(inherited, own)
      _none -> own
    end
  end

  def outgoing(own, keys) do
    logged =
      for {key, value} <- Logger.metadata(), key in keys, text = text(value), do: {key, text}

    meta() |> Map.merge(Map.new(logged, fn {key, text} -> {"#{key}", text} end)) |> Map.merge(own)
  end

  # What has no obvious form as text stays at home.
  defp text(value) when is_binary(value), do: if(String.valid?(value), do: value)
  defp text(value) when is_atom(value) and value != nil, do: Atom.to_string(value)
  defp text(value) when is_number(value), do: to_string(value)
  defp text(_other), do: nil

  @doc "This process is called back: it has `timeout` milliseconds, and `keys` of `meta` go to its Logger metadata."
  @spec enter(meta(), timeout(), [atom()]) :: :ok
  def enter(meta, timeout, keys) do
    Process.put(@key, {meta, Call.deadline(timeout)})
    Logger.metadata(for key <- keys, {:ok, text} <- [Map.fetch(meta, "#{key}")], do: {key, text})
  end

  @doc "The context of the calling process."
  @spec capture() :: t()
  def capture, do: {Process.get(@key), Logger.metadata()}

  @doc "Gives the calling process the context of another."
  @spec restore(t()) :: :ok
  def restore({inherited, metadata}) do
    if inherited, do: Process.put(@key, inherited)
    Logger.metadata(metadata)
  end
end
