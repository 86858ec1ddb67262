defmodule PortWorker.Session.Log do
  @moduledoc false
  # What a session has logged, as actions, whatever the worker says.

  @type action :: {:log, Logger.level(), message :: term(), attributes :: map()}

  @doc "A record of the session's own."
  @spec action(Logger.level(), String.t()) :: action()
  def action(level, text), do: {:log, level, text, %{}}

  @doc "A record of the worker's."
  @spec record(term(), term(), term()) :: action()
  def record(level, text, attributes), do: {:log, level(level), text, attributes(attributes)}

  defp level(level) when level in [:debug, :info, :notice, :warning, :error], do: level
  defp level(_other), do: :info

  defp attributes(map) when is_map(map), do: map
  defp attributes(other), do: %{"attributes" => other}

  @doc "What should be a name, as text."
  @spec label(term()) :: String.t()
  def label(name) when is_binary(name), do: name
  def label(name), do: brief(name)

  @doc "Any term, as a short text."
  @spec brief(term()) :: String.t()
  def brief(term), do: inspect(term, limit: 5, printable_limit: 100)
end
