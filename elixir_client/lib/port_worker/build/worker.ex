defmodule PortWorker.Build.Worker do
  @moduledoc false
  # A Go program to build, as the project says: each module below `native`, or those that are
  # listed under `portworker: [workers: ...]` in `mix.exs`.

  @enforce_keys [:name, :dir]
  defstruct [:name, :dir, :goos, :goarch, :ldflags, package: ".", env: [], flags: []]

  @type t :: %__MODULE__{
          name: String.t(),
          dir: Path.t(),
          package: String.t(),
          goos: String.t() | nil,
          goarch: String.t() | nil,
          ldflags: String.t() | nil,
          env: [{String.t(), String.t()}],
          flags: [String.t()]
        }

  @options [:dir, :package, :goos, :goarch, :ldflags, :env, :flags]

  @doc """
  The workers of a project, given its configuration and what `MIX_TARGET` says. Raises `Mix.Error` for a configuration that
  makes no sense.
  """
  @spec all(keyword(), atom()) :: [t()]
  def all(project, target) do
    config = Keyword.get(project, :portworker, [])
    keyword!(config, [:workers, :targets], "portworker")
    per_target = config |> Keyword.get(:targets, []) |> Keyword.get(target, [])

    for {name, options} <- Keyword.get_lazy(config, :workers, &found/0) do
      name = to_string(name)
      keyword!(options, @options, "portworker, workers, #{name}")
      new(name, Keyword.merge(per_target, options))
    end
  end

  defp found do
    for file <- Path.wildcard("native/*/go.mod") do
      dir = Path.dirname(file)
      {Path.basename(dir), [dir: dir]}
    end
  end

  defp new(name, options) do
    worker = struct!(%__MODULE__{name: name, dir: Path.join("native", name)}, options)

    if not File.regular?(Path.join(worker.dir, "go.mod")) do
      Mix.raise(
        "the Go worker #{name} has no go.mod in #{worker.dir}: say with the option :dir where its Go module is, " <>
          "or make one with: mix portworker.new #{name}"
      )
    end

    %{worker | dir: Path.expand(worker.dir)}
  end

  defp keyword!(options, keys, where) do
    unknown = if Keyword.keyword?(options), do: Keyword.keys(options) -- keys, else: :none

    if unknown != [] do
      Mix.raise(
        "in mix.exs, #{where}: expected a keyword list with the keys #{inspect(keys)}, got: #{inspect(options)}"
      )
    end
  end

  @doc "The variables that Go is to have, on top of those of this program, which win where they name a target."
  @spec env(t()) :: [{String.t(), String.t()}]
  def env(worker) do
    target =
      for {name, value} <- [{"GOOS", worker.goos}, {"GOARCH", worker.goarch}],
          value,
          do: {name, value}

    # Without C a worker is one static file, which runs wherever its release does.
    defaults =
      Enum.reject([{"CGO_ENABLED", "0"} | target], fn {name, _} -> System.get_env(name) end)

    Enum.uniq_by(worker.env ++ defaults, fn {name, _} -> name end)
  end

  @doc "The arguments of `go build` that write the program to `output`."
  @spec build_args(t(), Path.t()) :: [String.t()]
  def build_args(worker, output) do
    ldflags = if worker.ldflags, do: ["-ldflags=#{worker.ldflags}"], else: []

    # The same source makes the same file, wherever and at whatever commit it is built: so that a build which
    # changes nothing leaves the file alone.
    ["build", "-trimpath", "-buildvcs=false"] ++
      ldflags ++ worker.flags ++ ["-o", output, worker.package]
  end
end
