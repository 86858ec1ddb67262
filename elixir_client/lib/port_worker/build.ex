defmodule PortWorker.Build do
  @moduledoc false
  # Builds a worker, unless what is there was made of the same files in the same circumstances.
  #
  # Several programs may do that at once for one application, an editor and a terminal say: each builds into
  # a file of its own, and puts it in place by renaming it.

  alias PortWorker.Build.{Description, Failure, Go, Snapshot, Worker}

  @enforce_keys [:worker, :circumstances, :sources, :snapshot, :output, :digest]
  defstruct [:worker, :circumstances, :sources, :snapshot, :output, :digest]

  @typedoc "What is remembered of a build."
  @type t :: %__MODULE__{
          worker: String.t(),
          circumstances: term(),
          sources: map(),
          snapshot: Snapshot.t(),
          output: Path.t(),
          digest: binary()
        }

  @doc "Where a worker's executable goes, below `priv`."
  @spec executable(String.t()) :: Path.t()
  def executable(name), do: Path.join("portworker", name)

  @doc "Whether that build is still what a new one would make."
  @spec current?(t(), Worker.t()) :: boolean()
  def current?(%__MODULE__{} = build, worker) do
    Go.same?(build.circumstances, Go.circumstances(worker)) and
      Snapshot.take(build.sources) == build.snapshot and
      Snapshot.digest(build.output) == build.digest
  end

  @doc "Builds a worker into `output` and keeps its description at `description`."
  @spec run(Worker.t(), Path.t(), Path.t()) :: {:ok, t()} | {:error, Failure.t()}
  def run(worker, output, description) do
    if Go.find(), do: build(worker, output, description), else: {:error, Failure.no_go(worker)}
  end

  defp build(worker, output, description) do
    made = description |> Path.rootname() |> temporary()
    File.mkdir_p!(Path.dirname(made))
    circumstances = Go.circumstances(worker)

    # What is saved while Go is at work is not of this build: the snapshot comes first.
    with {:ok, sources} <- Go.sources(worker),
         snapshot = Snapshot.take(sources),
         :ok <- Go.build(worker, made),
         :ok <- describe(worker, made, description) do
      install(made, output)

      {:ok,
       %__MODULE__{
         worker: worker.name,
         circumstances: circumstances,
         sources: sources,
         snapshot: snapshot,
         output: output,
         digest: Snapshot.digest(output)
       }}
    end
  after
    description |> Path.rootname() |> temporary() |> File.rm()
  end

  # A worker for another machine cannot be asked here; the same source for this one can.
  defp describe(worker, made, description) do
    env = Go.variables(worker, ~w(GOOS GOARCH GOHOSTOS GOHOSTARCH))

    if {env["GOOS"], env["GOARCH"]} == {env["GOHOSTOS"], env["GOHOSTARCH"]} do
      ask(worker, made, description)
    else
      host = [{"GOOS", env["GOHOSTOS"]}, {"GOARCH", env["GOHOSTARCH"]}]
      asked = made <> ".host"

      try do
        with :ok <- Go.build(worker, asked, host), do: ask(worker, asked, description)
      after
        File.rm(asked)
      end
    end
  end

  defp ask(worker, executable, description) do
    case Description.ask(executable) do
      {:ok, functions} ->
        Description.store(description, functions)

      {:error, what} ->
        text =
          "the worker was asked with --describe what its functions are, and it #{what}. Its main function is to end in " <>
            "portworker.Main, and to print nothing before"

        {:error, %Failure{worker: worker, output: text}}
    end
  end

  # The executable may be running: it is replaced, never written to.
  defp install(made, output) do
    if Snapshot.digest(made) != Snapshot.digest(output) do
      File.mkdir_p!(Path.dirname(output))
      beside = temporary(output)
      File.cp!(made, beside)
      File.rename!(beside, output)
    end
  end

  @doc "Writes a file so that no reader ever sees a part of it."
  @spec write!(Path.t(), iodata()) :: :ok
  def write!(path, content) do
    File.mkdir_p!(Path.dirname(path))
    File.write!(temporary(path), content)
    File.rename!(temporary(path), path)
  end

  defp temporary(path), do: "#{path}.#{System.pid()}"
end
