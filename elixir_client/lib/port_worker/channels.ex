defmodule PortWorker.Channels do
  @moduledoc false
  # The client's side of channels. Everything here runs in the calling process.
  #
  # Outputs come to the opener's mailbox one by one, and the end through its alias, as
  # with a task. What a channel counts lives in atomics, because its handle is a value
  # that may be kept anywhere: inputs that were sent, how many the worker is known to
  # take, outputs that were received since more were asked for, and what has ended.

  alias PortWorker.{Call, Channel, Error, Requests, Routes, Sender, Wire}
  alias PortWorker.Session.Inputs
  alias PortWorker.Telemetry.Span

  @sent 1
  @granted 2
  @received 3
  @input_closed 4
  @ended 5

  @type output :: {:ok, term()} | :done | {:fault, Error.t()} | {:error, Error.t()} | nil

  @doc "Makes the call that opens the channel."
  @spec open(PortWorker.worker(), Call.t()) :: {:ok, Channel.t()} | {:error, Error.t()}
  def open(worker, call) do
    case Routes.fetch(worker, call) do
      {:ok, route} ->
        open(worker, route, %{call | span: Span.shared(:channel, worker, route, call)})

      {:error, error} ->
        span = Span.start(:channel, worker, nil, call)
        Span.stop(span, {:error, %{error | function: call.function}})
    end
  end

  defp open(worker, route, call) do
    with {:ok, ref} <- call(route, call) do
      {:ok, channel(worker, route, ref, call)}
    end
  end

  defp call(route, call) do
    ref = :erlang.monitor(:process, route.connection, alias: :reply_demonitor)

    with {:ok, _time_left, encoded} <- Call.encode(call, route, ref),
         Requests.register(route, ref, Call.channel(call, route, ref, self())),
         Sender.call(route, encoded),
         :ok <- Routes.confirm(route) do
      {:ok, ref}
    else
      {:error, error} ->
        # First, for it to have been forgotten would be a good end.
        failed = Span.stop(call.span, {:error, %{error | function: call.function}})
        abandon(route, ref)
        failed
    end
  end

  # Nothing of it is in the mailbox afterwards.
  defp abandon(route, ref) do
    _ = Requests.forget(route.connection, [ref])
    Process.demonitor(ref, [:flush])
    flush(ref)
  end

  defp channel(worker, route, ref, call) do
    counters = :atomics.new(5, [])
    :atomics.put(counters, @granted, Inputs.first())

    %Channel{
      ref: ref,
      worker: worker,
      function: call.function,
      owner: self(),
      route: route,
      counters: counters,
      step: step(call.options),
      on_progress: Map.get(call.options, :on_progress)
    }
  end

  # Only of a passive channel does receiving an output ask for another.
  defp step(%{active: false, demand: demand, min_demand: min}), do: demand - min
  defp step(_active), do: nil

  @doc "Sends one input, as soon as the worker takes it."
  @spec send(Channel.t(), term(), timeout()) :: :ok | {:error, Error.t()}
  def send(%Channel{counters: counters} = channel, input, timeout) do
    message = Wire.encode({:send, channel.ref, input})

    with :ok <- open(channel),
         :ok <- fits(channel, message),
         :ok <- turn(channel, :atomics.add_get(counters, @sent, 1), timeout) do
      Sender.encoded(channel.route.connection, message)
    else
      {:error, error} -> {:error, %{error | function: channel.function}}
    end
  end

  defp open(%{counters: counters}) do
    cond do
      :atomics.get(counters, @ended) == 1 -> closed("the channel has ended")
      :atomics.get(counters, @input_closed) == 1 -> closed("the input of the channel was closed")
      true -> :ok
    end
  end

  defp closed(text), do: {:error, Error.new(:closed, text)}

  defp fits(%{route: %{max_frame: max}}, {_encoded, size}) when size <= max, do: :ok

  defp fits(%{route: %{max_frame: max}}, {_encoded, size}) do
    text = "the input is #{size} bytes, the worker accepts packets of up to #{max}"
    {:error, Error.new(:frame_too_large, text)}
  end

  defp turn(%{counters: counters} = channel, number, timeout) do
    if number <= :atomics.get(counters, @granted),
      do: :ok,
      else: await_turn(channel, number, timeout)
  end

  # A number that was not used is given back. Those behind it then wait for one grant more than
  # they need, and never go too early.
  defp await_turn(%{counters: counters} = channel, number, timeout) do
    case Requests.await_input(channel.route.connection, channel.ref, number, timeout) do
      {:ok, granted} ->
        :atomics.put(counters, @granted, granted)

      {:error, error} ->
        :atomics.sub(counters, @sent, 1)
        {:error, error}
    end
  end

  @doc "Receives one output. Only the opener can."
  @spec recv(Channel.t(), timeout()) :: output()
  def recv(channel, timeout) do
    own!(channel)

    if :atomics.get(channel.counters, @ended) == 1,
      do: :done,
      else: receive_output(channel, Call.deadline(timeout))
  end

  defp receive_output(%Channel{ref: ref, on_progress: on_progress} = channel, deadline) do
    receive do
      {^ref, {:data, output}} ->
        received(channel)
        {:ok, output}

      {^ref, {:progress, term}} when is_function(on_progress) ->
        on_progress.(term)
        receive_output(channel, deadline)

      {^ref, {:fault, error}} ->
        {:fault, error}

      {^ref, {:ok, _value}} ->
        ended(channel)
        :done

      {^ref, {:error, error}} ->
        ended(channel)
        {:error, error}

      {:DOWN, ^ref, _, _, reason} ->
        ended(channel)
        {:error, %{Error.from_exit(reason) | function: channel.function}}
    after
      Call.time_to(deadline) -> nil
    end
  end

  defp received(%{step: nil}), do: :ok

  defp received(%{step: step, counters: counters} = channel) do
    if :atomics.add_get(counters, @received, 1) >= step do
      :atomics.sub(counters, @received, step)
      demand(channel, step)
    end
  end

  defp ended(%{counters: counters}), do: :atomics.put(counters, @ended, 1)

  @doc "Asks for `n` more outputs."
  @spec demand(Channel.t(), pos_integer()) :: :ok
  def demand(channel, n), do: Sender.control(channel.route.connection, {:credit, channel.ref, n})

  @doc "Tells the function that no more input comes."
  @spec close_input(Channel.t()) :: :ok
  def close_input(channel) do
    :atomics.put(channel.counters, @input_closed, 1)
    Sender.control(channel.route.connection, {:close, channel.ref})
  end

  @doc "Ends the channel; afterwards nothing of it is in the opener's mailbox."
  @spec close(Channel.t()) :: :ok
  def close(%Channel{owner: owner} = channel) when owner == self() do
    ended(channel)
    abandon(channel.route, channel.ref)
  end

  def close(channel), do: Sender.control(channel.route.connection, {:cancel, channel.ref})

  defp flush(ref) do
    receive do
      {^ref, _message} -> flush(ref)
    after
      0 -> :ok
    end
  end

  defp own!(%Channel{owner: owner}) when owner == self(), do: :ok

  defp own!(channel) do
    raise ArgumentError,
          "the outputs of #{inspect(channel)} come to the process that opened it, not to #{inspect(self())}"
  end
end
