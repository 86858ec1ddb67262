defmodule PortWorker.Session.Task do
  @moduledoc false
  # What a connection knows of a live task: where its progress goes, for whom its calls
  # back are made, and who waits for the receipt of a cancel. A channel has a receiver and
  # inputs on top.

  alias PortWorker.Session.Inputs

  @enforce_keys [:function]
  defstruct [:function, :progress_to, :caller, :receiver, :inputs, active?: false, waiting: []]

  @typedoc "The `$callers` and the Logger metadata of the process that made the call."
  @type caller :: {callers :: [pid()], metadata :: keyword()}

  @type t :: %__MODULE__{
          function: String.t(),
          progress_to: pid() | reference() | nil,
          caller: caller() | nil,
          receiver: pid() | nil,
          inputs: Inputs.t() | nil,
          active?: boolean(),
          waiting: [GenServer.from()]
        }
end
