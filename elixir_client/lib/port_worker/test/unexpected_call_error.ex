defmodule PortWorker.Test.UnexpectedCallError do
  @moduledoc """
  A call of a stubbed worker that no stub is there for, raised where the call is made.

  The message says what to write.
  """

  defexception [:message]

  @type t :: %__MODULE__{message: String.t()}
end
