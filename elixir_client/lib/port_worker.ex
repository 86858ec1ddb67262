defmodule PortWorker do
  @moduledoc """
  Runs Go functions in an OS process of their own, supervised by the BEAM.
  """

  alias PortWorker.{Call, Connection, Error, Options, Ref, Server, Tasks}

  @typedoc "A running worker: its name, or the pid that `start_link/1` returned."
  @type worker :: atom() | pid() | {:global, term()} | {:via, module(), term()}

  @type result :: {:ok, term()} | {:error, Error.t()}

  @type receipt ::
          :stopped
          | {:still_running, stack :: String.t()}
          | {:finished, result()}
          | :not_found
          | {:error, Error.t()}

  @spec child_spec(keyword()) :: Supervisor.child_spec()
  def child_spec(opts) do
    %{
      id: Keyword.get(opts, :name, __MODULE__),
      start: {__MODULE__, :start_link, [opts]},
      shutdown: Connection.longest_stop(5_000) + 1_000
    }
  end

  @spec start_link(keyword()) :: {:ok, pid()} | {:error, Error.t() | {:already_started, pid()}}
  def start_link(opts), do: Server.start_link(opts)

  @spec run(worker(), atom() | String.t(), list(), keyword()) :: result()
  def run(worker, function, args \\ [], opts \\ []) do
    Tasks.run(worker, Call.new!(function, args, opts))
  end

  @spec start_task(worker(), atom() | String.t(), list(), keyword()) :: Ref.t()
  def start_task(worker, function, args \\ [], opts \\ []) do
    Tasks.start(worker, Call.new!(function, args, opts))
  end

  _ = Options
end
