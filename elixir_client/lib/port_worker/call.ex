defmodule PortWorker.Call do
  @moduledoc false
  # A call before it is sent: checked, with its end in time, and able to encode
  # itself in the process that makes it.

  alias PortWorker.{Context, Error, Options, Routes, Sender}
  alias PortWorker.Call.Plan
  alias PortWorker.Session.{Inputs, Task}
  alias PortWorker.Telemetry.Span

  # How much longer than the worker the caller waits. The worker keeps the time; this is for
  # one that cannot answer.
  @grace 1_000

  @enforce_keys [:function, :args, :options]
  # The span is that of a call whose end the connection tells; `given` is the function and the options as they were said.
  defstruct [:function, :args, :options, :span, :given]

  @type t :: %__MODULE__{
          function: String.t(),
          args: list(),
          options: Options.call(),
          span: Span.t() | nil,
          given: {atom() | String.t(), keyword()} | nil
        }

  @doc "A call with the options of `run/4`. Raises `ArgumentError` for what can be no call."
  @spec new!(atom() | String.t(), list(), keyword()) :: t()
  def new!(function, args, opts) do
    %{build!(function, args, Options.call!(opts)) | given: {function, opts}}
  end

  @doc "The same with options that have been checked."
  @spec build!(atom() | String.t(), list(), Options.call()) :: t()
  def build!(function, args, options) do
    %__MODULE__{function: function!(function), args: args!(args), options: options}
  end

  defp function!(name) when is_binary(name) and name != "", do: name
  defp function!(name) when is_atom(name) and name != nil, do: Atom.to_string(name)

  defp function!(other) do
    raise ArgumentError,
          "expected the name of a function, a string or an atom, got: #{inspect(other)}"
  end

  defp args!(args) when is_list(args) and length(args) >= 0, do: args

  defp args!(other) do
    raise ArgumentError, "expected a list of arguments, got: #{inspect(other, limit: 5)}"
  end

  @doc "Milliseconds the call has from now on."
  @spec time_left(t(), Routes.Route.t()) :: timeout()
  def time_left(%{options: options}, route) do
    timeout = options |> Map.get(:timeout, route.timeout) |> earlier(inherited(options))

    case options do
      %{deadline: deadline} -> earlier(timeout, max(deadline - now(), 0))
      _without -> timeout
    end
  end

  # A call that is made while the worker waits for this process ends with the task that waits.
  defp inherited(%{detach: true}), do: :infinity
  defp inherited(_attached), do: time_to(Context.deadline())

  @doc "The earlier of two timeouts, in milliseconds or `:infinity`. An atom is greater than any number."
  @spec earlier(timeout(), timeout()) :: timeout()
  def earlier(a, b), do: min(a, b)

  @doc "The point in time at which the caller of a call that has `time_left` gives up."
  @spec expires_at(timeout()) :: integer() | :infinity
  def expires_at(time_left), do: time_left |> patience() |> deadline()

  @doc "The point in time that is `timeout` milliseconds from now."
  @spec deadline(timeout()) :: integer() | :infinity
  def deadline(:infinity), do: :infinity
  def deadline(timeout), do: now() + timeout

  @doc "Milliseconds from now to that point in time."
  @spec time_to(integer() | :infinity) :: timeout()
  def time_to(:infinity), do: :infinity
  def time_to(deadline), do: max(deadline - now(), 0)

  @doc "What is left of a timeout when so many milliseconds have passed."
  @spec left(timeout(), non_neg_integer()) :: timeout()
  def left(:infinity, _passed), do: :infinity
  def left(timeout, passed), do: max(timeout - passed, 0)

  @doc "How long the caller waits for the answer to a call that has `time_left`."
  @spec patience(timeout()) :: timeout()
  def patience(:infinity), do: :infinity
  def patience(time_left), do: time_left + @grace

  @doc """
  The call in bytes, with `ref` as its ref and the calling process as its owner, and the time that it has left. An error says
  why it cannot be sent.
  """
  @spec encode(t(), Routes.Route.t(), ref :: term()) ::
          {:ok, timeout(), Sender.call()} | {:error, Error.t()}
  def encode(call, route, ref) do
    with {:ok, plan} <- Plan.of(call, route),
         {:ok, {encoded, size}} <- Plan.encode(plan, route, ref, call.args) do
      {:ok, plan.time_left, {plan.owner, encoded, size}}
    end
  end

  @doc """
  What the connection is to know of the call. Its messages have the reference `ref`. Progress goes to the pid that
  was asked for, else to `progress_to` if a function waits for it there.
  """
  @spec task(t(), Routes.Route.t(), reference() | nil, pid() | reference() | nil) :: Task.t()
  def task(%{options: options} = call, route, ref, progress_to) do
    %Task{
      function: call.function,
      ref: ref,
      progress_to: progress_to(options, progress_to),
      caller: if(route.callbacks?, do: caller()),
      span: call.span
    }
  end

  # A call back looks to sandboxes, mocks and logs as if the caller had made it.
  defp caller, do: {[self() | Process.get(:"$callers", [])], Logger.metadata()}

  @doc "The same for a channel whose outputs go to `receiver`."
  @spec channel(t(), Routes.Route.t(), reference(), pid()) :: Task.t()
  def channel(call, route, ref, receiver) do
    %{
      task(call, route, ref, receiver)
      | receiver: receiver,
        inputs: %Inputs{},
        active?: call.options.active == true
    }
  end

  defp progress_to(%{on_progress: pid}, _default) when is_pid(pid), do: pid
  defp progress_to(%{on_progress: _function}, default), do: default
  defp progress_to(_options, _default), do: nil

  @doc "The result as the caller gets it: an error knows the function."
  @spec result(String.t(), Task.result()) :: Task.result()
  def result(_function, {:ok, _value} = ok), do: ok
  def result(function, {:error, error}), do: {:error, %{error | function: function}}

  defp now, do: :erlang.monotonic_time(:millisecond)
end
