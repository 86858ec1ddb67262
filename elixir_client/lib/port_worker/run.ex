defmodule PortWorker.Run do
  @moduledoc false
  # The caller's side of a call that is waited for here and now. Everything runs in the calling process.
  #
  # Unlike a task, of which see `PortWorker.Tasks`, it is entered nowhere, unless it waits for a while: only then it
  # watches the connection. A call that is made often has not even a timer until then, see `PortWorker.Waiting`.

  import PortWorker.Call.Kept, only: [kept: 1]

  alias PortWorker.{
    Call,
    Context,
    Error,
    Mailbox,
    Pending,
    Requests,
    Routes,
    Sender,
    Tasks,
    Waiting
  }

  alias PortWorker.Call.{Kept, Plan}
  alias PortWorker.Connection.Nudges
  alias PortWorker.Session.Task, as: Known
  alias PortWorker.Telemetry.Span

  # Milliseconds that a caller waits before it watches the connection: few enough to hear soon of a worker that
  # has ended, and more than a call takes that is over at once.
  @unwatched 10

  @doc "Makes a call with the options of `run/4` and waits for its result. Raises `ArgumentError` for what can be no call."
  @spec run(PortWorker.worker(), atom() | String.t(), list(), keyword()) :: Known.result()
  def run(worker, function, args, opts) do
    case Kept.find(worker, function, args, opts) do
      kept(pending: pending) = kept ->
        case Pending.next_if_current(pending) do
          nil -> run(worker, Call.new!(function, args, opts))
          id -> run_again(worker, kept, id, args)
        end

      nil ->
        run(worker, Call.new!(function, args, opts))

      route ->
        run_there(worker, route, Call.new!(function, args, opts))
    end
  end

  defp run_again(_worker, kept(spans?: false) = kept, id, args), do: call_again(kept, id, args)

  defp run_again(worker, kept(call: call, route: route) = kept, id, args) do
    span = Span.start(:call, worker, route, call)
    Span.stop(span, call_again(kept, id, args))
  end

  @doc "The same with a call that has been checked."
  @spec run(PortWorker.worker(), Call.t()) :: Known.result()
  def run(worker, call) do
    case Routes.fetch(worker, call) do
      {:ok, route} ->
        run_there(worker, route, call)

      {:error, error} ->
        span = Span.start(:call, worker, nil, call)
        Span.stop(span, Call.result(call.function, {:error, error}))
    end
  end

  defp run_there(worker, route, call) do
    span = Span.start(:call, worker, route, call)
    Span.stop(span, make(span, worker, route, call))
  end

  # The function that is told of progress may fail.
  defp make(span, worker, route, %{options: %{on_progress: _}} = call) do
    worker |> Tasks.start(route, call) |> Tasks.await(:infinity)
  catch
    kind, reason ->
      Span.exception(span, kind, reason, __STACKTRACE__)
      :erlang.raise(kind, reason, __STACKTRACE__)
  end

  defp make(_span, worker, route, call) do
    id = Pending.next(route.pending)

    with {:ok, plan} <- Plan.of(call, route),
         {:ok, message, kept} <- Kept.encode(worker, call, route, plan, id) do
      if kept,
        do: send_again(kept, id, message),
        else: send_and_wait(route, plan, id, message, call)
    end
  end

  defp call_again(kept, id, args) do
    with {:ok, message} <- Kept.encode(kept, id, args), do: send_again(kept, id, message)
  end

  defp send_again(kept(flag: nil, route: route, plan: plan), id, message),
    do: send_and_wait(route, plan, id, message)

  defp send_again(kept, id, message) do
    kept(pending: pending, connection: connection, port: port, owner: owner) = kept
    kept(function: function, flag: flag, route: route, plan: plan) = kept
    # Made in the same function as the receive, so that the receive skips what was in
    # the mailbox before.
    ref = make_ref()

    if Waiting.begin(flag, ref) do
      to = {self(), ref, :nudge}
      Sender.call_and_wait(port, connection, pending, owner, id, to, message)

      receive do
        # The monitor will say why.
        {^ref, :gone} ->
          Waiting.nudged(flag, ref)
          patience = Call.patience(plan.time_left)
          Call.result(function, wait_watching(route, id, ref, patience))

        {^ref, :watch} ->
          Waiting.over(flag, ref)
          # So long it has waited at least.
          left = Call.left(Call.patience(plan.time_left), Nudges.interval())
          Call.result(function, wait_watching(route, id, ref, left))

        {^ref, result} ->
          Waiting.over(flag, ref)
          Call.result(function, result)
      end
    else
      send_and_wait(route, plan, id, message)
    end
  end

  # `announced` is a call of which the connection may have to know more.
  defp send_and_wait(route, plan, id, message, announced \\ nil) do
    %{pending: pending, connection: connection, port: port} = route
    # As above.
    ref = make_ref()
    if announced, do: Requests.announce(route, id, announced, ref, nil)
    Sender.call_and_wait(port, connection, pending, plan.owner, id, {self(), ref}, message)
    patience = Call.patience(plan.time_left)

    receive do
      {^ref, result} -> Call.result(plan.function, result)
    after
      min(patience, @unwatched) ->
        left = Call.left(patience, @unwatched)
        Call.result(plan.function, wait_watching(route, id, ref, left))
    end
  end

  # If the connection is gone already, the monitor says so at once. What it has said before comes first.
  defp wait_watching(route, id, ref, left) do
    wait_watching(route, id, ref, left, Process.monitor(route.connection))
  end

  defp wait_watching(route, id, ref, left, monitor) do
    receive do
      # Messages of two processes may come to an off-heap mailbox in any order.
      {^ref, :watch} ->
        wait_watching(route, id, ref, left, monitor)

      {^ref, result} ->
        Process.demonitor(monitor, [:flush])
        result

      {:DOWN, ^monitor, _, _, reason} ->
        Mailbox.take(ref) || {:error, why_down(route, reason)}
    after
      left ->
        Process.demonitor(monitor, [:flush])
        _ = Requests.forget(route.connection, [id])
        Mailbox.take(ref) || {:error, Error.new(:timeout, "the worker did not answer in time")}
    end
  end

  defp why_down(route, :noproc) do
    case Routes.lookup(route.key) do
      {:error, error} -> error
      {:ok, _restarted} -> Error.new(:worker_down, "the worker was restarted")
    end
  end

  defp why_down(_route, reason), do: Error.from_exit(reason)

  @doc "The same as `run/2` in another process, as if the one with that context had made the call."
  @spec run_within(Context.t(), PortWorker.worker(), Call.t()) :: Known.result()
  def run_within(context, worker, call) do
    Context.restore(context)
    run(worker, call)
  end
end
