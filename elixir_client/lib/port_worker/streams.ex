defmodule PortWorker.Streams do
  @moduledoc false
  # The consumer's side of a stream. Everything here runs in the consuming process, and
  # each enumeration is a call of its own.
  #
  # The ref is a monitor of the connection and an alias of the consumer, through which
  # elements come in lists. Taking the monitor away closes the alias, so a consumer
  # that stops needs nobody's help to be left alone.
  #
  # Demand is bounded from above and below: `demand` elements are asked for at first,
  # and more, in one message, each time the consumer has used up `step` of them.

  alias PortWorker.{Call, Error, Requests, Routes, Sender}
  alias PortWorker.Telemetry.Span

  # `taken` counts the elements of all steps that the consumer has used up.
  @enforce_keys [:ref, :route, :call, :step, :expires_at, :span]
  defstruct [:ref, :route, :call, :step, :expires_at, :span, taken: 0]

  @doc "The stream as an `Enumerable`: a function of an accumulator and a reducer."
  @spec new(PortWorker.worker(), Call.t()) :: Enumerable.t()
  def new(worker, call), do: &reduce(worker, call, &1, &2)

  defp reduce(_worker, _call, {:halt, acc}, _fun), do: {:halted, acc}

  defp reduce(worker, call, {:suspend, acc}, fun) do
    {:suspended, acc, &reduce(worker, call, &1, fun)}
  end

  defp reduce(worker, call, {:cont, acc}, fun) do
    stream = start!(worker, call)
    guarded(stream, fn -> each([], acc, fun, stream, stream.step) end)
  end

  defp start!(worker, call) do
    case Routes.fetch(worker, call) do
      {:ok, route} -> start!(route, call, Span.start(:stream, worker, route, call))
      {:error, error} -> refused!(error, call, Span.start(:stream, worker, nil, call))
    end
  end

  defp start!(route, call, span) do
    case start(route, call, span) do
      {:ok, stream} -> stream
      {:error, error} -> refused!(error, call, span)
    end
  end

  @spec refused!(Error.t(), Call.t(), Span.t() | nil) :: no_return()
  defp refused!(error, call, span) do
    _ = Span.stop(span, {:error, error}, %{elements: 0})
    raise %{error | function: call.function}
  end

  defp start(route, call, span) do
    ref = :erlang.monitor(:process, route.connection, alias: :demonitor)

    case Call.encode(call, route, ref) do
      {:ok, time_left, encoded} ->
        # Progress goes where everything else goes, to the alias.
        Requests.announce(route, ref, call, ref, ref)
        Sender.call(route, encoded)

        {:ok,
         %__MODULE__{
           ref: ref,
           route: route,
           call: call,
           step: call.options.demand - call.options.min_demand,
           expires_at: Call.expires_at(time_left),
           span: span
         }}

      {:error, error} ->
        Process.demonitor(ref, [:flush])
        {:error, error}
    end
  end

  # Nothing that the consumer does in `fun` leaves the stream running.
  defp guarded(stream, fun) do
    fun.()
  catch
    kind, reason ->
      stop(stream)
      Span.exception(stream.span, kind, reason, __STACKTRACE__)
      :erlang.raise(kind, reason, __STACKTRACE__)
  else
    {:failed, error} -> raise %{error | function: stream.call.function}
    reduced -> reduced
  end

  # `left` is how many elements the consumer can take before more are asked for.
  defp each(elements, acc, fun, stream, 0) do
    Sender.control(stream.route.connection, {:credit, stream.ref, stream.step})
    each(elements, acc, fun, %{stream | taken: stream.taken + stream.step}, stream.step)
  end

  defp each([element | rest], acc, fun, stream, left) do
    case fun.(element, acc) do
      {:cont, acc} ->
        each(rest, acc, fun, stream, left - 1)

      {:halt, acc} ->
        _ = halt(stream, left - 1)
        {:halted, acc}

      {:suspend, acc} ->
        {:suspended, acc, &resume(rest, &1, fun, stream, left - 1)}
    end
  end

  defp each([], acc, fun, stream, left) do
    case next(stream) do
      {:data, elements} ->
        each(elements, acc, fun, stream, left)

      :done ->
        _ = stopped(stream, left, {:ok, nil})
        {:done, acc}

      {:error, error} ->
        _ = stopped(stream, left, {:error, error})
        {:failed, error}
    end
  end

  defp resume(rest, {:cont, acc}, fun, stream, left) do
    guarded(stream, fn -> each(rest, acc, fun, stream, left) end)
  end

  defp resume(_rest, {:halt, acc}, _fun, stream, left) do
    _ = halt(stream, left)
    {:halted, acc}
  end

  defp resume(rest, {:suspend, acc}, fun, stream, left) do
    {:suspended, acc, &resume(rest, &1, fun, stream, left)}
  end

  defp next(%{ref: ref} = stream) do
    receive do
      {^ref, {:data, elements}} ->
        {:data, elements}

      {^ref, {:progress, term}} ->
        stream.call.options.on_progress.(term)
        next(stream)

      {^ref, result} ->
        close(ref)
        ended(result)

      {:DOWN, ^ref, _, _, reason} ->
        close(ref)
        {:error, Error.from_exit(reason)}
    after
      Call.time_to(stream.expires_at) ->
        stop(stream)
        {:error, Error.new(:timeout, "the worker did not end the stream in time")}
    end
  end

  defp ended({:ok, nil}), do: :done
  defp ended({:error, error}), do: {:error, error}

  defp ended({:ok, _value}) do
    {:error, Error.new(:unsupported, "it returned a value: it is no stream, but to be called")}
  end

  # The consumer has had enough.
  defp halt(stream, left) do
    stop(stream)
    stopped(stream, left, {:ok, nil})
  end

  defp stopped(%{span: nil}, _left, result), do: result

  defp stopped(stream, left, result) do
    Span.stop(stream.span, result, %{elements: stream.taken + stream.step - left})
  end

  defp stop(stream) do
    close(stream.ref)
    Sender.control(stream.route.connection, {:cancel, stream.ref})
  end

  # Nothing arrives through the ref after the demonitor; what has is taken out.
  defp close(ref) do
    Process.demonitor(ref, [:flush])
    flush(ref)
  end

  defp flush(ref) do
    receive do
      {^ref, _message} -> flush(ref)
    after
      0 -> :ok
    end
  end
end
