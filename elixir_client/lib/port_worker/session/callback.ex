defmodule PortWorker.Session.Callback do
  @moduledoc false
  # What a worker asks for when it calls back, as it came, made into a request that can be carried out.

  alias PortWorker.Callbacks
  alias PortWorker.Session.Task

  @doc "The request for a function that was offered. `task` is what is known of the task that asks."
  @spec request(integer(), term(), Callbacks.callee(), list(), map(), Task.t() | nil) ::
          Callbacks.request()
  def request(id, ref, function, args, opts, task) do
    %{
      id: id,
      ref: ref,
      function: function,
      args: args,
      timeout: timeout(opts),
      meta: meta(opts),
      caller: task && task.caller
    }
  end

  defp timeout(%{timeout: ms}) when is_integer(ms) and ms >= 0, do: ms
  defp timeout(_without), do: :infinity

  defp meta(%{meta: meta}) when is_map(meta), do: meta
  defp meta(_without), do: %{}
end
