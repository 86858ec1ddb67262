defmodule PortWorker.Tasks do
  @moduledoc false
  # The caller's side of tasks. Everything here runs in the calling process.
  #
  # A task is a number on the wire, and a reference in the answer, which the connection sends to the caller. Who gives
  # up has the number taken out of the connection first; what comes later reaches nobody. (An alias would do that by
  # itself, and costs a caller as much as all else that it does.)
  #
  # A monitor of the connection costs as much. A task is entered in a table instead, from
  # which those are told who wait when the worker ends.

  import PortWorker.Call.Kept, only: [kept: 1]

  alias PortWorker.{
    Call,
    Calls,
    Error,
    Mailbox,
    Pending,
    Ref,
    Requests,
    Routes,
    Sender
  }

  alias PortWorker.Call.{Kept, Plan}
  alias PortWorker.Telemetry.Span

  @type result :: {:ok, term()} | {:error, Error.t()}

  # What starting a task takes is mostly function calls. Each is a reduction, too: fewer of them leave more to the turn in which
  # many tasks are started, see `PortWorker.Sender`.
  @compile {:inline, start_again: 4, enter: 8, wait: 2}

  @doc "Makes a call nobody waits for."
  @spec cast(PortWorker.worker(), Call.t()) :: :ok | {:error, Error.t()}
  def cast(worker, call) do
    case Routes.fetch(worker, call) do
      {:ok, route} ->
        send_cast(route, with_span(call, worker, route))

      {:error, error} ->
        span = Span.start(:call, worker, nil, call)
        Span.stop(span, Call.result(call.function, {:error, error}))
    end
  end

  defp send_cast(route, call) do
    ref = {:cast, call.function, System.unique_integer()}

    case Call.encode(call, route, ref) do
      {:ok, _time_left, encoded} ->
        Requests.announce(route, ref, call, nil, nil)
        Sender.call(route, encoded)
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
  @spec start(PortWorker.worker(), atom() | String.t(), list(), keyword()) :: Ref.t()
  def start(worker, function, args, opts) do
    case Kept.find(worker, function, args, opts) do
      kept(pending: pending) = kept ->
        case Pending.next_if_current(pending) do
          nil -> start(worker, Call.new!(function, args, opts))
          id -> start_again(worker, kept, id, args)
        end

      nil ->
        start(worker, Call.new!(function, args, opts))

      route ->
        start_there(worker, route, Call.new!(function, args, opts))
    end
  end

  defp start_again(worker, kept, id, args) do
    kept(pending: pending, connection: connection, owner: owner) = kept
    kept(function: function, task: task, spans?: spans?) = kept
    ref = make_ref()
    # Nobody else has to know more of such a call.
    announced = if spans?, do: announced(worker, kept)

    with {:ok, message} <- Kept.encode(kept, id, args),
         :ok <- enter(pending, connection, owner, id, ref, function, message, announced) do
      %{task | ref: ref, id: id}
    else
      {:error, error} -> refused(worker, ref, function, span_of(announced), error)
    end
  end

  defp announced(worker, kept(call: call, route: route)) do
    {route, with_span(call, worker, route), self()}
  end

  defp span_of({_route, %{span: span}, _progress_to}), do: span
  defp span_of(nil), do: nil

  defp start(worker, call) do
    case Routes.fetch(worker, call) do
      {:ok, route} ->
        start_there(worker, route, call)

      {:error, error} ->
        refused(worker, make_ref(), call.function, with_span(call, worker, nil).span, error)
    end
  end

  defp start_there(worker, route, call), do: start(worker, route, with_span(call, worker, route))

  defp with_span(call, worker, route) do
    case Span.shared(:call, worker, route, call) do
      nil -> call
      span -> %{call | span: span}
    end
  end

  @doc "The same where the route is known."
  @spec start(PortWorker.worker(), Routes.Route.t(), Call.t()) :: Ref.t()
  def start(worker, route, call) do
    ref = make_ref()
    id = Pending.next(route.pending)

    with {:ok, plan} <- Plan.of(call, route),
         {:ok, message, _kept} <- Kept.encode(worker, call, route, plan, id),
         :ok <- enter(route, plan, id, ref, message, call, self()) do
      on_progress = Map.get(call.options, :on_progress)
      %{Ref.new(worker, route, plan, ref) | id: id, on_progress: on_progress}
    else
      {:error, error} -> refused(worker, ref, call.function, call.span, error)
    end
  end

  @doc """
  Sends a call whose answer comes as `{ref, result}`, whatever becomes of the worker, and returns its number
  and the time that it has left. After an error nothing comes.
  """
  @spec send_call(Routes.Route.t(), reference(), Call.t(), progress_to :: pid() | nil) ::
          {:ok, Calls.id(), timeout()} | {:error, Error.t()}
  def send_call(route, ref, call, progress_to) do
    id = Pending.next(route.pending)

    with {:ok, plan} <- Plan.of(call, route),
         {:ok, message} <- Plan.encode(plan, route, id, call.args),
         :ok <- enter(route, plan, id, ref, message, call, progress_to) do
      {:ok, id, plan.time_left}
    end
  end

  defp enter(route, plan, id, ref, message, call, progress_to) do
    %{pending: pending, connection: connection} = route
    %{owner: owner, function: function} = plan
    announced = {route, call, progress_to}
    enter(pending, connection, owner, id, ref, function, message, announced)
  end

  # Enters a task and sends it. `announced` is a call of which the connection may have to know more.
  defp enter(pending, connection, owner, id, ref, function, message, announced) do
    # First of all, so that no answer can come before.
    place = Pending.add(pending, id, self(), ref, function)
    if announced, do: announce(announced, id, ref)
    open? = Sender.call(connection, pending, owner, id, {self(), ref, place}, message)
    # A worker that ends takes its leave of the tasks that were entered before.
    if open? or answered?(pending, id, place, ref), do: :ok, else: {:error, ended()}
  end

  defp announce({route, call, progress_to}, id, ref),
    do: Requests.announce(route, id, call, ref, progress_to)

  # Whether somebody has taken it on to answer a task of a worker that ends.
  defp answered?(pending, id, place, ref) do
    case Pending.claim(pending, id, place) do
      :gone -> Mailbox.answered?(ref)
      claimed? -> not claimed?
    end
  end

  defp ended, do: Error.new(:worker_down, "the worker has ended")

  defp refused(worker, ref, function, span, error) do
    result = Call.result(function, {:error, error})
    send(self(), {ref, result})
    _ = Span.stop(span, result)
    %Ref{ref: ref, worker: worker, function: function, owner: self()}
  end

  @doc "Waits for the result; a task that takes too long is cancelled."
  @spec await(Ref.t(), timeout()) :: result()
  def await(%Ref{owner: owner, patience: patience} = task, timeout) when owner == self() do
    # The worker keeps the time. This is for one that cannot answer, so that it is no matter that it is counted from here:
    # to ask for the time costs a task more than to send it.
    case wait(task, Call.earlier(timeout, patience || :infinity)) do
      nil ->
        abandon(task) ||
          {:error, Error.new(:timeout, "no result while it was awaited", function: task.function)}

      result ->
        result
    end
  end

  def await(task, _timeout), do: not_own!(task)

  @doc "Waits for the result; `nil` when there is none yet."
  @spec yield(Ref.t(), timeout()) :: result() | nil
  def yield(%Ref{owner: owner} = task, timeout) when owner == self(), do: wait(task, timeout)
  def yield(task, _timeout), do: not_own!(task)

  @doc "Cancels the task and says how it ended."
  @spec cancel(Ref.t(), timeout()) :: PortWorker.receipt()
  def cancel(%Ref{connection: nil} = task, _timeout), do: finished(task)

  def cancel(%Ref{owner: owner} = task, timeout) when owner == self() do
    case Requests.cancel(task.connection, task.id, timeout) do
      :not_found ->
        finished(task)

      {:error, %Error{reason: :timeout}} = still_waiting ->
        still_waiting

      {:error, _gone} = gone ->
        Requests.settle(task.worker)
        _ = Mailbox.take(task.ref)
        gone

      receipt ->
        _ = Mailbox.take(task.ref)
        receipt
    end
  end

  def cancel(%Ref{} = task, timeout),
    do: Requests.cancel(task.connection, task.id, timeout)

  def cancel(other, _timeout), do: no_task!(other)

  defp finished(%Ref{owner: owner} = task) when owner == self() do
    case Mailbox.take(task.ref) do
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
  defp abandon(%Ref{connection: nil} = task), do: Mailbox.take(task.ref)

  defp abandon(task) do
    with :gone <- Requests.forget(task.connection, [task.id]), do: Requests.settle(task.worker)
    Mailbox.take(task.ref)
  end

  @spec not_own!(term()) :: no_return()
  defp not_own!(%Ref{} = task) do
    raise ArgumentError,
          "#{inspect(task)} must be awaited by the process that started it, not by #{inspect(self())}"
  end

  defp not_own!(other), do: no_task!(other)

  @spec no_task!(term()) :: no_return()
  defp no_task!(%Task{}) do
    raise ArgumentError,
          "expected what start_task/4 returned, got a Task; use the functions of Task for that"
  end

  defp no_task!(other) do
    raise ArgumentError, "expected what start_task/4 returned, got: #{inspect(other, limit: 5)}"
  end
end
