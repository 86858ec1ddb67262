defmodule PortWorker.Test.Peer do
  @moduledoc false
  # Stands in for the OS process of a worker that is stubbed: it speaks the worker's side of the protocol, in
  # packets, to a connection that takes it for a port. So whatever is not the function itself is the same
  # as with a real worker: how calls are made, cancelled and timed, and what becomes of their results.

  use GenServer

  alias PortWorker.Test.{Stubs, Task}

  @enforce_keys [:connection]
  defstruct [:connection, tasks: %{}, pids: %{}, draining?: false]

  @doc "Starts a peer of the calling process, which gets `{peer, {:data, packet}}` as from a port."
  @spec start_link() :: pid()
  def start_link do
    Stubs.ensure_started()
    {:ok, peer} = GenServer.start_link(__MODULE__, self())
    peer
  end

  @doc "Gives it a packet of the client."
  @spec command(pid(), iodata()) :: :ok
  def command(peer, packet) do
    send(peer, {:packet, IO.iodata_to_binary(packet)})
    :ok
  end

  @impl true
  def init(connection) do
    Process.flag(:trap_exit, true)
    {:ok, %__MODULE__{connection: connection}}
  end

  @impl true
  def handle_info({:packet, packet}, state) do
    messages = packet |> :erlang.binary_to_term() |> List.wrap()
    messages |> Enum.reduce(state, &heard/2) |> drained()
  end

  # What a task that has ended said before is not heard any more.
  def handle_info({:say, ref, message}, state) do
    if is_map_key(state.tasks, ref), do: say(state, message)
    {:noreply, state}
  end

  def handle_info({:ended, ref, result}, state), do: state |> finish(ref, result) |> drained()

  def handle_info({:expired, ref}, state) do
    error = %{reason: :timeout, message: "the time of the call was up"}
    state |> stop(ref, error) |> drained()
  end

  # It was killed from outside: a result would have come first.
  def handle_info({:EXIT, pid, reason}, state) do
    case state.pids do
      %{^pid => ref} ->
        error = %{reason: :panic, message: "the stub ended: #{Exception.format_exit(reason)}"}
        state |> finish(ref, {:error, error}) |> drained()

      _ended ->
        {:noreply, state}
    end
  end

  defp heard({:hello, _map}, state) do
    # There is no other OS process than this one.
    os_pid = String.to_integer(System.pid())

    say(
      state,
      {:hello, %{protocol: 1, name: "stub", version: "", os_pid: os_pid, functions: []}}
    )

    state
  end

  defp heard({:call, ref, _name, _args, _opts}, %{draining?: true} = state) do
    say(state, {:result, ref, {:error, %{reason: :draining, message: "the worker is draining"}}})
    state
  end

  defp heard({:call, ref, name, args, opts}, state) do
    task = %Task{
      peer: self(),
      ref: ref,
      function: name,
      kind: kind(opts),
      progress?: opts.progress,
      credit: Map.get(opts, :credit, 0)
    }

    pid = :proc_lib.spawn_link(Task, :run, [task, opts.ticket, args, opts])
    entry = %{pid: pid, owner: opts[:owner], timer: timer(ref, opts.timeout)}

    %{
      state
      | tasks: Map.put(state.tasks, ref, entry),
        pids: Map.put(state.pids, pid, ref)
    }
  end

  defp heard({:cancel, ref}, state), do: stop(state, ref, cancelled("it was cancelled"))
  defp heard({:credit, ref, n}, state), do: tell(state, ref, {:credit, n})
  defp heard({:send, ref, input}, state), do: tell(state, ref, {:input, input})
  defp heard({:close, ref}, state), do: tell(state, ref, :closed)

  defp heard({:owner_down, owner}, state) do
    refs = for {ref, %{owner: ^owner}} <- state.tasks, do: ref
    Enum.reduce(refs, state, &stop(&2, &1, cancelled("the process that had called is dead")))
  end

  defp heard({:ping, term}, state) do
    say(state, {:pong, term})
    state
  end

  defp heard(:drain, state), do: %{state | draining?: true}
  defp heard(_ack, state), do: state

  defp kind(%{input_credit: true}), do: :channel
  defp kind(%{credit: _}), do: :stream
  defp kind(_neither), do: :function

  defp timer(_ref, :infinity), do: nil
  defp timer(ref, timeout), do: Process.send_after(self(), {:expired, ref}, timeout)

  defp cancelled(text), do: %{reason: :cancelled, message: text}

  defp tell(state, ref, message) do
    with %{^ref => %{pid: pid}} <- state.tasks, do: send(pid, {Task, message})
    state
  end

  defp stop(state, ref, error) do
    with %{^ref => %{pid: pid}} <- state.tasks, do: Process.exit(pid, :kill)
    finish(state, ref, {:error, error})
  end

  # Exactly one result for each call: what was killed may have sent its own.
  defp finish(%{tasks: tasks} = state, ref, result) when is_map_key(tasks, ref) do
    {%{pid: pid, timer: timer}, tasks} = Map.pop!(tasks, ref)
    _ = timer && Process.cancel_timer(timer)
    say(state, {:result, ref, result})
    %{state | tasks: tasks, pids: Map.delete(state.pids, pid)}
  end

  defp finish(state, _ref, _result), do: state

  defp drained(%{draining?: true, tasks: tasks} = state) when map_size(tasks) == 0 do
    send(state.connection, {self(), {:exit_status, 0}})
    {:stop, :normal, state}
  end

  defp drained(state), do: {:noreply, state}

  defp say(state, message) do
    send(state.connection, {self(), {:data, :erlang.term_to_binary(message)}})
  end
end
