defmodule PortWorker.Connection do
  @moduledoc false
  # One OS process, from its start to its end: owns the port, writes what callers have to say,
  # receives what the worker says and passes it on. What to do with it is the session's to say.
  #
  # It does all of it in one process, so that a call wakes no other on its way. A full pipe does not
  # hold it up, see `PortWorker.Writer`. It never restarts anything: it ends with the OS process, with
  # `{:shutdown, error}`.

  use GenServer

  alias PortWorker.{Callbacks, Calls, Error, Executable, Hello, Options, Pending}
  alias PortWorker.{Requests, Routes, Sender, Session, Writer}
  alias PortWorker.Connection.{Actions, Known, Nudges, Spin}
  alias PortWorker.Pool.Load
  alias PortWorker.Routes.Route
  alias PortWorker.Telemetry.{Life, Queue}

  # What the worker gets on top of its own drain deadline, and what a killed process
  # gets to be gone, in milliseconds.
  @drain_slack Requests.drain_slack()
  @kill_wait Requests.kill_wait()

  # How long, in milliseconds, the last few bytes are left unacknowledged. Only a message nearly as
  # large as the window waits for them. It is long because a worker may be about to end: what
  # is written to it then breaks the pipe, and the exit status is lost.
  @ack_delay 1_000

  # The heap that it has at least while it is awake, in words: 800 kB. What it keeps of a call lives a little longer than a
  # collection of a small heap waits, and would be copied twice.
  @heap 100_000

  @enforce_keys [
    :server,
    :keys,
    :options,
    :life,
    :port,
    :writer,
    :share,
    :pending,
    :session,
    :callbacks,
    :spin
  ]
  defstruct [
    :server,
    :keys,
    :options,
    :life,
    :port,
    :writer,
    :share,
    :pending,
    :session,
    :callbacks,
    :spin,
    :startup_timer,
    # The number of the last call when it was looked who is to be nudged, or `nil` where nobody may be.
    :nudges,
    ack_due?: false
  ]

  @type t :: %__MODULE__{}

  @doc """
  Starts the executable that `options` describe. The calling process, which must trap exits, gets
  `{:up, connection, hello}` after the handshake, and the exit signal when the OS process is gone.
  """
  @spec start_link(Routes.keys(), Load.share(), Options.start()) :: GenServer.on_start()
  def start_link(keys, share, options) do
    GenServer.start_link(__MODULE__, {self(), keys, share, options},
      spawn_opt: [min_heap_size: @heap]
    )
  end

  @impl true
  def init({server, keys, share, options}) do
    # A broken pipe arrives as the port's exit signal.
    Process.flag(:trap_exit, true)
    life = Life.new(Map.get(options, :name, server), index(keys))

    with {:ok, path} <- Executable.find(options.command),
         {:ok, port} <- Executable.open(path, options) do
      _ = Executable.monitor(port)

      state = %__MODULE__{
        server: server,
        keys: keys,
        options: options,
        life: life,
        port: port,
        writer: Writer.new(port, share, Queue.new(life.of)),
        share: share,
        pending: Pending.new(server),
        session: Session.new(options),
        callbacks: Callbacks.new(self(), options.metadata),
        spin: Spin.new(options.spin),
        startup_timer: Process.send_after(self(), :startup_over, options.startup_timeout)
      }

      {:ok, request(state, &Session.hello/1)}
    else
      {:error, error} ->
        Life.down(life, error, :hello)
        {:stop, {:shutdown, error}}
    end
  end

  @impl true
  def handle_call({:forget, refs}, _from, state) do
    {actions, state} = Enum.flat_map_reduce(refs, state, &Known.forget/2)
    {:noreply, state} = perform(actions, state)
    {:reply, :ok, state}
  end

  def handle_call({:cancel, id}, from, state) do
    {:noreply, state |> Known.ask(id) |> request(&Session.cancel(&1, id, from))}
  end

  def handle_call({:await_input, ref, number}, from, state) do
    {:noreply, request(state, &Session.await_input(&1, ref, number, from))}
  end

  @impl true
  def handle_cast({:drain, why}, state) do
    Routes.put(state.keys, Error.new(:draining, why))
    Pending.withdraw(state.pending)
    _ = Process.send_after(self(), :drain_over, state.options.drain_timeout + @drain_slack)
    {:noreply, request(state, &Session.drain/1)}
  end

  @impl true
  def handle_info({:call, _owner, _id, _to, _encoded, _size} = message, state) do
    write(message, state)
  end

  def handle_info({port, {:data, packet}}, %{port: port} = state) do
    {actions, session} = Session.packet(state.session, packet)
    state = %{state | session: session, spin: Spin.answered(state.spin)}
    # Before anybody has its answer, so that who has it is not counted any more.
    perform(actions, state |> Known.answered() |> expect_ack())
  end

  def handle_info({:called, _owner, _id, _to} = message, state) do
    Writer.called(state.writer, message)
    state |> Nudges.written() |> wrote()
  end

  # Nothing has come, and it is awake.
  def handle_info(:timeout, state) do
    case Spin.turn(state.spin, state.port) do
      {:said, message} -> handle_info(message, state)
      awake -> awake(awake, state)
    end
  end

  def handle_info({:control, _encoded, _size} = message, state), do: write(message, state)
  def handle_info({:call, _owner, _encoded, _size} = message, state), do: write(message, state)
  def handle_info({:DOWN, _, :process, _, _} = message, state), do: write(message, state)

  def handle_info({:pace, caller}, state) do
    Sender.taken(caller)
    {:noreply, state}
  end

  def handle_info(:nudge, state), do: {:noreply, Nudges.due(state)}

  def handle_info({:written, count}, state) do
    {:noreply, %{state | writer: Writer.written(state.writer, count)}}
  end

  def handle_info({:register, ref, task}, state) do
    {:noreply, Known.add(state, ref, task)}
  end

  def handle_info({port, {:exit_status, status}}, %{port: port} = state) do
    down(exit_error(status, state), state)
  end

  # The two that come when the exit status does not: the pipe broke, or the port is
  # closed for another reason.
  def handle_info({:EXIT, port, _reason}, %{port: port} = state) do
    down(exit_error(nil, state), state)
  end

  def handle_info({:DOWN, _monitor, :port, port, _reason}, %{port: port} = state) do
    down(exit_error(nil, state), state)
  end

  # It ends normally when the port is closed, of which the port has more to say.
  def handle_info({:EXIT, pid, reason}, %{writer: %{stalled: pid}} = state)
      when reason != :normal do
    broken(Error.new(:worker_down, "the writer process ended: #{inspect(reason)}"), state)
  end

  def handle_info({:EXIT, pid, reason}, state) do
    {:noreply, %{state | callbacks: Callbacks.exited(state.callbacks, pid, reason)}}
  end

  def handle_info({:callback_over, pid}, state) do
    {:noreply, %{state | callbacks: Callbacks.expired(state.callbacks, pid)}}
  end

  def handle_info(:ack_due, state) do
    {:noreply, request(%{state | ack_due?: false}, &Session.idle/1)}
  end

  def handle_info(:heartbeat, state) do
    Process.send_after(self(), :heartbeat_over, state.options.heartbeat_timeout)
    state = request(%{state | life: Life.pinged(state.life)}, &Session.ping/1)
    # Between two pings is a good time to let go of the packets that passed through.
    {:noreply, state, :hibernate}
  end

  def handle_info(:heartbeat_over, state) do
    if Session.silent?(state.session) do
      timeout = state.options.heartbeat_timeout
      broken(Error.new(:worker_down, "the worker gave no sign of life for #{timeout} ms"), state)
    else
      schedule_heartbeat(state)
      {:noreply, state}
    end
  end

  def handle_info(:startup_over, %{session: %{phase: :hello}} = state) do
    timeout = state.options.startup_timeout

    text =
      "the executable did not say hello within #{timeout} ms: " <>
        "it is no worker, or it printed something to its stdout before"

    broken(Error.new(:worker_down, text), state)
  end

  def handle_info(:drain_over, state) do
    text = "the worker was stopped, and killed because it did not end"
    broken(Error.new(:worker_down, text), state)
  end

  def handle_info(_late_timer_or_stray, state), do: {:noreply, state}

  # The port is open here only when the server that started this process died, or this process fails.
  @impl true
  def terminate(_reason, %{port: nil}), do: :ok

  def terminate(reason, state) do
    Executable.kill(state.port)
    Executable.close(state.port)
    take_leave(state, Error.from_exit(reason))
  end

  # Which of its worker's OS processes it is, from 1.
  defp index([{_worker, index} | _keys]), do: index
  defp index(_of_the_only_one), do: 1

  defp request(state, fun) do
    {actions, session} = fun.(state.session)
    {:noreply, state} = perform(actions, %{state | session: session})
    state
  end

  defp expect_ack(%{ack_due?: false} = state) do
    if Session.unacknowledged?(state.session) do
      _ = Process.send_after(self(), :ack_due, @ack_delay)
      %{state | ack_due?: true}
    else
      state
    end
  end

  defp expect_ack(state), do: state

  defp write(message, state) do
    state = Nudges.written(state)
    {acks, session} = Session.along(state.session)

    writer =
      Enum.reduce(acks, state.writer, fn {:write, ack}, writer -> Writer.say(writer, ack) end)

    collected(Writer.collect(writer, message), %{state | session: session})
  end

  defp collected({:done, writer}, state), do: wrote(%{state | writer: writer})

  defp collected({{:handle, message}, writer}, state),
    do: handle_info(message, %{state | writer: writer})

  defp collected({{:answers, packet, open}, writer}, state) do
    with {:noreply, state} <- handle_info(packet, %{state | writer: writer}),
         do: state.writer |> Writer.go_on(open) |> collected(state)
  end

  # There is none to wait for but the one that was just written.
  defp wrote(state) do
    if Load.in_flight(state.share) == 1,
      do: state.spin |> Spin.begin() |> awake(state),
      else: {:noreply, %{state | spin: Spin.crowd(state.spin)}}
  end

  defp awake(:awake, state), do: {:noreply, state, 0}
  defp awake({:awake, spin}, state), do: {:noreply, %{state | spin: spin}, 0}
  defp awake({:asleep, spin}, state), do: {:noreply, %{state | spin: spin}}

  defp perform(actions, state) do
    case Actions.perform(actions, state) do
      {:done, state} -> {:noreply, state}
      {{:up, hello}, rest, state} -> perform(rest, up(hello, state))
      {{:broken, error}, _rest, state} -> broken(error, state)
    end
  end

  defp up(hello, state) do
    _ = Process.cancel_timer(state.startup_timer)
    max_frame = Hello.max_frame(hello)

    state = %{
      state
      | writer: Writer.limit(state.writer, max_frame),
        callbacks: Callbacks.limit(state.callbacks, max_frame),
        life: Life.up(state.life, hello)
    }

    Load.open(state.share)

    Routes.put(
      state.keys,
      Route.new(hd(state.keys), state.pending, state.port, hello, state.options)
    )

    send(state.server, {:up, self(), hello})
    schedule_heartbeat(state)
    state
  end

  defp schedule_heartbeat(%{options: %{heartbeat: :infinity}}), do: :ok

  defp schedule_heartbeat(%{options: %{heartbeat: interval}}) do
    _ = Process.send_after(self(), :heartbeat, interval)
    :ok
  end

  # The OS process cannot be used any more, but it is still there.
  defp broken(error, %{port: port} = state) do
    Executable.kill(port)

    receive do
      {^port, {:exit_status, _status}} -> :ok
      {:EXIT, ^port, _reason} -> :ok
    after
      @kill_wait -> :ok
    end

    Executable.close(port)
    down(error, state)
  end

  # New calls are refused first.
  defp down(error, state) do
    Routes.put(state.keys, refusal(error, state.session.phase))
    Load.close(state.share)
    {:stop, {:shutdown, error}, %{take_leave(state, error) | port: nil}}
  end

  # Then whoever is known to wait learns of the end. Who comes too late for that finds the table closed.
  defp take_leave(state, error) do
    Pending.close(state.pending)
    state = accept_rest(state)
    {actions, session} = Session.down(state.session, error)
    {:noreply, state} = perform(actions, %{state | session: session})
    for {id, to} <- Calls.all(), do: Calls.answer(to, id, {:error, error}, state.pending)
    Pending.fail(state.pending, error)
    Life.down(state.life, error, state.session.phase)
    state
  end

  defp exit_error(status, %{session: session}), do: Executable.exit_error(status, session.phase)

  defp refusal(_error, :draining), do: Error.new(:draining, "the worker has been stopped")
  defp refusal(error, _phase), do: error

  # What was sent before the table was closed.
  defp accept_rest(state) do
    receive do
      {:register, ref, task} ->
        state |> Known.add(ref, task) |> accept_rest()

      {:call, _owner, id, to, _encoded, _size} ->
        Calls.enter(id, to)
        accept_rest(state)

      {:called, _owner, id, to} ->
        Calls.enter(id, to)
        accept_rest(state)
    after
      0 -> state
    end
  end
end
