defmodule PortWorker.Build.Failure do
  @moduledoc false
  # Why a worker could not be built, as diagnostics: what Go printed, cut into its errors.

  alias Mix.Task.Compiler.Diagnostic
  alias PortWorker.Build.{Go, Worker}

  @enforce_keys [:worker, :output]
  defstruct [:worker, :output]

  @type t :: %__MODULE__{worker: Worker.t(), output: String.t()}

  @install "https://go.dev/dl/"

  # main.go:12:5: undefined: x; go.mod:3: unknown directive: foo
  @position ~r/^(?<file>[^\s:][^:]*\.\w+):(?<line>\d+)(?::(?<column>\d+))?: (?<text>.*)$/

  # What Go says of a go.mod that wants a newer one, from 1.21 on and before.
  @too_old ~r/requires go >= (?<wanted>\S+)|invalid go version '(?<wanted_before>[^']+)'|module requires Go (?<wanted_then>\S+)/

  @doc "A worker that cannot be built because there is no Go."
  @spec no_go(Worker.t()) :: t()
  def no_go(worker) do
    %__MODULE__{
      worker: worker,
      output:
        "there is no program \"go\" on PATH. Install Go #{wanted(worker)} or later: #{@install}, or with the " <>
          "package manager of this system"
    }
  end

  defp wanted(worker) do
    with {:ok, text} <- File.read(Path.join(worker.dir, "go.mod")),
         [_all, version] <- Regex.run(~r/^go (\S+)/m, text) do
      version
    else
      _none -> "1.26"
    end
  end

  @doc """
  One diagnostic for each error. What has no position belongs to the worker's go.mod as a whole. `version` is asked for
  Go's own where it is too old.
  """
  @spec diagnostics(t(), (() -> String.t())) :: [Diagnostic.t(), ...]
  def diagnostics(%__MODULE__{worker: worker, output: output}, version \\ &Go.version/0) do
    case Regex.named_captures(@too_old, output) do
      nil ->
        output
        |> String.split("\n", trim: true)
        |> errors()
        |> or_none()
        |> Enum.map(&diagnostic(&1, worker))

      wanted ->
        [diagnostic({nil, too_old(wanted, version.())}, worker)]
    end
  end

  defp too_old(captures, version) do
    wanted = captures |> Map.values() |> Enum.find(&(&1 != ""))
    "Go #{wanted} or later is needed, and this is #{version}. Install it: #{@install}"
  end

  # Lines that are indented go on with the error above them. Headers name packages, whose files say
  # as much.
  defp errors(lines) do
    lines
    |> Enum.reject(&(&1 =~ ~r/^(# |go: downloading )/))
    |> Enum.reduce([], fn
      "\t" <> _ = line, [{position, text} | rest] -> [{position, text <> "\n" <> line} | rest]
      line, errors -> [error(line) | errors]
    end)
    |> Enum.reverse()
    |> headed()
  end

  # "go: errors parsing go.mod:" says nothing that the lines below it do not.
  defp headed([{nil, header}, {position, _} | _] = errors) when position != nil do
    if String.ends_with?(header, ":"), do: tl(errors), else: errors
  end

  defp headed(errors), do: errors

  defp error(line) do
    case Regex.named_captures(@position, line) do
      nil -> {nil, String.trim_leading(line)}
      found -> {{found["file"], place(found)}, found["text"]}
    end
  end

  defp place(%{"line" => line, "column" => ""}), do: String.to_integer(line)

  defp place(%{"line" => line, "column" => column}),
    do: {String.to_integer(line), String.to_integer(column)}

  defp or_none([]), do: [{nil, "go build failed without a word"}]
  defp or_none(errors), do: errors

  defp diagnostic({position, text}, worker) do
    {file, place} = position || {"go.mod", 0}

    %Diagnostic{
      compiler_name: "portworker",
      file: Path.expand(file, worker.dir),
      position: place,
      message: text,
      severity: :error
    }
  end

  @doc "A diagnostic as a line for a terminal, with the file below the current directory."
  @spec format(Diagnostic.t()) :: String.t()
  def format(%Diagnostic{position: 0} = diagnostic), do: diagnostic.message

  def format(%Diagnostic{} = diagnostic) do
    place =
      case diagnostic.position do
        {line, column} -> "#{line}:#{column}"
        line -> "#{line}"
      end

    "#{Path.relative_to_cwd(diagnostic.file)}:#{place}: #{diagnostic.message}"
  end
end
