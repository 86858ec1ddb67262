defmodule PortWorker.Ref do
  @moduledoc """
  A running task, as `PortWorker.start_task/4` returns it.

  The public fields:

    * `:ref` - the reference in the messages of the task
    * `:worker` - the worker it runs on, as it was given to `PortWorker.start_task/4`
    * `:function` - the name of the function
    * `:owner` - the process that started it, which gets the messages and is the one that can await it
  """

  @enforce_keys [:ref, :worker, :function, :owner]
  defstruct [:ref, :worker, :function, :owner, :id, :connection, :patience, :on_progress]

  @type t :: %__MODULE__{
          ref: reference(),
          worker: PortWorker.worker(),
          function: String.t(),
          owner: pid(),
          id: PortWorker.Calls.id() | nil,
          connection: pid() | nil,
          patience: timeout() | nil,
          on_progress: (term() -> term()) | pid() | nil
        }

  @doc false
  # A task of the calling process that is made by that plan. Its number is still to come; others by the same plan differ in that
  # and in the reference.
  @spec new(
          PortWorker.worker(),
          PortWorker.Routes.Route.t(),
          PortWorker.Call.Plan.t(),
          reference()
        ) ::
          t()
  def new(worker, %{connection: connection}, %{function: function, time_left: time_left}, ref) do
    %__MODULE__{
      ref: ref,
      worker: worker,
      function: function,
      owner: self(),
      connection: connection,
      patience: PortWorker.Call.patience(time_left)
    }
  end

  defimpl Inspect do
    import Inspect.Algebra

    def inspect(task, opts) do
      fields = [ref: task.ref, worker: task.worker, function: task.function, owner: task.owner]
      concat(["#PortWorker.Ref<", to_doc(fields, opts), ">"])
    end
  end
end
