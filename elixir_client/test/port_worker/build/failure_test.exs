defmodule PortWorker.Build.FailureTest do
  use ExUnit.Case, async: true

  alias PortWorker.Build.{Failure, Worker}

  @dir Path.expand("native/w")

  defp diagnostics(output, version \\ fn -> flunk("nobody needs to know the version") end) do
    Failure.diagnostics(%Failure{worker: %Worker{name: "w", dir: @dir}, output: output}, version)
  end

  for {title, output, expected} <- [
        {"a syntax error",
         "# w\n./main.go:2:18: syntax error: unexpected }, expected expression\n",
         [{"main.go", {2, 18}, "syntax error: unexpected }, expected expression"}]},
        {"errors of types in several packages",
         """
         # w/sub
         sub/sub.go:2:23: cannot use "a" (untyped string constant) as int value in return statement
         sub/sub.go:3:43: too many arguments in call to f
         \thave (number, number)
         \twant ()
         # w/other
         other/x.go:1:1: undefined: y
         """,
         [
           {"sub/sub.go", {2, 23},
            "cannot use \"a\" (untyped string constant) as int value in return statement"},
           {"sub/sub.go", {3, 43},
            "too many arguments in call to f\n\thave (number, number)\n\twant ()"},
           {"other/x.go", {1, 1}, "undefined: y"}
         ]},
        {"more errors than are shown",
         "# w\n./main.go:4:45: undefined: j\n./main.go:4:45: too many errors\n",
         [{"main.go", {4, 45}, "undefined: j"}, {"main.go", {4, 45}, "too many errors"}]},
        {"a file of another module", "# lib\n../../lib/a.go:1:2: undefined: x\n",
         [{"../../lib/a.go", {1, 2}, "undefined: x"}]},
        {"a path that is absolute", "/src/lib/a.go:1:2: undefined: x\n",
         [{"/src/lib/a.go", {1, 2}, "undefined: x"}]},
        {"a module that is not required",
         "main.go:9:1: no required module provides package example.com/y; to add it:\n\tgo get example.com/y\n",
         [
           {"main.go", {9, 1},
            "no required module provides package example.com/y; to add it:\n\tgo get example.com/y"}
         ]},
        {"a mistake in go.mod, which has no column",
         "go: errors parsing go.mod:\ngo.mod:30: unknown directive: foo\n",
         [{"go.mod", 30, "unknown directive: foo"}]},
        {"an error of C", "# w\nshim.c:3:5: error: expected ';'\n",
         [{"shim.c", {3, 5}, "error: expected ';'"}]},
        {"what is in no file", "go: updates to go.mod needed; to update it:\n\tgo mod tidy\n",
         [{"go.mod", 0, "go: updates to go.mod needed; to update it:\n\tgo mod tidy"}]},
        {"what was fetched on the way",
         "go: downloading a.com/b v1.0.0\n# w\n./main.go:1:1: undefined: x\n",
         [{"main.go", {1, 1}, "undefined: x"}]},
        {"an indented line that belongs to nothing", "\tpanic: exit status 2\n",
         [{"go.mod", 0, "panic: exit status 2"}]},
        {"nothing at all", "", [{"go.mod", 0, "go build failed without a word"}]}
      ] do
    test "finds #{title}" do
      expected =
        for {file, position, message} <- unquote(Macro.escape(expected)),
            do: {Path.expand(file, @dir), position, message}

      found = diagnostics(unquote(output))
      assert Enum.map(found, &{&1.file, &1.position, &1.message}) == expected
      assert Enum.all?(found, &(&1.severity == :error and &1.compiler_name == "portworker"))
    end
  end

  for {title, output, wanted} <- [
        {"one that knows what it is missing",
         "go: go.mod requires go >= 1.26.0 (running go 1.21.3; GOTOOLCHAIN=local)\n", "1.26.0"},
        {"one that does not know such versions",
         "go: errors parsing go.mod:\ngo.mod:3: invalid go version '1.26.0': must match format 1.23\n",
         "1.26.0"},
        {"one that tries all the same",
         "# w\n./main.go:3:2: package iter is not in GOROOT\nnote: module requires Go 1.26\n",
         "1.26"}
      ] do
    test "says what to install for a Go that is too old: #{title}" do
      assert [%{position: 0, message: message}] =
               diagnostics(unquote(output), fn -> "go1.21.3" end)

      assert message ==
               "Go #{unquote(wanted)} or later is needed, and this is go1.21.3. Install it: https://go.dev/dl/"
    end
  end

  test "says what to install where there is no Go, as go.mod has it" do
    dir = Path.join(System.tmp_dir!(), "portworker-failure-323")
    File.mkdir_p!(dir)
    on_exit(fn -> File.rm_rf!(dir) end)
    worker = %Worker{name: "w", dir: dir}

    assert Failure.no_go(worker).output =~
             ~s(there is no program "go" on PATH. Install Go 1.26 or later: https://go.dev/dl/)

    File.write!(Path.join(dir, "go.mod"), "module w\n\ngo 1.30.1\n")
    assert Failure.no_go(worker).output =~ "Install Go 1.30.1 or later"
  end

  test "a line for the terminal names the file as seen from here" do
    [error, rest] = diagnostics("./main.go:2:18: undefined: x\ngo: no such thing\n")
    assert Failure.format(error) == "native/w/main.go:2:18: undefined: x"
    assert Failure.format(rest) == "go: no such thing"
    assert Failure.format(%{error | position: 3}) == "native/w/main.go:3: undefined: x"
  end
end
