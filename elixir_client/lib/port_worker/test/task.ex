defmodule PortWorker.Test.Task do
  @moduledoc false
  # One running stub, in a process of its own, as a handler has its goroutine. What it says goes through
  # the peer that has started it; what is said to it comes as `{Task, _}` messages.

  alias PortWorker.{Context, Error}
  alias PortWorker.Test.Stubs

  @enforce_keys [:peer, :ref, :function, :kind, :progress?]
  defstruct [:peer, :ref, :function, :kind, :progress?, credit: 0]

  @type t :: %__MODULE__{
          peer: pid(),
          ref: term(),
          function: String.t(),
          kind: :function | :stream | :channel,
          progress?: boolean(),
          credit: non_neg_integer()
        }

  @typedoc "What a call brings along: the stub, who had given it, and for whom it runs."
  @type ticket :: %{
          stub: function(),
          owner: pid(),
          callers: [pid()],
          metadata: keyword()
        }

  @doc "Runs a stub and ends with its result, as the peer gets it: `{:ended, ref, result}`."
  @spec run(t(), ticket(), list(), opts :: map()) :: :ok
  def run(task, ticket, args, opts) do
    Process.put(__MODULE__, task)
    Process.put(:"$callers", ticket.callers)
    Logger.metadata(ticket.metadata)
    Context.enter(Map.get(opts, :meta, %{}), Map.get(opts, :timeout, :infinity), [])
    send(task.peer, {:ended, task.ref, outcome(task, ticket, args)})
    :ok
  end

  @doc "The task that the calling process runs. Raises elsewhere."
  @spec current!(String.t()) :: t()
  def current!(called) do
    with nil <- Process.get(__MODULE__) do
      raise ArgumentError,
            "PortWorker.Test.#{called} is for the process that runs a stub, which #{inspect(self())} does not"
    end
  end

  @doc "Says something as the worker."
  @spec say(t(), tuple()) :: :ok
  def say(task, message) do
    send(task.peer, {:say, task.ref, message})
    :ok
  end

  @doc "The inputs of a channel, as they come, until the input is closed."
  @spec inputs(t()) :: Enumerable.t()
  def inputs(%{kind: :channel} = task) do
    Stream.repeatedly(fn -> next_input(task) end)
    |> Stream.take_while(&(&1 != :closed))
    |> Stream.map(fn {:input, input} -> input end)
  end

  def inputs(%{kind: kind, function: function}) do
    raise ArgumentError,
          "#{function} was called as a #{kind}: only one that is opened, with PortWorker.open/4, has inputs"
  end

  defp next_input(task) do
    receive do
      {__MODULE__, {:input, _} = input} ->
        say(task, {:credit, task.ref, 1})
        input

      {__MODULE__, :closed} ->
        # For those who ask again.
        send(self(), {__MODULE__, :closed})
        :closed
    end
  end

  defp outcome(task, ticket, args) do
    ticket.stub |> apply(args) |> result(task)
  rescue
    error in Error ->
      {:error, wire(error)}

    exception ->
      Stubs.failed(ticket.owner, {:error, exception, __STACKTRACE__})
      panic(:error, exception, __STACKTRACE__)
  catch
    kind, reason ->
      Stubs.failed(ticket.owner, {kind, reason, __STACKTRACE__})
      panic(kind, reason, __STACKTRACE__)
  end

  defp panic(kind, reason, stack) do
    message = Exception.format_banner(kind, reason, stack)
    {:error, %{reason: :panic, message: message, stack: Exception.format_stacktrace(stack)}}
  end

  defp result({:error, error}, _task), do: {:error, wire(error)}
  defp result({:ok, value}, %{kind: :function}), do: {:ok, value}

  defp result(other, %{kind: :function, function: function}) do
    raise ArgumentError,
          "the stub of #{function} returned #{inspect(other, limit: 5)}: expected {:ok, value} or {:error, error}"
  end

  defp result(elements, task) do
    if Enumerable.impl_for(elements) == nil do
      raise ArgumentError,
            "the stub of #{task.function} returned #{inspect(elements, limit: 5)}: expected an enumerable of what the " <>
              "#{task.kind} gives, or {:error, error}"
    end

    Enum.reduce(elements, task.credit, &give(&1, &2, task))
    {:ok, nil}
  end

  defp give(element, 0, task) do
    receive do
      {__MODULE__, {:credit, n}} -> give(element, n, task)
    end
  end

  defp give(element, credit, task) do
    say(task, {:data, task.ref, [element]})
    credit - 1
  end

  defp wire(%Error{} = error) do
    error
    |> Map.take([:reason, :message, :details, :stack, :retry_after])
    |> Map.reject(fn {_key, value} -> value == nil end)
  end

  defp wire(message) when is_binary(message), do: %{reason: :failed, message: message}

  defp wire({reason, message}) when is_atom(reason) and is_binary(message) do
    reason |> Error.new(message) |> wire()
  rescue
    FunctionClauseError -> no_reason(reason)
  end

  defp wire(reason) when is_atom(reason), do: wire({reason, ""})
  defp wire(other), do: no_reason(other)

  @spec no_reason(term()) :: no_return()
  defp no_reason(other) do
    raise ArgumentError,
          "expected as an error of a stub a reason of PortWorker.Error, a message, {reason, message} or " <>
            "%PortWorker.Error{}, got: #{inspect(other, limit: 5)}"
  end
end
