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
    per_target = options(config, :targets)[target] || []

    case options(config, :workers) do
      [] -> Enum.map(found(), &new(&1, per_target))
      workers -> for {name, own} <- workers, do: new("#{name}", Keyword.merge(per_target, own))
    end
  end

  # What is said of each worker, or of each target.
  defp options(config, key) do
    all = Keyword.get(config, key, [])
    keyword!(all, :any, "portworker, #{key}")
    for {name, options} <- all, do: keyword!(options, @options, "portworker, #{key}, #{name}")
    all
  end

  defp found,
    do:
      for(file <- Path.wildcard("native/*/go.mod"), do: file |> Path.dirname() |> Path.basename())

  defp new(name, options) do
    Enum.each(options, fn {key, value} -> valid!(name, key, value) end)
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
    if not Keyword.keyword?(options) or (keys != :any and Keyword.keys(options) -- keys != []) do
      keys = if keys == :any, do: "", else: " with the keys #{inspect(keys)}"
      Mix.raise("in mix.exs, #{where}: expected a keyword list#{keys}, got: #{inspect(options)}")
    end
  end

  defp valid!(name, key, value) do
    {valid?, expected} =
      case key do
        :env -> {strings?(value, &pair?/1), "a list of {name, value}, both strings"}
        :flags -> {strings?(value, &is_binary/1), "a list of strings"}
        _other -> {is_binary(value), "a string"}
      end

    if not valid?,
      do:
        Mix.raise(
          "in mix.exs, option #{inspect(key)} of the Go worker #{name}: expected #{expected}, got: #{inspect(value)}"
        )
  end

  defp strings?(list, one?), do: is_list(list) and Enum.all?(list, one?)

  defp pair?(pair), do: match?({name, value} when is_binary(name) and is_binary(value), pair)

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
