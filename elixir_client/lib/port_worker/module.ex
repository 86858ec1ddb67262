defmodule PortWorker.Module do
  @moduledoc false
  # `use PortWorker`: a module with a function for each of a worker's, and the worker as a child of a supervisor.

  alias PortWorker.Build
  alias PortWorker.Build.Description
  alias PortWorker.{Error, Server}
  alias PortWorker.Module.{Definition, Fit, Functions}

  # These are about the code; all others are options of `PortWorker.start_link/1`.
  @own [:otp_app, :worker, :name, :only, :except, :as]

  @doc "The code that `use PortWorker` stands for."
  @spec quoted(Macro.t(), Macro.Env.t()) :: Macro.t()
  def quoted(options, env) do
    if not Keyword.keyword?(options),
      do: refuse(env, "expected a keyword list of options", options)

    {own, start} = Keyword.split(options, @own)
    {own, _binding} = Code.eval_quoted(own, [], env)

    path =
      Description.path(
        option!(own, :otp_app, &is_atom/1, "the name of the application", env),
        worker!(own, env)
      )

    name = Keyword.get(own, :name, env.module)

    with {:ok, described} <- described(path, own),
         {:ok, selected} <- Functions.select(described, own),
         {:ok, functions} <- Functions.all(selected, own) do
      {definitions, types} =
        functions |> Enum.map(&Definition.quoted(&1, Macro.escape(name))) |> Enum.unzip()

      assemble(
        path,
        %{otp_app: own[:otp_app], worker: own[:worker], name: name, functions: selected},
        start,
        [
          types |> Enum.concat() |> Enum.uniq() |> Enum.map(&type/1),
          definitions
        ]
      )
    else
      {:error, text} -> refuse(env, text)
    end
  end

  defp type({name, spec}), do: quote(do: @type(unquote({name, [], []}) :: unquote(spec)))

  defp assemble(path, compiled, start, definitions) do
    quote do
      # The functions below are those of the worker that was built last.
      @external_resource unquote(path)

      @doc "A specification to start the worker under a supervisor; the options are those of `start_link/1`."
      @spec child_spec(keyword()) :: Supervisor.child_spec()
      def child_spec(opts), do: PortWorker.Module.child_spec(__MODULE__, __portworker__(), opts)

      @doc """
      Starts the worker, which must have the functions that this module was compiled with.

      The options are those of `PortWorker.start_link/1`. They win over the configuration of the application, and
      that over what the module says.
      """
      @spec start_link(keyword()) :: GenServer.on_start() | {:error, PortWorker.Error.t()}
      def start_link(opts \\ []), do: PortWorker.Module.start_link(__portworker__(), opts)

      defoverridable child_spec: 1, start_link: 1

      @doc false
      def __portworker__, do: Map.put(unquote(Macro.escape(compiled)), :start, unquote(start))

      unquote_splicing(List.flatten(definitions))
    end
  end

  defp worker!(own, env),
    do: option!(own, :worker, &is_binary/1, "the worker's name, a string", env)

  defp option!(own, key, valid?, expected, env) do
    value = own[key]

    if value == nil or not valid?.(value),
      do: refuse(env, "option #{inspect(key)}: expected #{expected}", value)

    value
  end

  defp described(path, own) do
    with :error <- Description.read(path) do
      {:error,
       "the worker #{inspect(own[:worker])} of #{inspect(own[:otp_app])} has not been built. Its Go module is expected in " <>
         "native/#{own[:worker]} (mix portworker.new #{own[:worker]} makes one), and in mix.exs: " <>
         "compilers: [:portworker] ++ Mix.compilers()"}
    end
  end

  @spec refuse(Macro.Env.t(), String.t(), term()) :: no_return()
  defp refuse(env, text, value), do: refuse(env, "#{text}, got: #{inspect(value)}")

  @spec refuse(Macro.Env.t(), String.t()) :: no_return()
  defp refuse(env, text) do
    raise CompileError, file: env.file, line: env.line, description: "use PortWorker: " <> text
  end

  @doc "The child specification of a module that uses `PortWorker`."
  @spec child_spec(module(), map(), keyword()) :: Supervisor.child_spec()
  def child_spec(module, compiled, opts) do
    %{
      PortWorker.child_spec(options(compiled, opts))
      | id: module,
        start: {module, :start_link, [opts]}
    }
  end

  @doc "Starts the worker of such a module, unless it is another one than the module was compiled with."
  @spec start_link(map(), keyword()) ::
          {:ok, pid()} | {:error, Error.t() | {:already_started, pid()}}
  def start_link(compiled, opts) do
    Server.start_link(options(compiled, opts), &fit(compiled, &1.functions))
  end

  # The configuration is read again at each restart, by those who know its options: here it only takes
  # the place of what the module says.
  defp options(%{otp_app: app, name: name, worker: worker, start: start}, opts) do
    defaults = [command: {app, Build.executable(worker)}] ++ start
    configured = Application.get_env(app, Keyword.get(opts, :name, name), [])

    defaults
    |> Keyword.drop(if(Keyword.keyword?(configured), do: Keyword.keys(configured), else: []))
    |> Keyword.merge(otp_app: app, name: name)
    |> Keyword.merge(opts)
  end

  defp fit(compiled, offered) do
    case Fit.differences(compiled.functions, offered) do
      [] ->
        :ok

      differences ->
        text =
          "the worker is not the one that #{inspect(compiled.name)} was compiled with: " <>
            Enum.join(differences, "; ")

        {:error, Error.new(:unsupported, text, details: differences)}
    end
  end
end
