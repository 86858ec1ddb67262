defmodule PortWorker.Module.Child do
  @moduledoc false
  # The worker of a module that uses `PortWorker`, as a child of a supervisor.

  alias PortWorker.{Build, Error, Server}
  alias PortWorker.Module.Fit

  @typedoc "What the module was compiled with, and what it says of the start."
  @type compiled :: %{
          otp_app: atom(),
          worker: String.t(),
          name: PortWorker.worker(),
          functions: [map()],
          start: keyword()
        }

  @doc "The child specification of that module."
  @spec spec(module(), compiled(), keyword()) :: Supervisor.child_spec()
  def spec(module, compiled, opts) do
    %{
      PortWorker.child_spec(options(compiled, opts))
      | id: module,
        start: {module, :start_link, [opts]}
    }
  end

  @doc "Starts the worker, unless it is another one than the module was compiled with."
  @spec start_link(compiled(), keyword()) ::
          {:ok, pid()} | {:error, Error.t() | {:already_started, pid()}}
  def start_link(compiled, opts) do
    Server.start_link(options(compiled, opts), &fit(compiled, &1.functions))
  end

  # The configuration is read by those who know its options, and again at each restart: here it only takes
  # the place of what the module says.
  defp options(%{otp_app: app, name: name, worker: worker, start: start}, opts) do
    configured = Application.get_env(app, Keyword.get(opts, :name, name), [])
    keys = if Keyword.keyword?(configured), do: Keyword.keys(configured), else: []

    [command: {app, Build.executable(worker)}]
    |> Keyword.merge(start)
    |> Keyword.drop(keys)
    |> Keyword.merge(otp_app: app, name: name)
    |> Keyword.merge(opts)
  end

  defp fit(compiled, offered) do
    case Fit.differences(compiled.functions, offered) do
      [] ->
        :ok

      differences ->
        text =
          "the worker is not the one that #{inspect(compiled.name)} was compiled with: #{Enum.join(differences, "; ")}"

        {:error, Error.new(:unsupported, text, details: differences)}
    end
  end
end
