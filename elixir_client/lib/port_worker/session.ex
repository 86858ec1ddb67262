defmodule PortWorker.Session do
  @moduledoc false
  # The protocol as one connection sees it, without a process, a port or a clock:
  # packets and requests go in, actions come out, and the connection carries them out
  # in order.
  #
  # A call leaves no trace here. Its ref is a number, and the connection knows who waits for it; that of a stream
  # and of a channel is an alias, to which what comes is sent. Only of a task that reports progress or is being
  # cancelled, and of a channel, more is known, so that progress can be routed, a cancel gets its receipt and
  # inputs wait for their turn. With callbacks every call is kept, for it may lead to some.

  alias PortWorker.{Callbacks, Calls, Error, Hello, Window, Wire}
  alias PortWorker.Session.{Callback, Inputs, Log, Task}
  alias PortWorker.Telemetry.Span

  # What has the form of a ref that this client gives out.
  defguardp is_ref(term) when is_integer(term) or (is_reference(term) and node(term) == node())

  @enforce_keys [:greeting, :window, :callbacks]
  defstruct [
    :greeting,
    :window,
    :callbacks,
    :hello,
    phase: :hello,
    tasks: %{},
    results: 0,
    ping: nil,
    heard?: false
  ]

  @type action ::
          {:answer, Calls.id() | reference(), Task.result()}
          | {:deliver, reference() | pid(), message :: term()}
          | {:notify, pid() | reference() | atom(), message :: term()}
          | {:callback, Callbacks.request()}
          | {:ended, term()}
          | {:reply, GenServer.from(), term()}
          | {:write, Wire.message() | :drain}
          | {:up, Hello.t()}
          | :replace
          | :ponged
          | {:stopped, Span.t(), Task.result()}
          | {:log, Logger.level(), message :: term(), attributes :: map()}
          | {:broken, Error.t()}

  @type t :: %__MODULE__{
          greeting: Wire.message(),
          window: Window.t(),
          callbacks: Callbacks.functions(),
          hello: Hello.t() | nil,
          phase: :hello | :up | :draining,
          tasks: %{term() => Task.t()},
          results: non_neg_integer(),
          ping: reference() | nil,
          heard?: boolean()
        }

  @doc "A session that has said nothing yet."
  @spec new(%{
          :config => map(),
          optional(:window) => pos_integer() | :infinity,
          optional(:callbacks) => Callbacks.functions(),
          optional(atom()) => term()
        }) :: t()
  def new(options) do
    window = Map.get(options, :window, :infinity)
    callbacks = Map.get(options, :callbacks, %{})

    %__MODULE__{
      greeting: Hello.message(options.config, window, Map.keys(callbacks)),
      window: Window.new(window),
      callbacks: callbacks
    }
  end

  @spec hello(t()) :: {[action()], t()}
  def hello(session), do: {[{:write, session.greeting}], session}

  @doc "A task is about to be called."
  @spec register(t(), term(), Task.t()) :: t()
  def register(session, ref, task), do: %{session | tasks: Map.put(session.tasks, ref, task)}

  @doc "Nobody wants to hear of that task any more: it is cancelled, and its progress goes nowhere."
  @spec forget(t(), term()) :: {[action()], t()}
  def forget(session, ref) do
    {task, tasks} = Map.pop(session.tasks, ref)
    told = if task, do: Task.forgotten(task), else: []
    {[{:write, {:cancel, ref}} | told], %{session | tasks: tasks}}
  end

  @doc "Cancels a task. `from` gets its receipt when the worker has said how the task ended."
  @spec cancel(t(), term(), GenServer.from()) :: {[action()], t()}
  def cancel(session, ref, from) do
    case session.tasks do
      %{^ref => task} ->
        task = %{task | waiting: [from | task.waiting]}
        {[{:write, {:cancel, ref}}], put_task(session, ref, task)}

      _none ->
        {[{:reply, from, :not_found}], session}
    end
  end

  @doc "A sender waits until the channel takes the input of that number."
  @spec await_input(t(), reference(), pos_integer(), GenServer.from()) :: {[action()], t()}
  def await_input(session, ref, number, from) do
    case session.tasks do
      %{^ref => %Task{inputs: %Inputs{} = inputs} = task} ->
        {replies, inputs} = Inputs.await(inputs, number, from)
        {replies, put_task(session, ref, %{task | inputs: inputs})}

      _ended ->
        {[{:reply, from, Inputs.ended()}], session}
    end
  end

  @doc "Nothing has come for a while: acknowledges what is left."
  @spec idle(t()) :: {[action()], t()}
  def idle(session) do
    {bytes, window} = Window.settle(session.window)
    {ack(bytes, []), %{session | window: window}}
  end

  @doc "Something is written: acknowledges along with it what is worth it."
  @spec along(t()) :: {[action()], t()}
  def along(session) do
    case Window.along(session.window) do
      {0, _window} -> {[], session}
      {bytes, window} -> {ack(bytes, []), %{session | window: window}}
    end
  end

  @doc "Whether bytes are left that `idle/1` would acknowledge."
  @spec unacknowledged?(t()) :: boolean()
  def unacknowledged?(session), do: Window.pending?(session.window)

  @doc "The worker was told to finish."
  @spec drain(t()) :: {[action()], t()}
  def drain(session), do: {[{:write, :drain}], %{session | phase: :draining}}

  @doc "The connection ends: every task learns why."
  @spec down(t(), Error.t()) :: {[action()], t()}
  def down(session, error) do
    actions =
      Enum.flat_map(session.tasks, fn {ref, task} ->
        told = if is_ref(ref), do: tell(ref, task, {:error, error}), else: []
        told ++ Task.stopped(task, {:error, error})
      end)

    {actions, %{session | tasks: %{}}}
  end

  @doc "A heartbeat is due: asks for a sign of life."
  @spec ping(t()) :: {[action()], t()}
  def ping(session) do
    ping = make_ref()
    {[{:write, {:ping, ping}}], %{session | ping: ping, heard?: false}}
  end

  @doc "Whether nothing at all was heard since the last ping."
  @spec silent?(t()) :: boolean()
  def silent?(session), do: session.ping != nil and not session.heard?

  @doc "A packet arrived."
  @spec packet(t(), binary()) :: {[action()], t()}
  def packet(session, packet) do
    {bytes, window} = Window.consumed(session.window, byte_size(packet))

    {actions, session} =
      case decode(session.phase, packet) do
        {:ok, messages} -> messages(messages, window, session)
        {:mixed, parts} -> parts(parts, heard(session, window))
        {:error, error} -> {[{:broken, error}], heard(session, window)}
      end

    {ack(bytes, actions), session}
  end

  defp ack(0, actions), do: actions
  defp ack(bytes, actions), do: [{:write, {:ack, bytes}} | actions]

  defp heard(session, window), do: %{session | heard?: true, window: window}

  defp decode(:hello, packet), do: Wire.decode_first(packet, Hello.max_atoms())
  defp decode(_phase, packet), do: Wire.decode(packet)

  # Most packets hold nothing but results that somebody waits for, of whom nothing else is known.
  defp messages(messages, window, session) do
    {rest, count, actions} = plain(messages, session.tasks, 0, [])

    session = %{
      session
      | heard?: true,
        window: window,
        results: session.results + count
    }

    others(rest, session, actions)
  end

  defp others([], session, actions), do: {Enum.reverse(actions), session}

  defp others([message | rest], session, actions) do
    {actions, session} = message(message, session, actions)
    {rest, count, actions} = plain(rest, session.tasks, 0, actions)
    others(rest, %{session | results: session.results + count}, actions)
  end

  defp plain([{ref, value} | rest], tasks, count, actions)
       when is_integer(ref) and not is_map_key(tasks, ref) do
    plain(rest, tasks, count + 1, [{:answer, ref, {:ok, value}} | actions])
  end

  defp plain([{:result, ref, {:ok, _value} = result} | rest], tasks, count, actions)
       when is_ref(ref) and not is_map_key(tasks, ref) do
    plain(rest, tasks, count + 1, [{:answer, ref, result} | actions])
  end

  defp plain(messages, _tasks, count, actions), do: {messages, count, actions}

  defp parts(parts, session) do
    {actions, session} =
      Enum.reduce(parts, {[], session}, fn
        {:ok, message}, {actions, session} ->
          message(message, session, actions)

        {:unreadable, :result, ref, error}, {actions, session} ->
          finish(ref, {:error, error}, %{session | results: session.results + 1}, actions)

        # The stream cannot go on without its elements.
        {:unreadable, :data, ref, error}, {actions, session} when is_ref(ref) ->
          finish(ref, {:error, error}, session, [{:write, {:cancel, ref}} | actions])

        {:unreadable, :callback, id, error}, {actions, session} ->
          reply = {:error, %{reason: :bad_message, message: error.message}}
          {[{:write, {:reply, id, reply}} | actions], session}

        {:unreadable, _tag, _ref, error}, {actions, session} ->
          {[Log.action(:warning, Exception.message(error)) | actions], session}
      end)

    {Enum.reverse(actions), session}
  end

  # Actions are collected in reverse. The commonest message comes first.
  defp message({:result, ref, result}, session, actions) do
    finish(ref, result(result), %{session | results: session.results + 1}, actions)
  end

  defp message({ref, value}, session, actions) when is_integer(ref) do
    message({:result, ref, {:ok, value}}, session, actions)
  end

  defp message({:data, ref, elements}, session, actions)
       when is_reference(ref) and node(ref) == node() and length(elements) > 0 do
    case session.tasks do
      %{^ref => %Task{receiver: pid} = task} when is_pid(pid) ->
        {outputs(ref, task, elements, actions), session}

      _stream ->
        {[{:deliver, ref, {ref, {:data, elements}}} | actions], session}
    end
  end

  defp message({:progress, ref, term}, session, actions) do
    case session.tasks do
      %{^ref => %Task{ref: known_by, progress_to: to}} when to != nil ->
        {[{:deliver, to, {known_by, {:progress, term}}} | actions], session}

      _nobody ->
        {actions, session}
    end
  end

  defp message({:pong, ping}, session, actions) do
    if ping != nil and ping == session.ping,
      do: {[:ponged | actions], %{session | ping: nil}},
      else: {actions, session}
  end

  defp message({:log, level, text, attributes}, session, actions) do
    {[Log.record(level, text, attributes) | actions], session}
  end

  defp message({:credit, ref, n}, session, actions) when is_integer(n) and n >= 0 do
    case session.tasks do
      %{^ref => %Task{inputs: %Inputs{} = inputs} = task} ->
        {replies, inputs} = Inputs.grant(inputs, n)
        {Enum.reverse(replies, actions), put_task(session, ref, %{task | inputs: inputs})}

      _ended ->
        {actions, session}
    end
  end

  defp message({:callback, _id, ref, _name, _args, _opts} = asked, session, actions) do
    {[Callback.action(asked, session.callbacks, session.tasks[ref]) | actions], session}
  end

  defp message({:replace, map}, session, actions) when is_map(map) do
    text = "asks to be replaced: #{Log.label(Map.get(map, :reason, ""))}"
    attributes = Map.take(map, [:abandoned])
    {[:replace, {:log, :warning, text, attributes} | actions], session}
  end

  defp message({:notify, to, term}, session, actions)
       when is_pid(to) or is_reference(to) or is_atom(to) do
    {[{:notify, to, term} | actions], session}
  end

  defp message({:notify, to, _term}, session, actions) do
    {[Log.action(:debug, "notified #{Log.label(to)}, which is no process") | actions], session}
  end

  defp message({:fault, ref, fault}, session, actions) do
    fault(ref, Error.from_wire(fault), session, actions)
  end

  defp message({:hello, map}, %{phase: :hello} = session, actions) do
    case Hello.read(map) do
      {:ok, hello} -> {[{:up, hello} | actions], %{session | hello: hello, phase: :up}}
      {:error, error} -> {[{:broken, error} | actions], session}
    end
  end

  # It was stopped before it was up.
  defp message({:hello, _map}, %{phase: :draining} = session, actions), do: {actions, session}

  # What a newer worker may say is no reason to stop talking to it.
  defp message(message, session, actions) do
    text = "sent a message this client does not know: #{Log.brief(message)}"
    {[Log.action(:warning, text) | actions], session}
  end

  # To the opener of an active channel outputs are sent on as they come.
  defp outputs(ref, task, elements, actions) do
    actions =
      if task.active?, do: [{:write, {:credit, ref, length(elements)}} | actions], else: actions

    Enum.reduce(elements, actions, &[{:deliver, task.receiver, {ref, {:data, &1}}} | &2])
  end

  # Two live tasks of one ref can only be this client's mistake, and one of them waits.
  defp fault(ref, %Error{reason: :duplicate_ref} = error, session, actions) do
    finish(ref, {:error, error}, session, actions)
  end

  defp fault(ref, error, session, actions) do
    case session.tasks do
      %{^ref => %Task{receiver: pid} = task} when is_pid(pid) ->
        fault = {:fault, %{error | function: task.function}}
        {[{:deliver, pid, {ref, fault}} | actions], session}

      _not_a_channel ->
        text = "did not accept a message: #{Exception.message(error)}"
        {[Log.action(fault_level(ref, error), text) | actions], session}
    end
  end

  # An input that crossed the end of its channel is nobody's fault.
  defp fault_level(ref, %Error{reason: :bad_message}) when is_reference(ref), do: :debug
  defp fault_level(_ref, _error), do: :warning

  # The end of a task, however it was learned of.
  defp finish(ref, result, session, actions) do
    {task, tasks} = Map.pop(session.tasks, ref)
    actions = Enum.reverse(tell(ref, task, result), Task.stopped(task, result) ++ actions)
    {ended(ref, session, actions), %{session | tasks: tasks}}
  end

  defp ended(_ref, %{callbacks: none}, actions) when map_size(none) == 0, do: actions
  defp ended(ref, _session, actions), do: [{:ended, ref} | actions]

  defp tell({:cast, function, _unique}, _task, {:error, error}) do
    text = Exception.message(%{error | function: function})
    [Log.action(:warning, "a cast ended with an error: #{text}")]
  end

  defp tell({:cast, _function, _unique}, _task, _ok), do: []

  defp tell(ref, nil, result) when is_ref(ref), do: [{:answer, ref, result}]

  defp tell(ref, %Task{} = task, result), do: Task.ended(task, ref, result)

  defp tell(ref, nil, _result),
    do: [Log.action(:warning, "answered a call nobody made: #{Log.brief(ref)}")]

  defp result({:ok, _value} = ok), do: ok
  defp result({:error, error}), do: {:error, Error.from_wire(error)}

  defp result(other) do
    text = "expected {:ok, term} or {:error, map}, got: #{Log.brief(other)}"
    {:error, Error.new(:bad_message, text)}
  end

  defp put_task(session, ref, task), do: %{session | tasks: %{session.tasks | ref => task}}
end
