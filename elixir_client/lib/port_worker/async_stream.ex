defmodule PortWorker.AsyncStream do
  @moduledoc false
  # One call for each element of an enumerable, some at a time, in the manner of
  # `Task.async_stream/3`. Everything runs in the consuming process: there are no tasks, only
  # calls that were sent and their answers in the mailbox. They are entered as tasks are.
  #
  # Results are numbered as their elements are. In order, a result waits for those before
  # it, and counts as running until then, so that no more than `max` are ever held.

  alias PortWorker.{Call, Error, Mailbox, Options, Requests, Routes, Tasks}
  alias PortWorker.Telemetry.Span

  @enforce_keys [:worker, :function, :options, :fun]
  defstruct [
    :worker,
    :function,
    :options,
    :fun,
    # The input, suspended after each of its elements, until it is :done.
    :next,
    running: %{},
    # The same calls as a queue, the one that has the least time left in front.
    expiring: :queue.new(),
    waiting: %{},
    sent: 0,
    given: 0
  ]

  @doc "The results as an `Enumerable`."
  @spec new(PortWorker.worker(), Enumerable.t(), atom() | String.t(), Options.call()) ::
          Enumerable.t()
  def new(worker, enumerable, function, options) do
    # What is wrong with the name is said here, and not when the first element comes.
    %Call{function: name} = Call.build!(function, options.args, options)

    fn acc, fun ->
      stream = %__MODULE__{
        worker: worker,
        function: name,
        options: options,
        fun: fun,
        next: &Enumerable.reduce(enumerable, &1, fn element, _acc -> {:suspend, element} end)
      }

      go_on(stream, acc)
    end
  end

  # `stop/1` must know what is running, so each step returns before the next is guarded.
  defp go_on(stream, {:suspend, acc}), do: {:suspended, acc, &go_on(stream, &1)}

  defp go_on(stream, {:halt, acc}) do
    stop(stream)
    {:halted, acc}
  end

  defp go_on(stream, {:cont, acc}) do
    stream = fill(stream)

    case ready(stream) do
      {:ok, result, stream} -> go_on(stream, guarded(stream, fn -> stream.fun.(result, acc) end))
      :none when map_size(stream.running) == 0 -> {:done, acc}
      :none -> stream |> await() |> go_on({:cont, acc})
    end
  end

  defp guarded(stream, fun) do
    fun.()
  catch
    kind, reason ->
      stop(stream)
      :erlang.raise(kind, reason, __STACKTRACE__)
  end

  # Takes elements of the input and sends their calls, up to the limit.
  defp fill(%{next: :done} = stream), do: stream

  defp fill(%{options: %{max_concurrency: max}} = stream)
       when map_size(stream.running) + map_size(stream.waiting) >= max,
       do: stream

  defp fill(stream) do
    case guarded(%{stream | next: :done}, fn -> stream.next.({:cont, nil}) end) do
      {:suspended, element, next} -> %{stream | next: next} |> call(element) |> fill()
      {:done, _acc} -> %{stream | next: :done}
      {:halted, _acc} -> %{stream | next: :done}
    end
  end

  defp call(%{options: options} = stream, element) do
    number = stream.sent
    stream = %{stream | sent: number + 1}
    call = Call.build!(stream.function, [element | options.args], options)

    case Routes.fetch(stream.worker, call) do
      {:ok, route} ->
        call(stream, number, call, route, Span.start(:call, stream.worker, route, call))

      {:error, error} ->
        done(stream, number, Span.start(:call, stream.worker, nil, call), {:error, error})
    end
  end

  defp call(stream, number, call, route, span) do
    ref = make_ref()

    case Tasks.send_call(route, ref, call, nil) do
      {:ok, id, time_left} ->
        %{
          stream
          | running: Map.put(stream.running, ref, {number, {route.connection, id}, span}),
            expiring: :queue.in({ref, Call.expires_at(time_left)}, stream.expiring)
        }

      {:error, error} ->
        done(stream, number, span, {:error, error})
    end
  end

  defp await(stream) do
    {first, expires_at, stream} = oldest(stream)
    running = stream.running

    receive do
      {ref, result} when is_map_key(running, ref) ->
        finish(stream, ref, result)
    after
      Call.time_to(expires_at) ->
        forget(%{first => Map.fetch!(running, first)}, stream.worker)
        finish(stream, first, {:error, Error.new(:timeout, "the worker did not answer in time")})
    end
  end

  defp oldest(stream) do
    {{:value, {ref, expires_at}}, rest} = :queue.out(stream.expiring)

    if is_map_key(stream.running, ref),
      do: {ref, expires_at, stream},
      else: oldest(%{stream | expiring: rest})
  end

  defp finish(stream, ref, result) do
    {{number, _call, span}, running} = Map.pop!(stream.running, ref)
    done(%{stream | running: running}, number, span, result)
  end

  defp done(stream, number, span, result) do
    _ = Span.stop(span, result)
    %{stream | waiting: Map.put(stream.waiting, number, result)}
  end

  # The result that is to be given next, if it is there.
  defp ready(%{options: %{ordered: true}, waiting: waiting, given: number} = stream) do
    case waiting do
      %{^number => result} -> give(stream, number, result)
      _later -> :none
    end
  end

  defp ready(%{waiting: waiting} = stream) do
    case :maps.next(:maps.iterator(waiting)) do
      {number, result, _iterator} -> give(stream, number, result)
      :none -> :none
    end
  end

  defp give(stream, number, result) do
    stream = %{stream | waiting: Map.delete(stream.waiting, number), given: stream.given + 1}
    {:ok, outcome(result, stream), stream}
  end

  defp outcome({:ok, _value} = ok, _stream), do: ok

  defp outcome({:error, %Error{reason: :timeout}}, %{options: %{on_timeout: :kill_task}}) do
    {:exit, :timeout}
  end

  defp outcome({:error, %Error{reason: :timeout}}, stream) do
    stop(stream)
    exit({:timeout, {PortWorker, :async_stream, [stream.worker, stream.function]}})
  end

  defp outcome({:error, error}, stream), do: {:error, %{error | function: stream.function}}

  # Nothing goes on over there, nothing is left in the mailbox, and the input is told.
  defp stop(stream) do
    forget(stream.running, stream.worker)

    Enum.each(stream.running, fn {_ref, {_number, _call, span}} ->
      Span.stop(span, {:error, Error.new(:cancelled, "no more results are taken")})
    end)

    if stream.next != :done, do: stream.next.({:halt, nil})
    :ok
  end

  defp forget(running, worker) do
    calls = Enum.group_by(running, fn {_ref, {_, {connection, _}, _}} -> connection end)

    for {connection, entries} <- calls do
      ids = for {_ref, {_, {_, id}, _}} <- entries, do: id
      with :gone <- Requests.forget(connection, ids), do: Requests.settle(worker)
    end

    Enum.each(running, fn {ref, _entry} -> Mailbox.take(ref) end)
  end
end
