defmodule PortWorker.Build.Go do
  @moduledoc false
  # The go command: where it is, and what it says.

  alias PortWorker.Build.{Failure, Snapshot, Worker}

  @doc "The path of the go command, or `nil`."
  @spec find() :: Path.t() | nil
  def find, do: System.find_executable("go")

  @doc "What besides its files makes a difference to a worker's build."
  @spec circumstances(Worker.t()) :: term()
  def circumstances(worker) do
    go = find()
    variables = for {name, _} = variable <- System.get_env(), matters?(name), do: variable
    # Without Go there is no other way than to use what was built before.
    {worker, Enum.sort(variables), go && {go, File.stat!(go).mtime, File.stat!(go).size}}
  end

  @doc "Whether what was built under `before` is what would be built under `now`."
  @spec same?(term(), term()) :: boolean()
  def same?({worker, variables, _go}, {worker, variables, nil}), do: true
  def same?(before, now), do: before == now

  defp matters?(name) do
    String.starts_with?(name, ["GO", "CGO_"]) or name in ~w(CC CXX AR FC PKG_CONFIG)
  end

  @doc "Builds a worker into `output`, for another platform than its own if `env` says so."
  @spec build(Worker.t(), Path.t(), [{String.t(), String.t()}]) :: :ok | {:error, Failure.t()}
  def build(worker, output, env \\ []) do
    case run(worker, Worker.build_args(worker, output), env) do
      {:ok, _output} -> :ok
      {:error, output} -> {:error, %Failure{worker: worker, output: output}}
    end
  end

  # A directory of a package or of an embedded file, or the go.mod of a package that is not of Go itself.
  @template """
  {{if not .Standard}}{{$dir := .Dir}}package {{.Dir}}
  {{range .EmbedFiles}}embed {{$dir}}/{{.}}
  {{end}}{{with .Module}}module {{.GoMod}}
  {{end}}{{end}}\
  """

  @doc """
  The directories whose files a worker is made of, and the files that say which: those that can change, not those in Go's
  cache of modules. Where sources have errors, what can be told of them.
  """
  @spec sources(Worker.t()) :: {:ok, Snapshot.sources()} | {:error, Failure.t()}
  def sources(worker) do
    args = ["list", "-e", "-buildvcs=false", "-deps", "-f", @template, worker.package]

    case run(worker, args, []) do
      {:ok, text} -> {:ok, sort(text, variables(worker, ["GOMODCACHE", "GOWORK"]))}
      {:error, output} -> {:error, %Failure{worker: worker, output: output}}
    end
  end

  defp sort(text, %{"GOMODCACHE" => cache, "GOWORK" => work}) do
    found =
      for line <- String.split(text, "\n", trim: true),
          [kind, path] <- [String.split(line, " ", parts: 2)],
          path != "" and not String.starts_with?(path, cache <> "/"),
          uniq: true,
          do: {kind, path}

    of = fn wanted -> for {^wanted, path} <- found, do: path end

    %{
      packages: of.("package"),
      embedded: "embed" |> of.() |> Enum.map(&Path.dirname/1) |> Enum.uniq(),
      files:
        Enum.flat_map(of.("module"), &module_files/1) ++
          if(work in ["", "off"], do: [], else: [work])
    }
  end

  defp module_files(mod) do
    [mod, Path.rootname(mod) <> ".sum", Path.join(Path.dirname(mod), "vendor/modules.txt")]
  end

  @doc "Variables of `go env`."
  @spec variables(Worker.t(), [String.t()]) :: %{String.t() => String.t()}
  def variables(worker, names) do
    # What Go warns of is not among the values.
    {text, 0} = System.cmd(find(), ["env" | names], cd: worker.dir, env: Worker.env(worker))
    names |> Enum.zip(String.split(text, "\n")) |> Map.new()
  end

  @doc "What Go calls its version: go1.26.0."
  @spec version() :: String.t()
  def version do
    {text, 0} = System.cmd(find(), ["version"], env: [{"GOTOOLCHAIN", "local"}])
    text |> String.split() |> Enum.at(2)
  end

  defp run(worker, args, env) do
    options = [cd: worker.dir, env: Worker.env(worker) ++ env, stderr_to_stdout: true]
    {output, status} = System.cmd(find(), args, options)
    if status == 0, do: {:ok, output}, else: {:error, output}
  end
end
