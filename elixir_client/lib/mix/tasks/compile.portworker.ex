defmodule Mix.Tasks.Compile.Portworker do
  @shortdoc "Builds the Go workers of an application"

  @moduledoc """
  Builds the Go workers of an application into its `priv` folder, when their sources have changed.

  Put it before the others in `mix.exs`:

      def project do
        [
          compilers: [:portworker] ++ Mix.compilers(),
          ...
        ]
      end

  Every folder below `native` that has a `go.mod` is a worker: `native/my_worker` becomes `priv/portworker/my_worker`, which is
  what `use PortWorker, otp_app: :my_app, worker: "my_worker"` starts, and what a release contains. The worker is
  also asked for its functions, which that module is made of.

  A worker is built again when one of the files it is made of has changed (those of modules that
  `go.mod` replaces by a folder included), or the settings below, or Go itself. Go's errors are the errors of this
  compiler, with file, line and column, for the terminal and for editors.

  `mix clean` removes what was built; `mix compile --force` builds it again.

  ## Configuration

  All of it is optional, in `project/0` of `mix.exs`. With `:workers` those are built, and no others:

      portworker: [
        workers: [
          my_worker: [dir: "go", package: "./cmd/my_worker", ldflags: "-s -w"]
        ],
        targets: [
          rpi4: [goos: "linux", goarch: "arm64"]
        ]
      ]

    * `:dir` - the folder of the `go.mod`. Default: `native/` and the worker's name
    * `:package` - the main package in it. Default: `.`
    * `:goos`, `:goarch` - the platform to build for. Default: this one
    * `:ldflags` - flags for Go's linker
    * `:flags` - a list of further flags for `go build`
    * `:env` - environment variables for Go, as `{name, value}`

  `:targets` holds the same options for values of `MIX_TARGET`.

  ## Other platforms

  `GOOS` and `GOARCH` in the environment win over the configuration:

      GOOS=linux GOARCH=arm64 MIX_ENV=prod mix release

  Its functions are then those of the same source built for this machine, which cannot run the other one.
  `CGO_ENABLED` is 0 unless it is set, here or there: the worker is a static file then, which needs nothing of the system it
  is copied to.
  """

  use Mix.Task.Compiler

  # In an umbrella each application builds its own.
  @recursive true

  alias PortWorker.Build
  alias PortWorker.Build.{Description, Failure, Worker}

  # Of the manifest. Another one is as good as none.
  @version 1

  @impl true
  def run(args) do
    project = Mix.Project.config()
    before = read()
    workers = Worker.all(project, Mix.target())
    names = Enum.map(workers, & &1.name)
    remove(for {name, build} <- before, name not in names, do: {name, build.output})

    outcomes =
      for worker <- workers, do: outcome(worker, Map.get(before, worker.name), "--force" in args)

    builds = for {_status, %Build{} = build} <- outcomes, into: %{}, do: {build.worker, build}
    if builds != before, do: Build.write!(manifest(), :erlang.term_to_binary({@version, builds}))
    # An application without a priv folder has one now, perhaps, which is to be seen below _build.
    Mix.Project.build_structure(project)

    case Enum.flat_map(outcomes, &diagnostics/1) do
      [] -> {status(outcomes), []}
      diagnostics -> {:error, diagnostics}
    end
  end

  defp outcome(worker, before, force?) do
    if before && not force? && Build.current?(before, worker) do
      {:current, before}
    else
      Mix.shell().info("Building Go worker #{worker.name}")
      Build.run(worker, output(worker.name), description(worker.name))
    end
  end

  defp status(outcomes) do
    if Enum.all?(outcomes, &match?({:current, _build}, &1)), do: :noop, else: :ok
  end

  defp diagnostics({:error, %Failure{} = failure}) do
    diagnostics = Failure.diagnostics(failure)
    Mix.shell().error("\n== Go worker #{failure.worker.name}: it cannot be built ==")
    Enum.each(diagnostics, &Mix.shell().error(Failure.format(&1)))
    diagnostics
  end

  defp diagnostics({_current_or_ok, _build}), do: []

  @impl true
  def manifests, do: [manifest()]

  @impl true
  def clean do
    # Those of an earlier configuration, and those of this one whose last build has failed.
    now =
      for worker <- Worker.all(Mix.Project.config(), Mix.target()),
          do: {worker.name, output(worker.name)}

    remove(Enum.map(read(), fn {name, build} -> {name, build.output} end) ++ now)
    _ = File.rm(manifest())
    :ok
  end

  defp remove(outputs) do
    Enum.each(outputs, fn {name, output} -> {File.rm(output), File.rm(description(name))} end)
  end

  defp read do
    with {:ok, content} <- File.read(manifest()),
         {@version, builds} <- :erlang.binary_to_term(content) do
      builds
    else
      _none_or_another_version -> %{}
    end
  end

  defp manifest, do: Path.join(Mix.Project.manifest_path(), "compile.portworker")

  # In the source's priv, which Mix links to, rather than below _build: the link may not be there yet.
  defp output(name), do: Path.expand(Path.join("priv", Build.executable(name)))

  defp description(name), do: Description.path(Mix.Project.config()[:app], name)
end
