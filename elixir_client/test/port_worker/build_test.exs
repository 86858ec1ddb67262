defmodule PortWorker.BuildTest do
  # It changes the environment of this program.
  use ExUnit.Case, async: false

  alias PortWorker.Build
  alias PortWorker.Build.{Description, Failure, Worker}

  # A worker without the library, which is all that matters here: --describe is answered from a file
  # beside the source.
  @main """
  package main

  import (
  \t_ "embed"
  \t"fmt"

  \t"w/sub"
  )

  //go:embed data/description.etf
  var description string

  func main() { fmt.Print(description, sub.Nothing) }
  """

  # Not below this project, whose own Go tools look at all that is there.
  setup do
    dir = Path.join(System.tmp_dir!(), "portworker-build-307")
    on_exit(fn -> File.rm_rf!(dir) end)
    write(dir, "go.mod", "module w\n\ngo 1.26\n")
    write(dir, "main.go", @main)
    write(dir, "sub/sub.go", "package sub\n\nconst Nothing = \"\"\n")
    write(dir, "data/description.etf", :erlang.term_to_binary(%{protocol: 1, functions: []}))

    %{
      dir: dir,
      worker: %Worker{name: "w", dir: dir},
      output: Path.join(dir, "priv/w"),
      description: Path.join(dir, "mix/w.etf")
    }
  end

  defp write(dir, file, content) do
    path = Path.join(dir, file)
    File.mkdir_p!(Path.dirname(path))
    File.write!(path, content)
  end

  defp build(c), do: Build.run(c.worker, c.output, c.description)

  defp build!(c) do
    {:ok, build} = build(c)
    build
  end

  defp with_env(variables) do
    for {name, value} <- variables do
      before = System.get_env(name)
      System.put_env(name, value)

      on_exit(fn -> if before, do: System.put_env(name, before), else: System.delete_env(name) end)
    end
  end

  test "makes an executable and its description, and leaves nothing else", c do
    build = build!(c)
    assert Build.current?(build, c.worker)
    assert {_output, 0} = System.cmd(c.output, [])
    assert Description.read(c.description) == {:ok, []}

    assert {File.ls!(Path.dirname(c.output)), File.ls!(Path.dirname(c.description))} ==
             {["w"], ["w.etf"]}
  end

  for {title, file, content, current?} <- [
        {"a source", "main.go", @main <> "// More.\n", false},
        {"a source of another package", "sub/sub.go",
         "package sub\n\nconst Nothing = \"\" // more\n", false},
        {"a new source", "more.go", "package main\n", false},
        {"what is embedded", "data/description.etf", "?", false},
        {"what lies beside that", "data/more.txt", "?", false},
        {"its module", "go.mod", "module w\n\ngo 1.26.0\n", false},
        {"its sums", "go.sum", "\n", false},
        {"the executable", "priv/w", "?", false},
        {"a test", "main_test.go", "package main\n", true},
        {"another file", "README.md", "?", true},
        {"a source with the same content", "main.go", @main, true}
      ] do
    test "a change of #{title} #{if current?, do: "means nothing", else: "is seen"}", c do
      build = build!(c)
      write(c.dir, unquote(file), unquote(content))
      assert Build.current?(build, c.worker) == unquote(current?)
    end
  end

  test "a change of the library that it is made with is seen", c do
    write(c.dir, "lib/go.mod", "module lib\n\ngo 1.26\n")
    write(c.dir, "lib/lib.go", "package lib\n")
    write(c.dir, "go.mod", "module w\n\ngo 1.26\n\nrequire lib v0.0.0\n\nreplace lib => ./lib\n")
    write(c.dir, "more.go", "package main\n\nimport _ \"lib\"\n")
    build = build!(c)
    write(c.dir, "lib/lib.go", "package lib // more\n")
    refute Build.current?(build, c.worker)
  end

  test "other flags and another platform make another build", c do
    build = build!(c)
    refute Build.current?(build, %{c.worker | ldflags: "-s"})
    with_env(%{"GOARCH" => "arm64"})
    refute Build.current?(build, c.worker)
  end

  test "a build that changes nothing leaves the executable alone", c do
    build!(c)
    File.touch!(c.output, 1_000_000_000)
    write(c.dir, "main_test.go", "package main\n")
    build!(c)
    assert File.stat!(c.output, time: :posix).mtime == 1_000_000_000
  end

  test "the executable may be running while it is replaced", c do
    build!(c)
    File.write!(c.output, "an older one")
    old = File.open!(c.output)
    build!(c)
    assert IO.binread(old, :eof) == "an older one"
    assert {_output, 0} = System.cmd(c.output, [])
  end

  test "for another platform, the functions are those of this one", c do
    with_env(%{"GOOS" => "linux", "GOARCH" => if(arm?(), do: "amd64", else: "arm64")})
    build = build!(c)
    assert Description.read(c.description) == {:ok, []}
    assert Build.current?(build, c.worker)
    assert File.ls!(Path.dirname(c.description)) == ["w.etf"]
  end

  defp arm?,
    do: :system_architecture |> :erlang.system_info() |> to_string() =~ ~r/^(aarch64|arm)/

  test "Go's errors are in the failure, and the executable is the one from before", c do
    build!(c)
    write(c.dir, "main.go", "package main\n\nfunc main() { x }\n")
    assert {:error, %Failure{} = failure} = build(c)

    assert [%{position: {3, 15}, message: "undefined: x", file: file}] =
             Failure.diagnostics(failure)

    assert file == Path.join(c.dir, "main.go")
    assert {_output, 0} = System.cmd(c.output, [])
  end

  for {title, main, text} <- [
        {"ends badly", "os.Exit(3)", "and it ended with status 3"},
        {"prints something", "fmt.Print(`hello`)", ~s(and it wrote "hello")},
        {"speaks a later version",
         "fmt.Print(\"\\x83t\\x00\\x00\\x00\\x01w\\x08protocola\\x02\")",
         "and it speaks version 2 of the protocol, expected 1"}
      ] do
    test "refuses a program that #{title} when it is asked for its functions", c do
      main =
        "package main\n\nimport (\"fmt\"; \"os\")\n\nvar _ = fmt.Print\nvar _ = os.Exit\n\nfunc main() { #{unquote(main)} }\n"

      write(c.dir, "main.go", main)
      assert {:error, %Failure{output: output}} = build(c)
      assert output =~ unquote(text)
      refute File.exists?(c.output)
    end
  end

  test "without Go, what was built is good for as long as nothing has changed", c do
    build = build!(c)
    with_env(%{"PATH" => c.dir})
    assert Build.current?(build, c.worker)
    write(c.dir, "more.go", "package main\n")
    refute Build.current?(build, c.worker)
    assert {:error, failure} = build(c)

    assert [%{message: "there is no program \"go\" on PATH. Install Go 1.26 or later" <> _}] =
             Failure.diagnostics(failure)
  end

  test "an old Go is told by what it says", c do
    write(c.dir, "bin/go", """
    #!/bin/sh
    if [ "$1" = version ]; then echo go version go1.20.1 linux/amd64; exit; fi
    echo "go: errors parsing go.mod:"; echo "go.mod:3: invalid go version '1.26'"; exit 1
    """)

    File.chmod!(Path.join(c.dir, "bin/go"), 0o755)
    with_env(%{"PATH" => Path.join(c.dir, "bin") <> ":" <> System.get_env("PATH")})
    assert {:error, failure} = build(c)
    assert [%{message: message}] = Failure.diagnostics(failure)

    assert message ==
             "Go 1.26 or later is needed, and this is go1.20.1. Install it: https://go.dev/dl/"
  end
end
