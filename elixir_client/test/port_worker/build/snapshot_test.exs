defmodule PortWorker.Build.SnapshotTest do
  use ExUnit.Case, async: true

  alias PortWorker.Build.Snapshot

  setup do
    dir =
      Path.join(System.tmp_dir!(), "portworker-snapshot-#{System.unique_integer([:positive])}")

    File.mkdir!(dir)
    on_exit(fn -> File.rm_rf!(dir) end)
    %{dir: dir}
  end

  for {name, file, seen?} <- [
        {"source", "main.go", true},
        {"profile that the worker is compiled by", "default.pgo", true},
        {"test", "main_test.go", false},
        {"text", "README.md", false}
      ] do
    test "a #{name} #{if seen?, do: "counts", else: "does not count"}", %{dir: dir} do
      sources = %{packages: [dir], embedded: [], files: []}
      before = Snapshot.take(sources)
      path = Path.join(dir, unquote(file))
      File.write!(path, "1")
      added = Snapshot.take(sources)
      assert is_map_key(added, path) == unquote(seen?)
      File.write!(path, "2")
      assert Snapshot.take(sources) != added == unquote(seen?)
      File.rm!(path)
      assert Snapshot.take(sources) == before
    end
  end
end
