defmodule PortWorker.Tasks do
  @moduledoc false
  # The caller's side of calls and tasks. Everything here runs in the calling process.
  #
  # The ref is an alias of the caller. The one answer closes it; so does giving up. What comes later reaches
  # nobody.
  #
  # A monitor of the connection costs as much as all else a caller does. A task is entered in a table instead, from
  # which those are told who wait when the worker ends. A call that is waited for here and now needs
  # nothing, unless it waits for a while: only then it watches the connection.

  alias PortWorker.{Call, Context, Error, Pending, Ref, Requests, Routes, Writer}
  alias PortWorker.Telemetry.Span

  @type result :: {:ok, term()} | {:error, Error.t()}

  # Milliseconds that a caller waits before it watches the connection: few enough to hear soon of a worker that
  # has ended, and more than a call takes that is over at once.
  @unwatched 10

  @doc "Makes the call and waits for its result."
  @spec run(PortWorker.worker(), Call.t()) :: result()
  def run(worker, %Call{options: %{on_progress: _}} = call) do
    case Routes.fetch_both(worker, call) do
      {:ok, {route, _pending} = target} ->
        span = Span.start(:call, worker, route, call)
        Span.stop(span, run_reporting(span, worker, target, call))

      {:error, error} ->
        no_route(worker, call, error)
    end
  end

  def run(worker, call) do
    case Routes.fetch(worker, call) do
      {:ok, route} ->
        span = Span.start(:call, worker, route, call)
        Span.stop(span, call_and_wait(route, call))

      {:error, error} ->
        no_route(worker, call, error)
    end
  end

  defp no_route(worker, call, error) do
    span = Span.start(:call, worker, nil, call)
    Span.stop(span, Call.result(call, {:error, error}))
  end

  # The function that is told of progress may fail.
  defp run_reporting(span, worker, target, call) do
    worker |> start(target, call) |> await(:infinity)
  catch
    kind, reason ->
      Span.exception(span, kind, reason, __STACKTRACE__)
      :erlang.raise(kind, reason, __STACKTRACE__)
  end

  defp call_and_wait(route, call) do
    time_left = Call.time_left(call, route)
    # Made in the same function as the receive, so that the receive skips what was in
    # the mailbox before.
    ref = :erlang.alias([:reply])

    case Call.encode(call, route, ref, time_left) do
      {:ok, encoded} ->
        Requests.announce(route, ref, call, nil)
        Writer.call(route.writer, encoded)
        patience = Call.patience(time_left)

        receive do
          {^ref, result} -> Call.result(call, result)
        after
          min(patience, @unwatched) ->
            left = if patience == :infinity, do: :infinity, else: max(patience - @unwatched, 0)
            wait_watching(route, call, ref, left)
        end

      {:error, error} ->
        :erlang.unalias(ref)
        {:error, error}
    end
  end

  # If the connection is gone already, the monitor says so at once.
  defp wait_watching(route, call, ref, left) do
    monitor = Process.monitor(route.connection)

    receive do
      {^ref, result} ->
        Process.demonitor(monitor, [:flush])
        Call.result(call, result)

      {:DOWN, ^monitor, _, _, reason} ->
        close(ref) || Call.result(call, {:error, why_down(route, reason)})
    after
      left ->
        Process.demonitor(monitor, [:flush])
        Writer.control(route.writer, {:cancel, ref})
        close(ref) || {:error, Call.timeout(call, "the worker did not answer in time")}
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
    case Routes.fetch_both(worker, call) do
      {:ok, {route, _pending} = target} ->
        send_cast(target, %{call | span: Span.shared(:call, worker, route, call)})

      {:error, error} ->
        no_route(worker, call, error)
    end
  end

  defp send_cast({route, pending}, call) do
    ref = {:cast, call.function, System.unique_integer()}

    case Call.encode(call, route, ref, Call.time_left(call, route)) do
      {:ok, encoded} ->
        Requests.announce(route, ref, call, nil)
        Writer.call(route.writer, encoded)
        _ = if call.span && not looked_after?(route, pending), do: lost(call)
        :ok

      {:error, error} ->
        Span.stop(call.span, {:error, error})
    end
  end

  # A connection that ends tells of what was announced before it closed the table. One that is killed closes
  # nothing.
  defp looked_after?(route, pending) do
    Pending.open?(pending) and Process.alive?(route.connection)
  end

  defp lost(call), do: Span.stop(call.span, {:error, ended()})

  @doc "Makes the call and returns at once. Whatever becomes of it arrives as `{ref, _}`."
  @spec start(PortWorker.worker(), Call.t()) :: Ref.t()
  def start(worker, call) do
    case Routes.fetch_both(worker, call) do
      {:ok, {route, _pending} = target} ->
        start(worker, target, %{call | span: Span.shared(:call, worker, route, call)})

      {:error, error} ->
        call = %{call | span: Span.shared(:call, worker, nil, call)}
        refused(worker, make_ref(), call, error)
    end
  end

  defp start(worker, {route, _pending} = target, call) do
    time_left = Call.time_left(call, route)
    ref = :erlang.alias([:reply])

    case send_call(target, ref, call, time_left, self()) do
      :ok ->
        %Ref{
          ref: ref,
          worker: worker,
          function: call.function,
          owner: self(),
          connection: route.connection,
          expires_at: Call.expires_at(time_left),
          on_progress: Map.get(call.options, :on_progress)
        }

      {:error, error} ->
        refused(worker, ref, call, error)
    end
  end

  @doc """
  Sends a call whose answer comes to the alias `ref`, whatever becomes of the worker. After an error it
  may have come all the same.
  """
  @spec send_call(target, reference(), Call.t(), timeout(), progress_to :: pid() | nil) ::
          :ok | {:error, Error.t()}
        when target: {Routes.Route.t(), Pending.t()}
  def send_call({route, pending}, ref, call, time_left, progress_to) do
    with {:ok, encoded} <- Call.encode(call, route, ref, time_left) do
      # First of all, so that no answer can come before.
      Pending.add(pending, ref, call.function)
      Requests.announce(route, ref, call, progress_to)
      Writer.call(route.writer, encoded)
      # A worker that ends takes its leave of the tasks that were entered before.
      if Pending.open?(pending), do: :ok, else: {:error, ended()}
    end
  end

  defp ended, do: Error.new(:worker_down, "the worker has ended")

  defp refused(worker, ref, call, error) do
    result = close(ref) || {:error, %{error | function: call.function}}
    send(self(), {ref, result})
    _ = Span.stop(call.span, result)
    %Ref{ref: ref, worker: worker, function: call.function, owner: self()}
  end

  @doc "Waits for the result; a task that takes too long is cancelled."
  @spec await(Ref.t(), timeout()) :: result()
  def await(task, timeout) do
    own!(task)

    case wait(task, Call.earlier(Call.deadline(timeout), task.expires_at || :infinity)) do
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
    wait(task, Call.deadline(timeout))
  end

  @doc "Cancels the task and says how it ended."
  @spec cancel(Ref.t(), timeout()) :: PortWorker.receipt()
  def cancel(%Ref{connection: nil} = task, _timeout), do: finished(task)

  def cancel(%Ref{owner: owner} = task, timeout) when owner == self() do
    case Requests.cancel(task.connection, task.ref, timeout) do
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
    do: Requests.cancel(task.connection, task.ref, timeout)

  def cancel(other, _timeout), do: no_task!(other)

  defp finished(%Ref{owner: owner} = task) when owner == self() do
    case close(task.ref) do
      nil -> :not_found
      result -> {:finished, result}
    end
  end

  defp finished(_anothers), do: :not_found

  defp wait(%Ref{ref: ref, on_progress: on_progress} = task, deadline) do
    receive do
      {^ref, {:progress, term}} when is_function(on_progress) ->
        report(task, term)
        wait(task, deadline)

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
    Requests.forget(task.connection, task.ref)
    close(task.ref)
  end

  @doc "After this nothing arrives at the alias. Takes what has out of the mailbox, and returns the result if there is one."
  @spec close(reference()) :: result() | nil
  def close(ref) do
    :erlang.unalias(ref)
    take_messages(ref, nil)
  end

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
