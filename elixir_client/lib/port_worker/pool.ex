defmodule PortWorker.Pool do
  @moduledoc false
  # Which OS process of a worker a call goes to. Each call is routed by itself, in the process that makes
  # it; nothing is checked out, since an OS process takes any number of calls.
  #
  # A process that is down has an error in the place of its route. Calls then go to the others; only when
  # there is none left do they get an error.

  alias PortWorker.{Call, Error, Routes}
  alias PortWorker.Pool.Load

  @enforce_keys [:worker, :load, :route]
  defstruct [:worker, :load, :route]

  @type t :: %__MODULE__{
          worker: atom() | pid(),
          load: Load.t(),
          route: :least_busy | :round_robin
        }

  # Of `:erlang.phash2/2`: as many scores as it can give.
  @scores Bitwise.bsl(1, 32)

  @doc "The route of the process that this call goes to."
  @spec route(t(), Call.t() | nil, Routes.lookup()) ::
          {:ok, Routes.Route.t()} | {:error, Error.t()}
  def route(pool, %Call{options: %{key: key}}, lookup) when key != nil do
    hash = :erlang.phash2(key, @scores)
    first_up(pool, lookup, [], &highest(hash, pool.load.size, &1))
  end

  def route(%{load: load, route: :round_robin} = pool, _call, lookup) do
    first_up(pool, lookup, [], fn
      [] -> Load.turn(load)
      # The neighbour of one that is down would get twice its share.
      tried -> Load.least(load, tried)
    end)
  end

  def route(%{load: load} = pool, _call, lookup) do
    first_up(pool, lookup, [], &Load.least(load, &1))
  end

  defp first_up(pool, lookup, tried, pick) do
    index = pick.(tried)

    case lookup.({pool.worker, index}) do
      {:error, _error} when length(tried) + 1 < pool.load.size ->
        first_up(pool, lookup, [index | tried], pick)

      route_or_error ->
        route_or_error
    end
  end

  # Rendezvous hashing: every process has a score for the key. Those of the others stay the same when one is
  # down, or when there is one more, so that no other key moves.
  defp highest(hash, size, tried) do
    Enum.max_by(Enum.to_list(1..size) -- tried, &:erlang.phash2({hash, &1}, @scores))
  end
end
