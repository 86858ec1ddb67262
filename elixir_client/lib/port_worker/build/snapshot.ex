defmodule PortWorker.Build.Snapshot do
  @moduledoc false
  # The files a worker was built from, by their content: times are too coarse for one who saves twice in
  # a second, and change with every checkout.

  # What Go compiles, links, or compiles by, tests apart.
  @sources ~w(.go .s .S .c .h .cc .cpp .cxx .hh .hpp .m .syso .pgo)

  @type t :: %{Path.t() => binary() | :missing}
  @type sources :: %{packages: [Path.t()], embedded: [Path.t()], files: [Path.t()]}

  @doc "What is there now of the sources that `PortWorker.Build.Go.sources/1` has named."
  @spec take(sources()) :: t()
  def take(%{packages: packages, embedded: embedded, files: files}) do
    sources = for dir <- packages, name <- list(dir), source?(name), do: Path.join(dir, name)
    # A file that comes to lie beside an embedded one may be meant too.
    beside = for dir <- embedded, name <- list(dir), do: Path.join(dir, name)
    Map.new(sources ++ beside ++ files, &{&1, digest(&1)})
  end

  defp list(dir) do
    case File.ls(dir) do
      {:ok, names} -> names
      {:error, _gone} -> []
    end
  end

  defp source?(name) do
    Path.extname(name) in @sources and not String.ends_with?(name, "_test.go")
  end

  @doc "The digest of a file's content. A directory has none, but is not missing."
  @spec digest(Path.t()) :: binary() | :missing
  def digest(path) do
    case File.read(path) do
      {:ok, content} -> :erlang.md5(content)
      {:error, :eisdir} -> ""
      {:error, _unreadable} -> :missing
    end
  end
end
