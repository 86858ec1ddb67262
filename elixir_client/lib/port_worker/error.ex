defmodule PortWorker.Error do
  @moduledoc """
  What went wrong with a call, a worker or a setting.

  The public fields:

    * `:reason` - which of a closed list of things it was, see `t:reason/0`
    * `:message` - a sentence that says what was wrong and, where it helps, what was expected
    * `:function` - the name of the function that was called, or `nil`
    * `:details` - whatever the handler attached, or `nil`
    * `:stack` - the goroutine's stack, of a panic or of a task that would not stop, or `nil`
    * `:retry_after` - milliseconds to wait before another try, or `nil` where that is not known

  `Exception.message/1` makes prose of it:

      iex> error = %PortWorker.Error{reason: :unknown_function, function: "upcas", message: "no function upcas"}
      iex> Exception.message(error)
      "upcas: no function upcas (unknown_function)"
  """

  @reasons [
    :unknown_function,
    :bad_args,
    :bad_message,
    :bad_frame,
    :frame_too_large,
    :duplicate_ref,
    :cancelled,
    :timeout,
    :overloaded,
    :draining,
    :panic,
    :failed,
    :circuit_open,
    :worker_down,
    :closed,
    :unsupported
  ]

  @typedoc """
  Why it failed.

    * `:unknown_function` - the worker has no function of that name
    * `:bad_args` - the arguments, or a setting, do not fit; the message says what was expected
    * `:bad_message`, `:bad_frame` - one side could not read what the other side sent
    * `:frame_too_large` - the encoded call is larger than the worker accepts
    * `:duplicate_ref` - two live calls had the same ref
    * `:cancelled` - the call was cancelled, or its owner died
    * `:timeout` - its `:timeout` or `:deadline` passed
    * `:overloaded` - a limit was reached; a later try may succeed
    * `:draining` - the worker is being stopped
    * `:panic` - the handler panicked; the stack is in `:stack`
    * `:failed` - the handler returned an error
    * `:circuit_open` - a circuit breaker refused the call
    * `:worker_down` - the OS process is gone, or not there yet
    * `:closed` - the channel, or its input, was closed before
    * `:unsupported` - this worker cannot do that
  """
  @type reason ::
          :unknown_function
          | :bad_args
          | :bad_message
          | :bad_frame
          | :frame_too_large
          | :duplicate_ref
          | :cancelled
          | :timeout
          | :overloaded
          | :draining
          | :panic
          | :failed
          | :circuit_open
          | :worker_down
          | :closed
          | :unsupported

  @type t :: %__MODULE__{
          reason: reason(),
          message: String.t(),
          function: String.t() | nil,
          details: term(),
          stack: String.t() | nil,
          retry_after: non_neg_integer() | nil
        }

  defexception reason: :failed,
               message: "",
               function: nil,
               details: nil,
               stack: nil,
               retry_after: nil

  @impl true
  def message(%__MODULE__{} = error) do
    prefix = if error.function, do: "#{error.function}: ", else: ""
    text = if error.message in [nil, ""], do: "the call did not succeed", else: error.message
    "#{prefix}#{text} (#{error.reason})"
  end

  @doc false
  @spec new(reason(), String.t(), keyword()) :: t()
  def new(reason, message, fields \\ []) when reason in @reasons do
    struct!(%__MODULE__{reason: reason, message: message}, fields)
  end

  # The error map of a worker. A newer worker may know reasons that this client
  # does not: they are kept in words, as a plain failure.
  @doc false
  @spec from_wire(term()) :: t()
  def from_wire(%{reason: reason} = map) when reason in @reasons do
    %__MODULE__{
      reason: reason,
      message: text(Map.get(map, :message)) || "",
      details: Map.get(map, :details),
      stack: text(Map.get(map, :stack)),
      retry_after: milliseconds(Map.get(map, :retry_after))
    }
  end

  def from_wire(other) do
    %__MODULE__{
      reason: :failed,
      message: "the worker gave an error of a kind this client does not know",
      details: other
    }
  end

  # The reason a connection process ended with, as its callers see it.
  @doc false
  @spec from_exit(term()) :: t()
  def from_exit({:shutdown, %__MODULE__{} = error}), do: error
  def from_exit(:noproc), do: new(:worker_down, "the worker is not running")

  def from_exit(reason) do
    new(:worker_down, "the connection to the worker ended: #{inspect(reason)}")
  end

  defp text(value) when is_binary(value), do: value
  defp text(_absent), do: nil

  defp milliseconds(value) when is_integer(value) and value >= 0, do: value
  defp milliseconds(_absent), do: nil
end
