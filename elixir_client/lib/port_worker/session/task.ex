defmodule PortWorker.Session.Task do
  @moduledoc false
  # What a connection knows of a live task: which reference its messages have, where its progress goes, for whom its
  # calls back are made, and who waits for the receipt of a cancel. A channel has a receiver and
  # inputs on top.

  alias PortWorker.{Calls, Error}
  alias PortWorker.Session.Inputs
  alias PortWorker.Telemetry.Span

  @enforce_keys [:function]
  defstruct [
    :function,
    :ref,
    :progress_to,
    :caller,
    :receiver,
    :inputs,
    :span,
    active?: false,
    waiting: []
  ]

  @typedoc "The `$callers` and the Logger metadata of the process that made the call."
  @type caller :: {callers :: [pid()], metadata :: keyword()}

  @type t :: %__MODULE__{
          function: String.t(),
          ref: reference() | nil,
          progress_to: pid() | reference() | nil,
          caller: caller() | nil,
          receiver: pid() | nil,
          inputs: Inputs.t() | nil,
          span: Span.t() | nil,
          active?: boolean(),
          waiting: [GenServer.from()]
        }

  @type result :: {:ok, term()} | {:error, Error.t()}

  @doc "The actions that tell everybody how the task ended."
  @spec ended(t(), Calls.id() | reference(), result()) :: [tuple()]
  def ended(task, ref, result) do
    result = named(result, task.function)
    receipts = for from <- task.waiting, do: {:reply, from, receipt(result)}
    [{:answer, ref, result} | receipts] ++ refusals(task)
  end

  @doc "The actions that tell everybody that its owner wants no more of it. For a channel that is a good end."
  @spec forgotten(t()) :: [tuple()]
  def forgotten(%{receiver: nil} = task) do
    stopped(task, {:error, Error.new(:cancelled, "nobody waits for it")})
  end

  def forgotten(channel), do: refusals(channel) ++ stopped(channel, {:ok, nil})

  @doc "The action that ends its span."
  @spec stopped(t() | nil, result()) :: [tuple()]
  def stopped(%{span: span}, result) when span != nil, do: [{:stopped, span, result}]
  def stopped(_task, _result), do: []

  @doc "The actions that tell those who wait to send an input."
  @spec refusals(t()) :: [tuple()]
  def refusals(%{inputs: nil}), do: []
  def refusals(%{inputs: inputs}), do: Inputs.refuse(inputs)

  defp named({:error, error}, function), do: {:error, %{error | function: function}}
  defp named(ok, _function), do: ok

  defp receipt({:error, %Error{reason: :cancelled, details: %{still_running: true}} = error}) do
    {:still_running, error.stack || Map.get(error.details, :stack, "")}
  end

  defp receipt({:error, %Error{reason: :cancelled}}), do: :stopped
  defp receipt({:error, %Error{reason: :worker_down} = error}), do: {:error, error}
  defp receipt(result), do: {:finished, result}
end
