defmodule PortWorker.Session.Callback do
  @moduledoc false
  # What a worker asks for when it calls back, as it came, made into a request that can be carried out.

  alias PortWorker.{Callbacks, Session}
  alias PortWorker.Session.{Log, Task}

  @doc "What is to be done about a callback: a request for a function that was offered, else a refusal. `task` is what is known of the task that asks."
  @spec action(tuple(), Callbacks.functions(), Task.t() | nil) :: Session.action()
  def action({:callback, id, ref, name, args, opts}, functions, task) do
    case functions do
      %{^name => function} when is_list(args) and is_map(opts) ->
        {:callback, request(id, ref, function, args, opts, task)}

      _none ->
        text = "no function #{Log.label(name)} is registered here"
        {:write, {:reply, id, {:error, %{reason: :unknown_function, message: text}}}}
    end
  end

  defp request(id, ref, function, args, opts, task) do
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
