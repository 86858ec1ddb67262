defmodule PortWorker.Restarts do
  @moduledoc false
  # When to start a worker again, and when to give up. Pure: the clock is the caller's.
  # All times are milliseconds of one monotonic clock.

  defstruct failures: [], attempt: 0, up_at: nil

  @type t :: %__MODULE__{
          failures: [integer()],
          attempt: non_neg_integer(),
          up_at: integer() | nil
        }

  @doc "The worker said hello."
  @spec up(t(), integer()) :: t()
  def up(restarts, now), do: %{restarts | up_at: now}

  @doc """
  The worker ended, or did not start. Says after how many milliseconds to try again, or after how many
  failures to give up.

  A `clean?` end is no failure: a platform stops the worker first, say. Its pause grows all the same, so
  that a worker that keeps ending does not keep the machine busy.
  """
  @spec down(t(), map(), boolean(), integer()) ::
          {:retry, pos_integer() | 0, t()} | {:give_up, pos_integer()}
  def down(restarts, options, clean?, now) do
    window = options.max_seconds * 1_000
    restarts = forgive(restarts, window, now)
    failures = Enum.filter(restarts.failures, &(&1 > now - window))
    failures = if clean?, do: failures, else: [now | failures]

    if length(failures) > options.max_restarts do
      {:give_up, length(failures)}
    else
      delay = delay(restarts.attempt, options)
      {:retry, delay, %{restarts | failures: failures, attempt: restarts.attempt + 1, up_at: nil}}
    end
  end

  # A worker that ran for long enough starts afresh.
  defp forgive(%{up_at: up_at}, window, now) when up_at != nil and now - up_at >= window do
    %__MODULE__{}
  end

  defp forgive(restarts, _window, _now), do: restarts

  # Half of the pause is random, so that many workers that fell together do not get up
  # together. The exponent is bounded because the power is computed before the minimum.
  defp delay(attempt, options) do
    longest = min(options.backoff_min * Integer.pow(2, min(attempt, 32)), options.backoff_max)
    longest - :rand.uniform(div(longest, 2) + 1) + 1
  end
end
