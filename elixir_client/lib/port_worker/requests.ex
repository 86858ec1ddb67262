defmodule PortWorker.Requests do
  @moduledoc false
  # What other processes ask of a connection.

  alias PortWorker.{Call, Calls, Error, Routes, Session}

  # What the worker gets on top of its own drain deadline, and what a killed process
  # gets to be gone, in milliseconds.
  @drain_slack 500
  @kill_wait 2_000

  @doc false
  @spec drain_slack() :: pos_integer()
  def drain_slack, do: @drain_slack

  @doc false
  @spec kill_wait() :: pos_integer()
  def kill_wait, do: @kill_wait

  @doc "Makes a task known, before its call is written."
  @spec register(Routes.Route.t(), term(), Session.Task.t()) :: :ok
  def register(route, ref, task) do
    send(route.connection, {:register, ref, task})
    :ok
  end

  @doc """
  The same where the connection is to know more of it than who waits: when it reports progress, to `progress_to`
  if a function waits for it there, may lead to calls back, or has a span that ends there. The messages of the task have
  the reference `ref`.
  """
  @spec announce(
          Routes.Route.t(),
          wire_ref :: term(),
          Call.t(),
          ref :: reference() | nil,
          progress_to :: pid() | reference() | nil
        ) :: :ok
  def announce(%{callbacks?: false}, _wire_ref, %{options: options, span: nil}, _ref, _to)
      when not is_map_key(options, :on_progress),
      do: :ok

  def announce(route, wire_ref, call, ref, to) do
    register(route, wire_ref, Call.task(call, route, ref, to))
  end

  @doc "Waits until a channel takes the input of that number. Returns how many it takes by now."
  @spec await_input(pid(), reference(), pos_integer(), timeout()) ::
          {:ok, pos_integer()} | {:error, Error.t()}
  def await_input(connection, ref, number, timeout) do
    GenServer.call(connection, {:await_input, ref, number}, timeout)
  catch
    :exit, {:timeout, _call} ->
      {:error, Error.new(:timeout, "the channel took no input for #{timeout} ms")}

    :exit, {reason, _call} ->
      {:error, Error.from_exit(reason)}
  end

  @doc """
  Cancels tasks nobody waits for; after the return nothing more of them is delivered.

  It waits for what the connection has to do before, and no longer than that one lives. `:gone` says that it lives no more: it delivers nothing,
  but to tasks its server may have something to say still, see `settle/1`.
  """
  @spec forget(pid(), [wire_ref :: term()]) :: :ok | :gone
  def forget(connection, refs) do
    GenServer.call(connection, {:forget, refs}, :infinity)
  catch
    :exit, _reason -> :gone
  end

  @doc "Returns when the server of the worker has answered the tasks of connections that were killed before."
  @spec settle(PortWorker.worker()) :: :ok
  def settle({server, index}) when is_integer(index), do: settle(server)

  def settle(worker) do
    _ = GenServer.call(worker, :status)
    :ok
  catch
    # Then nobody has anything to say any more.
    :exit, _reason -> :ok
  end

  @doc "Cancels a task and waits for the receipt."
  @spec cancel(pid(), Calls.id(), timeout()) :: term()
  def cancel(connection, id, timeout) do
    GenServer.call(connection, {:cancel, id}, timeout)
  catch
    :exit, {:timeout, _call} ->
      {:error, Error.new(:timeout, "no receipt of the cancel within #{timeout} ms")}

    :exit, {reason, _call} ->
      {:error, Error.from_exit(reason)}
  end

  @doc "Tells the worker to finish. The connection ends with its OS process, and calls are refused until then, for `why`."
  @spec drain(pid(), String.t()) :: :ok
  def drain(connection, why), do: GenServer.cast(connection, {:drain, why})

  @doc "Drains these connections at the same time, and returns when their OS processes are gone."
  @spec stop([pid()], non_neg_integer()) :: :ok
  def stop(connections, drain_timeout) do
    monitors = for connection <- connections, do: {connection, Process.monitor(connection)}
    Enum.each(connections, &drain(&1, "the worker is being stopped"))
    deadline = Call.deadline(longest_stop(drain_timeout))
    Enum.each(monitors, fn {connection, monitor} -> await_end(connection, monitor, deadline) end)
  end

  defp await_end(connection, monitor, deadline) do
    receive do
      {:DOWN, ^monitor, :process, _pid, _reason} -> :ok
    after
      Call.time_to(deadline) -> kill(connection, monitor)
    end
  end

  defp kill(connection, monitor) do
    Process.exit(connection, :kill)

    receive do
      {:DOWN, ^monitor, :process, _pid, _reason} -> :ok
    end
  end

  @doc "Milliseconds after which a stop is over, whatever the worker does."
  @spec longest_stop(non_neg_integer()) :: pos_integer()
  def longest_stop(drain_timeout), do: drain_timeout + @drain_slack + 2 * @kill_wait
end
