defmodule PortWorker.Build.Description do
  @moduledoc false
  # What a worker says of itself when it is asked with `--describe`, kept beside the compiled code of the application for
  # `use PortWorker` to read.

  alias PortWorker.Build

  # A program that does not answer by then, in milliseconds, does something else.
  @patience 10_000

  @protocol 1

  @doc "Where the description of a worker of that application is kept, while Mix runs."
  @spec path(atom(), String.t()) :: Path.t()
  def path(app, worker) do
    Path.join([Mix.Project.build_path(), "lib", "#{app}", ".mix", "portworker", worker <> ".etf"])
  end

  @doc "Asks the executable for its functions. The error says what it did instead."
  @spec ask(Path.t()) :: {:ok, [map()]} | {:error, String.t()}
  def ask(executable) do
    task = Task.async(fn -> System.cmd(executable, ["--describe"]) end)

    case Task.yield(task, @patience) || Task.shutdown(task, :brutal_kill) do
      {:ok, {output, 0}} -> functions(output)
      {:ok, {_output, status}} -> {:error, "ended with status #{status}"}
      nil -> {:error, "gave no answer for #{div(@patience, 1000)} seconds"}
    end
  end

  # The application is about to run this program: its atoms are as welcome as those of a dependency.
  defp functions(output) do
    case :erlang.binary_to_term(output) do
      %{protocol: @protocol, functions: functions} ->
        {:ok, functions}

      %{protocol: version} ->
        {:error, "speaks version #{version} of the protocol, expected #{@protocol}"}
    end
  rescue
    _no_term_or_another_one in [ArgumentError, CaseClauseError] ->
      {:error, "wrote #{inspect(output, printable_limit: 100)}"}
  end

  @doc "Stores a description. What is stored already is left alone, so that no module is compiled again."
  @spec store(Path.t(), [map()]) :: :ok
  def store(path, functions) do
    content = :erlang.term_to_binary(functions, [:deterministic])
    if File.read(path) != {:ok, content}, do: Build.write!(path, content)
    :ok
  end

  @doc "The functions that a stored description lists."
  @spec read(Path.t()) :: {:ok, [map()]} | :error
  def read(path) do
    case File.read(path) do
      {:ok, content} -> {:ok, :erlang.binary_to_term(content)}
      {:error, _missing} -> :error
    end
  end
end
