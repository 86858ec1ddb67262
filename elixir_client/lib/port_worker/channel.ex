defmodule PortWorker.Channel do
  @moduledoc """
  A conversation with a function of a worker, as `PortWorker.open/4` returns it.

  The public fields:

    * `:ref` - the reference in the messages of the channel
    * `:worker` - the worker it runs on, as it was given to `PortWorker.open/4`
    * `:function` - the name of the function
    * `:owner` - the process that opened it, which gets its messages; the channel ends when it does

  A channel is an `Enumerable` of its outputs and a `Collectable` of inputs, see `PortWorker.open/4`.
  """

  @enforce_keys [:ref, :worker, :function, :owner, :route, :counters, :step]
  defstruct [:ref, :worker, :function, :owner, :route, :counters, :step, :on_progress]

  @type t :: %__MODULE__{
          ref: reference(),
          worker: PortWorker.worker(),
          function: String.t(),
          owner: pid(),
          route: PortWorker.Routes.Route.t(),
          counters: :atomics.atomics_ref(),
          step: pos_integer() | nil,
          on_progress: (term() -> term()) | pid() | nil
        }

  defimpl Inspect do
    import Inspect.Algebra

    def inspect(channel, opts) do
      fields = Map.to_list(Map.take(channel, [:ref, :worker, :function, :owner]))
      concat(["#PortWorker.Channel<", to_doc(fields, opts), ">"])
    end
  end

  defimpl Enumerable do
    def reduce(_channel, {:halt, acc}, _fun), do: {:halted, acc}
    def reduce(channel, {:suspend, acc}, fun), do: {:suspended, acc, &reduce(channel, &1, fun)}

    def reduce(channel, {:cont, acc}, fun) do
      case PortWorker.recv(channel, :infinity) do
        {:ok, output} -> reduce(channel, fun.(output, acc), fun)
        :done -> {:done, acc}
        {_fault_or_error, error} -> raise error
      end
    end

    def count(_channel), do: {:error, __MODULE__}
    def member?(_channel, _element), do: {:error, __MODULE__}
    def slice(_channel), do: {:error, __MODULE__}
  end

  defimpl Collectable do
    def into(channel), do: {channel, &collect/2}

    defp collect(channel, {:cont, input}) do
      case PortWorker.send(channel, input) do
        :ok -> channel
        {:error, error} -> raise error
      end
    end

    defp collect(channel, :done), do: channel
    defp collect(_channel, :halt), do: :ok
  end
end
