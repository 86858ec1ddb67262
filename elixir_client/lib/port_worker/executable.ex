defmodule PortWorker.Executable do
  @moduledoc false
  # The edge to the operating system: finds the executable, opens the port, ends the
  # OS process. Nothing else in the client touches files or signals.

  alias PortWorker.Error
  alias PortWorker.Test.Peer

  # In bytes: from the second on the port is busy, until there are less than the first.
  @no_longer_busy 262_144
  @busy_limits {@no_longer_busy, 1_048_576}

  # How long, in milliseconds, the shell that sends a signal may take.
  @kill_timeout 2_000

  @doc "Where the executable is. The error says what is wrong with what was found."
  @spec find(String.t() | {atom(), String.t()} | :stub) ::
          {:ok, String.t() | :stub} | {:error, Error.t()}
  def find(:stub), do: {:ok, :stub}

  def find({app, path}) do
    find(Path.join(Application.app_dir(app, "priv"), path))
  rescue
    ArgumentError -> refuse("application #{inspect(app)} is not known, so it has no priv folder")
  end

  def find(command) do
    if command =~ "/" do
      check(Path.expand(command))
    else
      case System.find_executable(command) do
        nil -> refuse("no program #{inspect(command)} on PATH; a path to a file needs a slash")
        path -> {:ok, path}
      end
    end
  end

  defp check(path) do
    case File.stat(path) do
      {:ok, %File.Stat{type: :regular, mode: mode}} ->
        if Bitwise.band(mode, 0o111) == 0,
          do: refuse("#{path} is not executable"),
          else: {:ok, path}

      {:ok, %File.Stat{type: type}} ->
        refuse("#{path} is a #{type}, expected an executable file")

      {:error, reason} ->
        refuse("cannot use #{path}: #{:file.format_error(reason)}")
    end
  end

  @typedoc "A port, or the process that takes its place where a worker is stubbed."
  @type program :: port() | pid()

  @doc "Starts the executable and makes the calling process the port's owner."
  @spec open(String.t() | :stub, map()) :: {:ok, program()} | {:error, Error.t()}
  def open(:stub, _options), do: {:ok, Peer.start_link()}

  def open(path, options) do
    case options do
      # The child process would only exit, and not say why.
      %{cd: folder} -> if File.dir?(folder), do: start(path, options), else: no_folder(folder)
      _without -> start(path, options)
    end
  end

  defp no_folder(folder), do: refuse("cannot start in #{folder}: no such folder")

  defp start(path, options) do
    {:ok, Port.open({:spawn_executable, path}, port_options(options))}
  rescue
    error in [ErlangError, ArgumentError] ->
      refuse("cannot start #{path}: #{Exception.message(error)}")
  end

  defp port_options(options) do
    cd = if options[:cd], do: [cd: options.cd], else: []

    cd ++
      [
        {:packet, 4},
        :binary,
        :exit_status,
        :hide,
        descriptors(options.descriptors),
        args: options.args,
        env: env(options),
        busy_limits_port: @busy_limits,
        # Only its connection and that one's helper write to it.
        busy_limits_msgq: :disabled
      ]
  end

  defp descriptors(:stdio), do: :use_stdio
  defp descriptors(:private), do: :nouse_stdio

  defp env(%{descriptors: :stdio, env: env}), do: Enum.map(env, &variable/1)

  defp env(%{descriptors: :private, env: env}) do
    [{~c"PORTWORKER_DESCRIPTORS", ~c"3,4"} | Enum.map(env, &variable/1)]
  end

  defp variable({name, nil}), do: {String.to_charlist(name), false}
  defp variable({name, value}), do: {String.to_charlist(name), String.to_charlist(value)}

  @doc "Has the owner told of the end of the port, should it come without an exit status."
  @spec monitor(program()) :: reference() | nil
  def monitor(port) when is_port(port), do: Port.monitor(port)
  def monitor(_linked_peer), do: nil

  @doc """
  Kills the port's process group: the program, and whatever it started.

  The port must be open, because only then does its OS pid belong to this program for sure. Returns when
  the signal was sent, or after two seconds: a system too busy to start a shell is not waited for.
  """
  @spec kill(program()) :: :ok
  def kill(peer) when is_pid(peer) do
    Process.exit(peer, :kill)
    :ok
  end

  def kill(port) do
    with {:os_pid, os_pid} <- Port.info(port, :os_pid) do
      # Another process runs the shell: its port's messages are no business of the owner's.
      {pid, monitor} =
        spawn_monitor(fn ->
          System.cmd("/bin/sh", ["-c", "kill -s KILL -- -#{os_pid}"], stderr_to_stdout: true)
        end)

      receive do
        {:DOWN, ^monitor, :process, ^pid, _reason} -> :ok
      after
        @kill_timeout -> Process.demonitor(monitor, [:flush])
      end
    end

    :ok
  end

  @doc "Closes the port, if it is still open."
  @spec close(program()) :: :ok
  def close(peer) when is_pid(peer), do: kill(peer)

  def close(port) do
    Port.close(port)
    :ok
  rescue
    ArgumentError -> :ok
  end

  @doc """
  How many bytes the port can be given and stay one that is not busy, if nobody else writes; none or less when it may be
  busy. One that is closed has room for all.
  """
  @spec room(port()) :: integer()
  def room(port) do
    case :erlang.port_info(port, :queue_size) do
      {:queue_size, waiting} -> @no_longer_busy - waiting
      :undefined -> @no_longer_busy
    end
  end

  @doc "Why a connection in that phase has ended. The VM reports a signal as 128 and its number; `nil` is no exit status at all."
  @spec exit_error(non_neg_integer() | nil, :hello | :up | :draining) :: Error.t()
  def exit_error(status, phase) do
    what = describe(status)

    text =
      case phase do
        :hello -> "the executable #{what} before it said hello"
        :up -> "the worker #{what}"
        :draining -> "the worker was stopped: it #{what}"
      end

    Error.new(:worker_down, text, details: %{exit_status: status})
  end

  defp describe(nil), do: "closed its end of the pipe"
  defp describe(status) when status > 128, do: "was killed by signal #{status - 128}"
  defp describe(status), do: "exited with status #{status}"

  defp refuse(message), do: {:error, Error.new(:worker_down, message)}
end
