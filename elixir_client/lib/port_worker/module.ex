defmodule PortWorker.Module do
  @moduledoc """
  What `use PortWorker` makes: a module with a function for each of a worker's.

      defmodule MyApp.Images do
        use PortWorker, otp_app: :my_app, worker: "images"
      end

  The functions are made at compile time, of what the worker says of itself when the Mix compiler `:portworker` has built
  it (`mix help compile.portworker`). The module is compiled again when that changes.

  | a Go function registered as | is here |
  | --- | --- |
  | `Handle(w, "resize", ...)` | `resize(..., opts \\\\ [])`, `resize!(..., opts \\\\ [])` and `resize_async(..., opts \\\\ [])` |
  | `HandleStream(w, "file.lines", ...)` | `file_lines_stream(..., opts \\\\ [])` |
  | `HandleChannel(w, "editor", ...)` | `editor_open(..., opts \\\\ [])`, and the types `editor_input` and `editor_output` |

  They do what `PortWorker.run/4`, `PortWorker.run!/4`, `PortWorker.async/4`, `PortWorker.stream/4` and `PortWorker.open/4` do, and
  `opts` are the options of those. An argument that Go takes as a pointer, at the end, is `nil` unless it is given. Each
  has the function's `Doc` as its documentation, and a spec made of its types.

  Everything else in `PortWorker` takes the module as the worker:

      PortWorker.async_stream(MyApp.Images, paths, "resize")

  ## In the supervision tree

      children = [MyApp.Images]
      children = [{MyApp.Images, heartbeat: 1_000}]

  The options are those of `PortWorker.start_link/1`. They may also stand in the configuration of the application, under the module's
  name, or after `use PortWorker`; the first of the three that has one wins.

  ## Options of `use PortWorker`

    * `:otp_app` - the application whose `priv` folder the worker is in. Required
    * `:worker` - the worker's name, which is that of its folder below `native`. Required
    * `:name` - the name of its process, and so the worker that the functions call. Default: the module
    * `:only`, `:except` - lists of Go functions, by their names: which of them to have here
    * `:as` - other names for some of them: `%{"2d.plot" => :plot}`

  All other options are for the start.

  ## A worker that is another one

  A worker is refused, by `start_link/1` or when it is restarted, if the module was not compiled for it: the error has the
  reason `:unsupported` and lists the differences, also in its `:details`. What is compared are the functions that the module has. Each must
  be there, be of the same kind, take all that it took and give nothing that it did not give. So a newer worker may have

    * more functions
    * more arguments at the end that may be left out, more keys in maps that it takes if those may be missing, more tags that it takes
    * more keys in maps that it gives, and fewer of what it might have given: no `nil` any more, fewer tags

  and other documentation, lanes and progress.
  """

  alias PortWorker.Build.Description
  alias PortWorker.Module.{Definition, Functions}

  # These are about the code; all others are options of `PortWorker.start_link/1`.
  @own [:otp_app, :worker, :name, :only, :except, :as]

  @doc false
  @spec quoted(Macro.t(), Macro.Env.t()) :: Macro.t()
  def quoted(options, env) do
    with {:ok, own, start} <- split(options, env),
         path = Description.path(own.otp_app, own.worker),
         {:ok, described} <- described(path, own),
         {:ok, selected} <- Functions.select(described, own),
         {:ok, functions} <- Functions.all(selected, own) do
      compiled = Map.put(Map.take(own, [:otp_app, :worker, :name]), :functions, selected)

      assemble(
        path,
        compiled,
        start,
        Enum.map(functions, &Definition.quoted(&1, Macro.escape(own.name)))
      )
    else
      {:error, text} ->
        raise CompileError,
          file: env.file,
          line: env.line,
          description: "use PortWorker: " <> text
    end
  end

  defp split(options, env) do
    if Keyword.keyword?(options) do
      {own, start} = Keyword.split(options, @own)
      {own, _binding} = Code.eval_quoted(own, [], env)

      with {:ok, own} <-
             valid(
               Enum.into(own, %{
                 otp_app: nil,
                 worker: nil,
                 name: env.module,
                 only: nil,
                 except: [],
                 as: []
               })
             ),
           do: {:ok, own, start}
    else
      {:error, "expected a keyword list of options, got: #{Macro.to_string(options)}"}
    end
  end

  defp valid(own) do
    Enum.find_value(own, {:ok, own}, fn {key, value} ->
      {valid?, expected} = valid?(key, value)

      if not valid?,
        do: {:error, "option #{inspect(key)}: expected #{expected}, got: #{inspect(value)}"}
    end)
  end

  defp valid?(:otp_app, app), do: {is_atom(app) and app != nil, "the name of the application"}
  defp valid?(:worker, name), do: {is_binary(name), "the worker's name, a string"}
  defp valid?(:name, name), do: {name != nil, "a name for its process"}

  defp valid?(:only, names),
    do: {names == nil or names?(names), "a list of names of Go functions"}

  defp valid?(:except, names), do: {names?(names), "a list of names of Go functions"}

  defp valid?(:as, names) do
    pairs? = (is_map(names) or is_list(names)) and Enum.all?(names, &match?({_name, _new}, &1))

    {pairs? and Enum.all?(names, &(&1 |> Tuple.to_list() |> names?())),
     "a map from names of Go functions to others"}
  end

  defp names?(names), do: is_list(names) and Enum.all?(names, &(is_binary(&1) or is_atom(&1)))

  defp described(path, own) do
    with :error <- Description.read(path) do
      {:error,
       "the worker #{inspect(own.worker)} of #{inspect(own.otp_app)} has not been built. Its Go module is expected in " <>
         "native/#{own.worker} (mix portworker.new #{own.worker} makes one), and in mix.exs: " <>
         "compilers: [:portworker] ++ Mix.compilers()"}
    end
  end

  defp assemble(path, compiled, start, definitions) do
    {functions, types} = Enum.unzip(definitions)

    quote do
      # The functions below are those of the worker that was built last.
      @external_resource unquote(path)

      @doc "A specification to start the worker under a supervisor; the options are those of `start_link/1`."
      @spec child_spec(keyword()) :: Supervisor.child_spec()
      def child_spec(opts), do: PortWorker.Module.Child.spec(__MODULE__, __portworker__(), opts)

      @doc """
      Starts the worker, which must have the functions that this module was compiled with.

      The options are those of `PortWorker.start_link/1`. They win over the configuration of the application, and
      that over what the module says.
      """
      @spec start_link(keyword()) :: GenServer.on_start() | {:error, PortWorker.Error.t()}
      def start_link(opts \\ []), do: PortWorker.Module.Child.start_link(__portworker__(), opts)

      defoverridable child_spec: 1, start_link: 1

      @doc false
      def __portworker__, do: Map.put(unquote(Macro.escape(compiled)), :start, unquote(start))

      unquote_splicing(types |> Enum.concat() |> Enum.uniq() |> Enum.map(&type/1))
      unquote_splicing(functions)
    end
  end

  defp type({name, spec}), do: quote(do: @type(unquote({name, [], []}) :: unquote(spec)))
end
