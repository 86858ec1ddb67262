defmodule PortWorker.Pool.Member do
  @moduledoc false
  # One OS process of a worker, as the server sees it that keeps it alive: what it is doing, and when it is
  # started again. Each has failures and pauses of its own, and is not restarted because of another.

  alias PortWorker.{Connection, Error, Hello, Options, Restarts, Routes}
  alias PortWorker.Pool.Load

  @enforce_keys [:keys, :share]
  defstruct [
    :keys,
    :share,
    :connection,
    :hello,
    :error,
    phase: :starting,
    restarted: 0,
    restarts: %Restarts{},
    replace?: false
  ]

  @type t :: %__MODULE__{
          keys: Routes.keys(),
          share: Load.share(),
          connection: pid() | nil,
          hello: Hello.t() | nil,
          error: Error.t() | nil,
          phase: :starting | :up | :draining | :down,
          restarted: non_neg_integer(),
          restarts: Restarts.t(),
          replace?: boolean()
        }

  @doc "Starts the OS process; the calling process gets `{:up, connection, hello}` later."
  @spec start(t(), Options.start()) :: {:ok, t()} | {:error, Error.t()}
  def start(member, options) do
    case Connection.start_link(member.keys, member.share, options) do
      {:ok, connection} -> {:ok, %{member | connection: connection, phase: :starting}}
      {:error, {:shutdown, error}} -> {:error, error}
    end
  end

  @doc "It has said hello."
  @spec up(t(), Hello.t()) :: t()
  def up(member, hello) do
    restarts = Restarts.up(member.restarts, now())
    %{member | hello: hello, phase: :up, restarts: restarts, error: nil, replace?: false}
  end

  @doc """
  It has ended, or could not be started. Says after how many milliseconds to start it again, and whether it ended as it was meant to,
  or after how many failures to give up.
  """
  @spec down(t(), Error.t(), Options.start()) ::
          {:retry, non_neg_integer(), clean? :: boolean(), t()} | {:give_up, pos_integer()}
  def down(member, error, options) do
    # It has said so itself, unless it was killed.
    Routes.put(member.keys, error)
    Load.close(member.share)
    clean? = clean?(error, member.phase)

    with {:retry, delay, restarts} <- Restarts.down(member.restarts, options, clean?, now()) do
      member = %{member | connection: nil, hello: nil, phase: :down, error: error}
      {:retry, delay, clean?, %{member | restarts: restarts}}
    end
  end

  # A worker that ends by itself with status 0 was told to; one that is replaced may end as it likes.
  defp clean?(_error, :draining), do: true
  defp clean?(error, phase), do: phase == :up and match?(%{exit_status: 0}, error.details)

  @doc "What is known of it, for `PortWorker.status/1`."
  @spec status(t()) :: map()
  def status(%{hello: hello} = member) do
    %{
      state: member.phase,
      os_pid: hello && hello.os_pid,
      name: hello && hello.name,
      version: hello && hello.version,
      restarts: member.restarted,
      in_flight: Load.in_flight(member.share),
      error: member.error
    }
  end

  @doc "The same for several: what they have in common, and each under `:workers`."
  @spec status_of([t(), ...]) :: map()
  def status_of(members) do
    all = for member <- members, do: Map.put(status(member), :worker, hd(member.keys))
    hello = Enum.find_value(members, & &1.hello)

    %{
      state:
        Enum.find([:up, :starting, :draining, :down], &(&1 in Enum.map(all, fn s -> s.state end))),
      os_pid: nil,
      name: hello && hello.name,
      version: hello && hello.version,
      restarts: all |> Enum.map(& &1.restarts) |> Enum.sum(),
      in_flight: all |> Enum.map(& &1.in_flight) |> Enum.sum(),
      error: Enum.find_value(all, & &1.error),
      workers: all
    }
  end

  @doc "What logs call it."
  @spec label(t()) :: String.t()
  def label(%{keys: [key | _]}), do: inspect(key)

  defp now, do: System.monotonic_time(:millisecond)
end
