defmodule PortWorker.Tasks do
  @moduledoc false
  # The caller's side of calls and tasks. Everything here runs in the calling process.
  #
  # A call is a number on the wire, and a reference in the answer, which the connection sends to the caller. Who gives
  # up has the number taken out of the connection first; what comes later reaches nobody. (An alias would do that by
  # itself, and costs a caller as much as all else that it does.)
  #
  # A monitor of the connection costs as much. A task is entered in a table instead, from
  # which those are told who wait when the worker ends. A call that is waited for here and now needs
  # nothing, unless it waits for a while: only then it watches the connection.

  alias PortWorker.{Call, Calls, Context, Error, Pending, Ref, Requests, Routes, Writer}
  alias PortWorker.Telemetry.Span

  @type result :: {:ok, term()} | {:error, Error.t()}

  # Milliseconds that a caller waits before it watches the connection: few enough to hear soon of a worker that
  # has ended, and more than a call takes that is over at once.
  @unwatched 10

  @doc "Makes the call and waits for its result."
  @spec run(PortWorker.worker(), Call.t()) :: result()
  def run(worker, call) do
    case Routes.fetch(worker, call) do
      {:ok, route} ->
        span = Span.start(:call, worker, route, call)
        Span.stop(span, run(span, worker, route, call))

      {:error, error} ->
        no_route(worker, call, error)
    end
  end

  # The function that is told of progress may fail.
  defp run(span, worker, route, %{options: %{on_progress: _}} = call) do
    worker |> start(route, call) |> await(:infinity)
  catch
    kind, reason ->
      Span.exception(span, kind, reason, __STACKTRACE__)
      :erlang.raise(kind, reason, __STACKTRACE__)
  end

  defp run(_span, _worker, route, call), do: call_and_wait(route, call)

  defp no_route(worker, call, error) do
    span = Span.start(:call, worker, nil, call)
    Span.stop(span, Call.result(call, {:error, error}))
  end

  defp call_and_wait(route, call) do
    id = Pending.next(route.pending)

    case Call.encode(call, route, id) do
      {:ok, time_left, encoded} ->
        # Made in the same function as the receive, so that the receive skips what was in
        # the mailbox before.
        ref = make_ref()
        Requests.announce(route, id, call, ref, nil)
        Writer.call_and_wait(route, id, {self(), ref}, encoded)
        patience = Call.patience(time_left)

        receive do
          {^ref, result} -> Call.result(call, result)
        after
          min(patience, @unwatched) ->
            left = if patience == :infinity, do: :infinity, else: max(patience - @unwatched, 0)
            wait_watching(route, call, id, ref, left)
        end

      {:error, error} ->
        {:error, error}
    end
  end

  # If the connection is gone already, the monitor says so at once. What it has said before comes first.
  defp wait_watching(route, call, id, ref, left) do
    monitor = Process.monitor(route.connection)

    receive do
      {^ref, result} ->
        Process.demonitor(monitor, [:flush])
        Call.result(call, result)

      {:DOWN, ^monitor, _, _, reason} ->
        Call.result(call, close(ref) || {:error, why_down(route, reason)})
    after
      left ->
        Process.demonitor(monitor, [:flush])
        Requests.forget(route.connection, [id])
        result = close(ref) || {:error, Call.timeout(call, "the worker did not answer in time")}
        Call.result(call, result)
    end
  end

  defp why_down(route, :noproc) do
    case Routes.lookup(route.key) do
      {:error, error} -> error
      {:ok, _restarted} -> Error.new(:worker_down, "the worker was restarted")
    end
  end

  defp why_down(_route, reason), do: Error.from_exit(reason)

  @doc "The same in another process, as if the one with that context had made the call."
  @spec run_within(Context.t(), PortWorker.worker(), Call.t()) :: result()
  def run_within(context, worker, call) do
    Context.restore(context)
    run(worker, call)
  end

  @doc "Makes a call nobody waits for."
  @spec cast(PortWorker.worker(), Call.t()) :: :ok | {:error, Error.t()}
  def cast(worker, call) do
    case Routes.fetch(worker, call) do
      {:ok, route} ->
        send_cast(route, with_span(call, worker, route))

      {:error, error} ->
        no_route(worker, call, error)
    end
  end

  defp send_cast(route, call) do
    ref = {:cast, call.function, System.unique_integer()}

    case Call.encode(call, route, ref) do
      {:ok, _time_left, encoded} ->
        Requests.announce(route, ref, call, nil, nil)
        Writer.call(route, encoded)
        _ = if call.span && not looked_after?(route), do: lost(call)
        :ok

      {:error, error} ->
        Span.stop(call.span, {:error, error})
    end
  end

  # A connection that ends tells of what was announced before it closed the table. One that is killed closes
  # nothing.
  defp looked_after?(route) do
    Pending.open?(route.pending) and Process.alive?(route.connection)
  end

  defp lost(call), do: Span.stop(call.span, {:error, ended()})

  @doc "Makes the call and returns at once. Whatever becomes of it arrives as `{ref, _}`."
  @spec start(PortWorker.worker(), Call.t()) :: Ref.t()
  def start(worker, call) do
    case Routes.fetch(worker, call) do
      {:ok, route} ->
        start(worker, route, with_span(call, worker, route))

      {:error, error} ->
        refused(worker, make_ref(), with_span(call, worker, nil), error)
    end
  end

  defp with_span(call, worker, route) do
    case Span.shared(:call, worker, route, call) do
      nil -> call
      span -> %{call | span: span}
    end
  end

  defp start(worker, route, call) do
    ref = make_ref()

    case send_call(route, ref, call, self()) do
      {:ok, id, time_left} ->
        %Ref{
          ref: ref,
          worker: worker,
          function: call.function,
          owner: self(),
          id: id,
          connection: route.connection,
          patience: Call.patience(time_left),
          on_progress: Map.get(call.options, :on_progress)
        }

      {:error, error} ->
        refused(worker, ref, call, error)
    end
  end

  @doc """
  Sends a call whose answer comes as `{ref, result}`, whatever becomes of the worker, and returns its number
  and the time that it has left. After an error nothing comes.
  """
  @spec send_call(Routes.Route.t(), reference(), Call.t(), progress_to :: pid() | nil) ::
          {:ok, Calls.id(), timeout()} | {:error, Error.t()}
  def send_call(%{pending: pending} = route, ref, call, progress_to) do
    id = Pending.next(pending)

    with {:ok, time_left, encoded} <- Call.encode(call, route, id) do
      # First of all, so that no answer can come before.
      place = Pending.add(pending, id, self(), ref, call.function)
      Requests.announce(route, id, call, ref, progress_to)
      Writer.call(route, id, {self(), ref, call.function, place}, encoded)
      # A worker that ends takes its leave of the tasks that were entered before.
      if Pending.open?(pending) or answered?(pending, id, place, ref),
        do: {:ok, id, time_left},
        else: {:error, ended()}
    end
  end

  # Whether somebody has taken it on to answer a task of a worker that ends.
  defp answered?(pending, id, place, ref) do
    case Pending.claim(pending, id, place) do
      :gone -> waiting?(ref)
      claimed? -> not claimed?
    end
  end

  defp waiting?(ref) do
    receive do
      {^ref, _result} = answer ->
        send(self(), answer)
        true
    after
      0 -> false
    end
  end

  defp ended, do: Error.new(:worker_down, "the worker has ended")

  defp refused(worker, ref, call, error) do
    result = {:error, %{error | function: call.function}}
    send(self(), {ref, result})
    _ = Span.stop(call.span, result)
    %Ref{ref: ref, worker: worker, function: call.function, owner: self()}
  end

  @doc "Waits for the result; a task that takes too long is cancelled."
  @spec await(Ref.t(), timeout()) :: result()
  def await(task, timeout) do
    own!(task)

    # The worker keeps the time. This is for one that cannot answer, so that it is no matter that it is counted from here:
    # to ask for the time costs a task more than to send it.
    case wait(task, Call.earlier(timeout, task.patience || :infinity)) do
      nil ->
        abandon(task) ||
          {:error, Error.new(:timeout, "no result while it was awaited", function: task.function)}

      result ->
        result
    end
  end

  @doc "Waits for the result; `nil` when there is none yet."
  @spec yield(Ref.t(), timeout()) :: result() | nil
  def yield(task, timeout) do
    own!(task)
    wait(task, timeout)
  end

  @doc "Cancels the task and says how it ended."
  @spec cancel(Ref.t(), timeout()) :: PortWorker.receipt()
  def cancel(%Ref{connection: nil} = task, _timeout), do: finished(task)

  def cancel(%Ref{owner: owner} = task, timeout) when owner == self() do
    case Requests.cancel(task.connection, task.id, timeout) do
      :not_found ->
        finished(task)

      {:error, %Error{reason: :timeout}} = still_waiting ->
        still_waiting

      receipt ->
        _ = close(task.ref)
        receipt
    end
  end

  def cancel(%Ref{} = task, timeout),
    do: Requests.cancel(task.connection, task.id, timeout)

  def cancel(other, _timeout), do: no_task!(other)

  defp finished(%Ref{owner: owner} = task) when owner == self() do
    case close(task.ref) do
      nil -> :not_found
      result -> {:finished, result}
    end
  end

  defp finished(_anothers), do: :not_found

  defp wait(%Ref{on_progress: report} = task, timeout) when is_function(report) do
    wait_reporting(task, Call.deadline(timeout))
  end

  defp wait(%Ref{ref: ref}, timeout) do
    receive do
      {^ref, {kind, _} = result} when kind in [:ok, :error] -> result
    after
      timeout -> nil
    end
  end

  defp wait_reporting(%Ref{ref: ref} = task, deadline) do
    receive do
      {^ref, {:progress, term}} ->
        report(task, term)
        wait_reporting(task, deadline)

      {^ref, {kind, _} = result} when kind in [:ok, :error] ->
        result
    after
      Call.time_to(deadline) -> nil
    end
  end

  defp report(task, term) do
    task.on_progress.(term)
  catch
    kind, reason ->
      _ = abandon(task)
      :erlang.raise(kind, reason, __STACKTRACE__)
  end

  # Stops the work over there and leaves no message behind here. The result, if it had
  # come already.
  defp abandon(%Ref{connection: nil} = task), do: close(task.ref)

  defp abandon(task) do
    Requests.forget(task.connection, [task.id])
    close(task.ref)
  end

  @doc "Takes what has come out of the mailbox, and returns the result if there is one."
  @spec close(reference()) :: result() | nil
  def close(ref), do: take_messages(ref, nil)

  defp take_messages(ref, result) do
    receive do
      {^ref, {:progress, _term}} -> take_messages(ref, result)
      {^ref, last} -> take_messages(ref, last)
    after
      0 -> result
    end
  end

  defp own!(%Ref{owner: owner}) when owner == self(), do: :ok

  defp own!(%Ref{} = task) do
    raise ArgumentError,
          "#{inspect(task)} must be awaited by the process that started it, not by #{inspect(self())}"
  end

  defp own!(other), do: no_task!(other)

  @spec no_task!(term()) :: no_return()
  defp no_task!(%Task{}) do
    raise ArgumentError,
          "expected what start_task/4 returned, got a Task; use the functions of Task for that"
  end

  defp no_task!(other) do
    raise ArgumentError, "expected what start_task/4 returned, got: #{inspect(other, limit: 5)}"
  end
end
