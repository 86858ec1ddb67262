defmodule PortWorker.Build.WorkerTest do
  use ExUnit.Case, async: true
  doctest PortWorker.Build.Library

  alias PortWorker.Build.{Library, Worker}

  setup do
    dir = Path.join(System.tmp_dir!(), "portworker-worker-#{System.unique_integer([:positive])}")
    File.mkdir_p!(dir)
    File.write!(Path.join(dir, "go.mod"), "module w\n")
    on_exit(fn -> File.rm_rf!(dir) end)
    %{dir: dir}
  end

  defp all(config, target \\ :host), do: Worker.all([portworker: config], target)

  test "a worker is what the configuration says", %{dir: dir} do
    assert [worker] =
             all(
               workers: [
                 w: [
                   dir: dir,
                   package: "./cmd/w",
                   goarch: "arm64",
                   ldflags: "-s -w",
                   flags: ["-race"]
                 ]
               ]
             )

    assert %Worker{name: "w", package: "./cmd/w", dir: ^dir} = %{
             worker
             | dir: Path.relative_to_cwd(worker.dir)
           }

    assert Worker.build_args(worker, "out") ==
             [
               "build",
               "-trimpath",
               "-buildvcs=false",
               "-ldflags=-s -w",
               "-race",
               "-o",
               "out",
               "./cmd/w"
             ]

    assert {"GOARCH", "arm64"} in Worker.env(worker)
  end

  test "what is said of a target counts for that one, and a worker's own word more", %{
    dir: dir
  } do
    config = [
      workers: [w: [dir: dir, goarch: "arm"]],
      targets: [rpi: [goos: "linux", goarch: "arm64"]]
    ]

    assert [%{goos: "linux", goarch: "arm"}] = all(config, :rpi)
    assert [%{goos: nil, goarch: "arm"}] = all(config, :host)
  end

  test "a worker's variables win over the defaults", %{dir: dir} do
    [worker] = all(workers: [w: [dir: dir, env: [{"CGO_ENABLED", "1"}]]])
    assert Worker.env(worker) == [{"CGO_ENABLED", "1"}]
  end

  test "without a configuration there are the modules below native, which this project has not" do
    assert Worker.all([], :host) == []
  end

  for {title, config, text} <- [
        {"an unknown key", [worker: []],
         "in mix.exs, portworker: expected a keyword list with the keys [:workers, :targets]"},
        {"an unknown option", [workers: [w: [os: "linux"]]],
         "in mix.exs, portworker, workers, w: expected a keyword list"},
        {"options that are none", [workers: [w: "native"]],
         "in mix.exs, portworker, workers, w: expected a keyword list"},
        {"workers without options", [workers: ["w"]],
         "in mix.exs, portworker, workers: expected"},
        {"flags that are one string", [workers: [w: [flags: "-race"]]],
         "in mix.exs, option :flags of the Go worker w: expected a list of strings, got: \"-race\""},
        {"variables that are none", [workers: [w: [env: ["A=1"]]]],
         "in mix.exs, option :env of the Go worker w: expected a list of {name, value}"},
        {"another platform than one", [workers: [w: [goos: :linux]]],
         "in mix.exs, option :goos of the Go worker w: expected a string, got: :linux"},
        {"a folder without a module", [workers: [w: []]],
         "the Go worker w has no go.mod in native/w"}
      ] do
    test "refuses #{title}" do
      error = assert_raise(Mix.Error, fn -> all(unquote(config)) end)
      assert String.starts_with?(error.message, unquote(text)), error.message
    end
  end

  test "the Go side of the library is beside this project" do
    library = Library.find!()
    assert {library.module, library.root} == {"portworker", Path.expand("..")}
    assert library.go =~ ~r/^1\.\d+/
    assert Enum.any?(library.requirements, &(&1 =~ ~r/^github.com\S+ v\d/))
  end
end
