defmodule PortWorker.ScriptedWorker do
  @moduledoc """
  A worker that does what the test says.

  The executable is a bridge that joins the port to a socket; behind the socket a process decodes what
  the client sends and gives it to the test as `{:peer, peer, message}`, after `{:peer, peer, {:started,
  os_pid}}`. The test answers with `say/2`, `bytes/2` or `hang_up/1`. The handshake is done by itself
  unless `hello: false`.
  """

  @bridge Path.expand("bridge.pl", __DIR__)

  @hello %{
    protocol: 1,
    name: "scripted",
    version: "1.2.3",
    functions: [],
    limits: %{max_frame: 1_000_000}
  }

  @doc """
  Starts to listen for the calling test. Returns the options for `PortWorker.start_link/1`.

    * `:hello` - `false` for none, or a map that is merged into the usual one; a function gets the count of
      OS processes so far, from 0, and returns either
    * `:exit_status` - what the OS process ends with when the test hangs up, 1 by default
    * `:pong` - `false` leaves pings to the test
  """
  def listen(opts \\ []) do
    test = self()
    {:ok, listener} = :gen_tcp.listen(0, [:binary, active: false, ip: {127, 0, 0, 1}])
    {:ok, port} = :inet.port(listener)
    acceptor = spawn_link(fn -> accept(listener, test, opts, 0) end)
    :ok = :gen_tcp.controlling_process(listener, acceptor)
    status = Keyword.get(opts, :exit_status, 1)
    [command: @bridge, args: ["#{port}", "#{status}"]]
  end

  @doc "Sends a message, or a list of them, to the client."
  def say(peer, term), do: bytes(peer, frame(:erlang.term_to_binary(term)))

  @doc "Sends bytes as they are."
  def bytes(peer, bytes) do
    send(peer, {:bytes, bytes})
    :ok
  end

  @doc "From now on every call is answered with the name of its function."
  def answer(peer),
    do: reply_with(peer, fn {:call, ref, name, _args, _opts} -> {:result, ref, {:ok, name}} end)

  @doc "From now on every call is answered with its arguments."
  def echo(peer),
    do: reply_with(peer, fn {:call, ref, _name, args, _opts} -> {:result, ref, {:ok, args}} end)

  @doc "The next cancel ends its task, with these details."
  def reply_to_cancel(peer, ref, details) do
    error = %{reason: :cancelled, message: "cancelled", details: details}
    reply_with(peer, fn {:cancel, ^ref} -> {:result, ref, {:error, error}} end)
  end

  @doc "From now on each message is answered with what the function makes of it, up to the first that it has no clause for."
  def reply_with(peer, fun) do
    send(peer, {:reply_with, fun})
    :ok
  end

  @doc "From now on nothing is read. Returns when that is so."
  def stop_reading(peer) do
    send(peer, {:stop_reading, self()})
    receive do: (:stopped_reading -> :ok)
  end

  @doc "Whether there is an OS process of that pid that has not ended."
  def os_process?(os_pid) do
    # A zombie has ended; its parent has just not asked yet.
    String.first(state(os_pid)) not in [nil, "Z"]
  end

  # A small Linux has no ps, and everything else has no /proc.
  defp state(os_pid) do
    if File.dir?("/proc/self") do
      case File.read("/proc/#{os_pid}/stat") do
        {:ok, stat} -> stat |> String.split(") ") |> List.last()
        {:error, _gone} -> ""
      end
    else
      {state, _status} = System.cmd("ps", ["-o", "stat=", "-p", "#{os_pid}"])
      state
    end
  end

  @doc "Sends a signal to an OS process."
  def signal(os_pid, name) do
    {_output, 0} = System.cmd("/bin/sh", ["-c", "kill -s #{name} #{os_pid}"])
    :ok
  end

  @doc "Ends the OS process, with the exit status that `listen/1` was given."
  def hang_up(peer) do
    send(peer, :hang_up)
    :ok
  end

  @doc "A packet with its length in front."
  def frame(bytes), do: <<byte_size(bytes)::32, bytes::binary>>

  defp accept(listener, test, opts, count) do
    {:ok, socket} = :gen_tcp.accept(listener)
    {:ok, <<4::32, os_pid::32>>} = :gen_tcp.recv(socket, 8)
    peer = spawn_link(fn -> receive do: (:go -> play(socket, test, os_pid, opts, count)) end)
    :ok = :gen_tcp.controlling_process(socket, peer)
    send(peer, :go)
    accept(listener, test, opts, count + 1)
  end

  defp play(socket, test, os_pid, opts, count) do
    hello = Keyword.get(opts, :hello, %{})
    hello = if is_function(hello), do: hello.(count), else: hello
    send(test, {:peer, self(), {:started, os_pid}})
    :inet.setopts(socket, active: true)

    loop(%{
      socket: socket,
      test: test,
      reply: nil,
      buffer: "",
      hello: hello && Map.merge(Map.put(@hello, :os_pid, os_pid), hello),
      pong?: Keyword.get(opts, :pong, true)
    })
  end

  defp loop(state) do
    receive do
      {:tcp, _socket, bytes} ->
        loop(%{state | buffer: packets(state.buffer <> bytes, state)})

      {:bytes, bytes} ->
        write(state.socket, bytes)
        loop(state)

      {:reply_with, fun} ->
        loop(%{state | reply: fun})

      {:stop_reading, from} ->
        :inet.setopts(state.socket, active: false)
        send(from, :stopped_reading)
        loop(state)

      :hang_up ->
        :gen_tcp.close(state.socket)

      {:tcp_closed, _socket} ->
        send(state.test, {:peer, self(), :closed})
    end
  end

  defp heard({:hello, _} = hello, state) do
    send(state.test, {:peer, self(), hello})
    if state.hello, do: write(state.socket, frame(:erlang.term_to_binary({:hello, state.hello})))
  end

  defp heard({:ping, term}, %{pong?: true} = state) do
    write(state.socket, frame(:erlang.term_to_binary({:pong, term})))
  end

  defp heard(message, %{reply: fun} = state) when is_tuple(message) and fun != nil do
    say(self(), fun.(message))
  rescue
    FunctionClauseError -> heard(message, %{state | reply: nil})
  end

  defp heard(message, state), do: send(state.test, {:peer, self(), message})

  defp packets(<<size::32, packet::binary-size(size), rest::binary>>, state) do
    packet |> :erlang.binary_to_term() |> List.wrap() |> Enum.each(&heard(&1, state))
    packets(rest, state)
  end

  defp packets(incomplete, _state), do: incomplete

  # The client may have ended the OS process already.
  defp write(socket, bytes), do: _ok_or_closed = :gen_tcp.send(socket, bytes)
end
