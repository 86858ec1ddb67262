defmodule PortWorker.Build.Library do
  @moduledoc false
  # The Go side of this library: it lies in the folder above this Mix project, wherever the application's
  # dependency has put that.

  @enforce_keys [:root, :given, :module, :go, :requirements, :sum]
  defstruct [:root, :given, :module, :go, :requirements, :sum]

  @type t :: %__MODULE__{
          root: Path.t(),
          given: :relative | :absolute,
          module: String.t(),
          go: String.t(),
          requirements: [String.t()],
          sum: String.t()
        }

  @doc "Finds it from the dependency. Raises `Mix.Error` where that has no Go side."
  @spec find!() :: t()
  def find! do
    client = Map.get(Mix.Project.deps_paths(), :portworker, File.cwd!())
    root = Path.dirname(client)

    case File.read(Path.join(root, "go.mod")) do
      {:ok, text} ->
        %__MODULE__{
          root: root,
          given: given(),
          module: directive(text, "module"),
          go: directive(text, "go"),
          requirements: requirements(text),
          sum: File.read!(Path.join(root, "go.sum"))
        }

      {:error, _missing} ->
        Mix.raise(
          "the Go side of portworker is not in #{root}. It comes with a whole checkout: for a Git dependency write " <>
            "subdir: \"elixir_client\", not sparse: \"elixir_client\""
        )
    end
  end

  # Whoever wrote an absolute path meant a place on this machine, not one beside the application.
  defp given do
    paths =
      for dep <- Mix.Project.config()[:deps] || [],
          elem(dep, 0) == :portworker,
          do: options(dep)[:path]

    if Enum.any?(paths, &(&1 && Path.type(&1) == :absolute)), do: :absolute, else: :relative
  end

  defp options(dep) do
    last = elem(dep, tuple_size(dep) - 1)
    if Keyword.keyword?(last), do: last, else: []
  end

  defp directive(text, name) do
    [_all, value] = Regex.run(~r/^#{name}\s+(\S+)/m, text)
    value
  end

  defp requirements(text) do
    for [_all, block] <- Regex.scan(~r/^require \(\n(.*?)^\)/ms, text),
        line <- String.split(block, "\n", trim: true),
        do: line |> String.split("//") |> hd() |> String.trim()
  end

  @doc "The library as seen from a Go module in `dir`: relative, unless the dependency was not."
  @spec replacement(t(), Path.t()) :: Path.t()
  def replacement(%__MODULE__{given: :absolute, root: root}, _dir), do: root
  def replacement(%__MODULE__{root: root}, dir), do: relative(root, Path.expand(dir))

  @doc """
  A path as seen from a folder, both absolute.

      iex> PortWorker.Build.Library.relative("/src/portworker", "/src/my_app/native/my_worker")
      "../../../portworker"
  """
  @spec relative(Path.t(), Path.t()) :: Path.t()
  def relative(path, from) do
    {up, down} = strip(Path.split(from), Path.split(path))
    # Go takes a path for a folder only if it begins with a dot.
    up |> Enum.map(fn _folder -> ".." end) |> Kernel.++(down) |> dotted() |> Path.join()
  end

  defp strip([same | from], [same | path]), do: strip(from, path)
  defp strip(from, path), do: {from, path}

  defp dotted([".." | _] = parts), do: parts
  defp dotted(parts), do: ["." | parts]
end
