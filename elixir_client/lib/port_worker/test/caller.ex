defmodule PortWorker.Test.Caller do
  @moduledoc false
  # The caller's side of a stubbed worker: finds the stub for a call, in the process that makes it.
  # Only the route of a stubbed worker leads here.

  alias PortWorker.{Call, Error, Routes}
  alias PortWorker.Test.{Stubs, UnexpectedCallError}

  @doc "The route of this call, with its stub. Raises when there is none."
  @spec route(Stubs.worker(), Call.t() | nil, Routes.lookup()) ::
          {:ok, Routes.Route.t()} | {:error, Error.t()}
  def route(worker, call, lookup) do
    with {:ok, route} when call != nil <- lookup.({worker, 1}) do
      find(worker, call, route)
    end
  end

  defp find(worker, call, route) do
    callers = [self() | Process.get(:"$callers", [])]

    case Stubs.find(callers ++ ancestors(), worker, call.function) do
      {:ok, {stub, owner}} ->
        fits!(worker, call, stub)
        ticket = %{stub: stub, owner: owner, callers: callers, metadata: Logger.metadata()}
        {:ok, %{route | ticket: ticket}}

      {:used_up, wanted} ->
        raise UnexpectedCallError, used_up(worker, call, wanted)

      {:none, others} ->
        without(worker, call, others)
    end
  end

  defp ancestors do
    for ancestor <- Process.get(:"$ancestors", []),
        pid = if(is_pid(ancestor), do: ancestor, else: Process.whereis(ancestor)),
        do: pid
  end

  defp fits!(_worker, %{args: args}, stub) when is_function(stub, length(args)), do: :ok

  defp fits!(worker, call, stub) do
    {:arity, arity} = Function.info(stub, :arity)

    raise UnexpectedCallError,
          "#{inspect(call.function)} of #{inspect(worker)} was called with #{length(call.args)} arguments, and its stub " <>
            "takes #{arity}: #{inspect(call.args, limit: 5, printable_limit: 100)}"
  end

  # These are the worker's own, and nobody's to write.
  defp without(worker, %{function: "$" <> _} = call, _others) do
    text = "#{inspect(worker)} is a stub, which has no #{call.function} unless one is given"
    {:error, Error.new(:unsupported, text, function: call.function)}
  end

  defp without(worker, call, others) do
    raise UnexpectedCallError, """
    #{inspect(call.function)} of #{inspect(worker)} was called, and there is no stub for it. In the test, write

        #{example(worker, call)}

    Stubs are found by the process that gave them, those it has started and those it has called for. For another process \
    to use those of the test, here #{inspect(self())}, write

        PortWorker.Test.allow(#{inspect(worker)}, self(), pid)

    #{others(others)}\
    """
  end

  defp others([]), do: "There are no stubs here for other functions either."
  defp others(names), do: "There are stubs here for #{Enum.map_join(names, ", ", &inspect/1)}."

  defp example(worker, call) do
    arguments = Enum.map_join(1..length(call.args)//1, ", ", &"arg#{&1}")
    head = String.trim_trailing("fn #{arguments}")

    "PortWorker.Test.stub(#{inspect(worker)}, #{inspect(call.function)}, #{head} -> #{body(call)} end)"
  end

  defp body(%{options: %{active: _}}), do: "Stream.map(PortWorker.Test.inputs(), & &1)"
  defp body(%{options: %{demand: _}}), do: "[1, 2, 3]"
  defp body(_function), do: "{:ok, nil}"

  defp used_up(worker, call, wanted) do
    "#{inspect(call.function)} of #{inspect(worker)} was expected #{times(wanted)}, and was called once more. " <>
      "A stub, PortWorker.Test.stub/3, would answer all further calls"
  end

  @doc "So many times, in words."
  @spec times(non_neg_integer()) :: String.t()
  def times(1), do: "once"
  def times(n), do: "#{n} times"
end
