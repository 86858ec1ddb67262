defmodule Mix.Tasks.Portworker.New do
  @shortdoc "Makes a Go worker in this application"

  @moduledoc """
  Makes a Go worker in this application, with a function of each kind to begin with.

      mix portworker.new my_worker

  writes

    * `native/my_worker/` - a Go module: `go.mod`, `go.sum`, `main.go` and its test
    * `lib/my_app/my_worker.ex` - the module that calls it, `MyApp.MyWorker`
    * `test/my_app/my_worker_test.exs` - its test
    * `priv/portworker/.gitignore` - the executable goes there, and is none of Git's business

  and says which lines to add to `mix.exs` and to the supervision tree. Files that are there are not overwritten without a
  question.

  ## Options

    * `--path` - the folder of the Go module. Default: `native/` and the name
    * `--module` - the Elixir module. Default: that of the application, and the name
    * `--go-module` - the path of the Go module. Default: the name
    * `--force` - overwrite files without a question

  ## Where the Go library comes from

  The Go side of the library lies beside the Elixir side, in the same checkout. So `go.mod` gets a `replace` that leads to the
  dependency of this application:

      {:portworker, path: "../portworker/elixir_client"}
      {:portworker, git: "https://...", subdir: "elixir_client"}

  It must be `:subdir`: with `sparse: "elixir_client"` the Go side is not checked out.
  """

  use Mix.Task

  import Mix.Generator

  alias PortWorker.Build.Library

  @switches [path: :string, module: :string, go_module: :string, force: :boolean]

  @templates Path.join(__DIR__, "portworker.new")

  embed_template(:main, from_file: Path.join(@templates, "main.go.eex"))
  embed_template(:main_test, from_file: Path.join(@templates, "main_test.go.eex"))
  embed_template(:go_mod, from_file: Path.join(@templates, "go.mod.eex"))
  embed_template(:module, from_file: Path.join(@templates, "module.ex.eex"))
  embed_template(:module_test, from_file: Path.join(@templates, "module_test.exs.eex"))

  @impl true
  def run(args) do
    Mix.Project.get!()

    if Mix.Project.umbrella?(),
      do: Mix.raise("this is an umbrella: go to the application in apps/ that the worker is for")

    {options, name} = parse!(args)
    assigns = assigns(name, options)
    write(assigns, Keyword.take(options, [:force]))
    Mix.shell().info(next(assigns))
  end

  defp parse!(args) do
    case OptionParser.parse(args, strict: @switches) do
      {options, [name], []} ->
        {options, name}

      {_options, _names, [{switch, _value} | _]} ->
        Mix.raise("unknown option #{switch}. #{usage()}")

      {_options, _names, []} ->
        Mix.raise("expected one name. #{usage()}")
    end
  end

  defp usage do
    "Usage: mix portworker.new NAME [--path DIR] [--module MODULE] [--go-module MODULE] [--force]"
  end

  defp assigns(name, options) do
    app = Mix.Project.config()[:app]

    matches!(
      name,
      ~r/^[a-z][a-z0-9_]*$/,
      "the name",
      "small letters, digits and underscores: my_worker"
    )

    module = Keyword.get(options, :module, "#{Macro.camelize("#{app}")}.#{Macro.camelize(name)}")
    matches!(module, ~r/^[A-Z]\w*(\.[A-Z]\w*)*$/, "--module", "an Elixir module: MyApp.MyWorker")

    library = Library.find!()
    go_module = Keyword.get(options, :go_module, name)

    matches!(
      go_module,
      ~r{^\w[\w.~-]*(/\w[\w.~-]*)*$},
      "--go-module",
      "a Go module path: example.com/me/my_worker"
    )

    if go_module == library.module or String.starts_with?(go_module, library.module <> "/") do
      Mix.raise("--go-module: #{go_module} is the library's own: expected another one")
    end

    dir = Keyword.get(options, :path, Path.join("native", name))

    [
      app: app,
      name: name,
      dir: dir,
      module: module,
      alias: module |> String.split(".") |> List.last(),
      go_module: go_module,
      library: library.module,
      package: Path.basename(library.module),
      go: library.go,
      requirements: library.requirements,
      replacement: Library.replacement(library, dir),
      go_sum: library.sum
    ]
  end

  defp matches!(value, pattern, what, expected) do
    if not (value =~ pattern),
      do: Mix.raise("#{what}: expected #{expected}, got: #{inspect(value)}")
  end

  defp write(assigns, options) do
    dir = assigns[:dir]
    source = Macro.underscore(assigns[:module])

    files = [
      {Path.join(dir, "go.mod"), go_mod_template(assigns)},
      {Path.join(dir, "go.sum"), assigns[:go_sum]},
      {Path.join(dir, "main.go"), main_template(assigns)},
      {Path.join(dir, "main_test.go"), main_test_template(assigns)},
      {"lib/#{source}.ex", module_template(assigns)},
      {"test/#{source}_test.exs", module_test_template(assigns)},
      {"priv/portworker/.gitignore", "*\n!.gitignore\n"}
    ]

    Enum.each(files, fn {path, content} -> create_file(path, content, options) end)
  end

  defp next(assigns) do
    """

    Two lines are left to write. In mix.exs, among those of project:

        compilers: [:portworker] ++ Mix.compilers(),
    #{elsewhere(assigns)}
    and in the supervision tree, #{application()}:

        children = [
          #{assigns[:module]}
        ]

    Then:

        $ mix test
        $ iex -S mix
        iex> #{assigns[:module]}.upcase("hello")
        {:ok, "HELLO"}
    """
  end

  defp elsewhere(assigns) do
    if Path.expand(assigns[:dir]) == Path.expand(Path.join("native", assigns[:name])),
      do: "",
      else: "    portworker: [workers: [#{assigns[:name]}: [dir: #{inspect(assigns[:dir])}]]],\n"
  end

  defp application do
    "lib/#{Mix.Project.config()[:app]}/application.ex"
  end
end
