defmodule PortWorker.Session do
  @moduledoc false
  # The protocol as one connection sees it, without a process, a port or a clock:
  # packets and requests go in, actions come out, and the connection carries them out
  # in order.
  #
  # A call of `run/4` leaves no trace here: its ref is an alias of the caller, and
  # a result is sent there. Only tasks (`start_task/4`) are kept, so that progress can
  # be routed, a cancel gets its receipt, and their owners hear of the worker's end as
  # `{ref, {:error, _}}`.

  alias PortWorker.{Error, Hello, Wire}

  @enforce_keys [:config]
  defstruct [:config, :hello, phase: :hello, tasks: %{}, results: 0, ping: nil, heard?: false]

  defmodule Task do
    @moduledoc false
    # A live task: where its progress goes, and who waits for the receipt of a cancel.
    @enforce_keys [:function]
    defstruct [:function, :progress_to, waiting: []]

    @type t :: %__MODULE__{
            function: String.t(),
            progress_to: pid() | reference() | nil,
            waiting: [GenServer.from()]
          }
  end

  @type action ::
          {:deliver, reference() | pid(), message :: term()}
          | {:reply, GenServer.from(), term()}
          | {:write, Wire.message() | :drain}
          | {:up, Hello.t()}
          | {:log, Logger.level(), message :: term(), attributes :: map()}
          | {:broken, Error.t()}

  @type t :: %__MODULE__{
          config: map(),
          hello: Hello.t() | nil,
          phase: :hello | :up | :draining,
          tasks: %{term() => Task.t()},
          results: non_neg_integer(),
          ping: reference() | nil,
          heard?: boolean()
        }

  @doc "A session that has said nothing yet; `config` are the settings for the worker."
  @spec new(map()) :: t()
  def new(config), do: %__MODULE__{config: config}

  @spec hello(t()) :: {[action()], t()}
  def hello(session), do: {[{:write, Hello.message(session.config)}], session}

  @doc "A task is about to be called."
  @spec register(t(), term(), Task.t()) :: t()
  def register(session, ref, task), do: %{session | tasks: Map.put(session.tasks, ref, task)}

  @doc "Nobody wants to hear of that task any more: it is cancelled, and its progress goes nowhere."
  @spec forget(t(), reference()) :: {[action()], t()}
  def forget(session, ref) do
    case Map.pop(session.tasks, ref) do
      {nil, _tasks} -> {[], session}
      {_task, tasks} -> {[{:write, {:cancel, ref}}], %{session | tasks: tasks}}
    end
  end

  @doc "Cancels a task. `from` gets its receipt when the worker has said how the task ended."
  @spec cancel(t(), reference(), GenServer.from()) :: {[action()], t()}
  def cancel(session, ref, from) do
    case session.tasks do
      %{^ref => task} ->
        task = %{task | waiting: [from | task.waiting]}
        {[{:write, {:cancel, ref}}], %{session | tasks: %{session.tasks | ref => task}}}

      _none ->
        {[{:reply, from, :not_found}], session}
    end
  end

  @doc "The worker was told to finish."
  @spec drain(t()) :: {[action()], t()}
  def drain(session), do: {[{:write, :drain}], %{session | phase: :draining}}

  @doc "The connection ends: every task learns why."
  @spec down(t(), Error.t()) :: {[action()], t()}
  def down(session, error) do
    actions =
      Enum.flat_map(session.tasks, fn {ref, task} ->
        result = {:error, %{error | function: task.function}}
        [{:deliver, ref, {ref, result}} | receipts(task, result)]
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
    session = %{session | heard?: true}

    case decode(session.phase, packet) do
      {:ok, messages} -> messages(messages, session, [])
      {:mixed, parts} -> parts(parts, session)
      {:error, error} -> {[{:broken, error}], session}
    end
  end

  defp decode(:hello, packet), do: Wire.decode_first(packet, Hello.max_atoms())
  defp decode(_phase, packet), do: Wire.decode(packet)

  defp messages([], session, actions), do: {Enum.reverse(actions), session}

  defp messages([message | rest], session, actions) do
    {actions, session} = message(message, session, actions)
    messages(rest, session, actions)
  end

  defp parts(parts, session) do
    {actions, session} =
      Enum.reduce(parts, {[], session}, fn
        {:ok, message}, {actions, session} ->
          message(message, session, actions)

        {:unreadable, :result, ref, error}, {actions, session} ->
          finish(ref, {:error, error}, %{session | results: session.results + 1}, actions)

        # The stream cannot go on without its elements.
        {:unreadable, :data, ref, error}, {actions, session} when is_reference(ref) ->
          finish(ref, {:error, error}, session, [{:write, {:cancel, ref}} | actions])

        {:unreadable, _tag, _ref, error}, {actions, session} ->
          {[log(:warning, Exception.message(error)) | actions], session}
      end)

    {Enum.reverse(actions), session}
  end

  # Actions are collected in reverse. The commonest message comes first.
  defp message({:result, ref, result}, session, actions) do
    finish(ref, result(result), %{session | results: session.results + 1}, actions)
  end

  defp message({:data, ref, [_ | _] = elements}, session, actions)
       when is_reference(ref) and node(ref) == node() do
    {[{:deliver, ref, {ref, {:data, elements}}} | actions], session}
  end

  defp message({:progress, ref, term}, session, actions) do
    case session.tasks do
      %{^ref => %Task{progress_to: to}} when to != nil ->
        {[{:deliver, to, {ref, {:progress, term}}} | actions], session}

      _nobody ->
        {actions, session}
    end
  end

  defp message({:pong, ping}, session, actions) do
    if ping == session.ping, do: {actions, %{session | ping: nil}}, else: {actions, session}
  end

  defp message({:log, level, text, attributes}, session, actions) do
    {[{:log, level(level), text, attributes(attributes)} | actions], session}
  end

  defp message({:fault, ref, fault}, session, actions) when is_reference(ref) do
    # Somebody may wait for the call it is about; if nobody does, it goes nowhere.
    finish(ref, {:error, Error.from_wire(fault)}, session, actions)
  end

  defp message({:fault, _undefined, fault}, session, actions) do
    error = Error.from_wire(fault)
    {[log(:warning, "did not accept a message: #{Exception.message(error)}") | actions], session}
  end

  defp message({:callback, ref, _task, name, _args, _opts}, session, actions) do
    error = %{reason: :unknown_function, message: "no function #{label(name)} is registered here"}
    {[{:write, {:reply, ref, {:error, error}}} | actions], session}
  end

  defp message({:hello, map}, %{phase: :hello} = session, actions) do
    case Hello.read(map) do
      {:ok, hello} -> {[{:up, hello} | actions], %{session | hello: hello, phase: :up}}
      {:error, error} -> {[{:broken, error} | actions], session}
    end
  end

  # What a newer worker may say is no reason to stop talking to it.
  defp message(message, session, actions) do
    text = inspect(message, limit: 5, printable_limit: 100)
    {[log(:warning, "sent a message this client does not know: #{text}") | actions], session}
  end

  defp finish({:cast, function, _unique}, {:error, error}, session, actions) do
    text = Exception.message(%{error | function: function})
    {[log(:warning, "a cast ended with an error: #{text}") | actions], session}
  end

  defp finish({:cast, _function, _unique}, _ok, session, actions), do: {actions, session}

  defp finish(ref, result, session, actions) when is_reference(ref) and node(ref) == node() do
    case session.tasks do
      %{^ref => task} ->
        result = named(result, task.function)
        actions = [{:deliver, ref, {ref, result}} | actions]
        actions = Enum.reverse(receipts(task, result), actions)
        {actions, %{session | tasks: Map.delete(session.tasks, ref)}}

      _run ->
        {[{:deliver, ref, {ref, result}} | actions], session}
    end
  end

  defp finish(ref, _result, session, actions) do
    text = "answered a call nobody made: #{inspect(ref, limit: 5, printable_limit: 100)}"
    {[log(:warning, text) | actions], session}
  end

  defp receipts(task, result) do
    Enum.map(task.waiting, &{:reply, &1, receipt(result)})
  end

  defp receipt({:error, %Error{reason: :cancelled, details: %{still_running: true}} = error}) do
    {:still_running, error.stack || Map.get(error.details, :stack, "")}
  end

  defp receipt({:error, %Error{reason: :cancelled}}), do: :stopped
  defp receipt({:error, %Error{reason: :worker_down} = error}), do: {:error, error}
  defp receipt(result), do: {:finished, result}

  defp result({:ok, _value} = ok), do: ok
  defp result({:error, error}), do: {:error, Error.from_wire(error)}

  defp result(other) do
    text = inspect(other, limit: 5, printable_limit: 100)
    {:error, Error.new(:bad_message, "expected {:ok, term} or {:error, map}, got: #{text}")}
  end

  defp named({:error, error}, function), do: {:error, %{error | function: function}}
  defp named(ok, _function), do: ok

  defp log(level, text), do: {:log, level, text, %{}}

  defp level(level) when level in [:debug, :info, :notice, :warning, :error], do: level
  defp level(_other), do: :info

  defp attributes(map) when is_map(map), do: map
  defp attributes(other), do: %{"attributes" => other}

  defp label(name) when is_binary(name), do: name
  defp label(name), do: inspect(name, limit: 5, printable_limit: 100)
end
