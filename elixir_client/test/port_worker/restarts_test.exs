defmodule PortWorker.RestartsTest do
  use ExUnit.Case, async: true

  alias PortWorker.Restarts

  @options %{backoff_min: 100, backoff_max: 1_000, max_restarts: 3, max_seconds: 60}

  defp fail(restarts, now, clean? \\ false), do: Restarts.down(restarts, @options, clean?, now)

  test "pauses grow up to the longest, and half of each is random" do
    options = %{@options | max_restarts: 100}

    Enum.reduce([100, 200, 400, 800, 1_000, 1_000], %Restarts{}, fn longest, restarts ->
      delays = for _ <- 1..200, do: elem(Restarts.down(restarts, options, false, 0), 1)
      assert Enum.min(delays) >= div(longest, 2)
      assert Enum.max(delays) <= longest
      assert Enum.max(delays) - Enum.min(delays) > div(longest, 4)
      {:retry, _delay, restarts} = Restarts.down(restarts, options, false, 0)
      restarts
    end)
  end

  test "gives up after too many failures" do
    {:retry, _, restarts} = fail(%Restarts{}, 0)
    {:retry, _, restarts} = fail(restarts, 1)
    {:retry, _, restarts} = fail(restarts, 2)
    assert fail(restarts, 3) == {:give_up, 4}
  end

  test "failures of long ago do not count" do
    {:retry, _, restarts} = fail(%Restarts{}, 0)
    {:retry, _, restarts} = fail(restarts, 1)
    {:retry, _, restarts} = fail(restarts, 2)
    assert {:retry, _, _} = fail(restarts, 60_000)
  end

  test "a clean end is no failure, but its pause grows" do
    restarts =
      Enum.reduce(1..10, %Restarts{}, fn _, restarts ->
        {:retry, _, restarts} = fail(restarts, 0, true)
        restarts
      end)

    assert {:retry, delay, _} = fail(restarts, 0)
    assert delay >= 500
  end

  test "a worker that ran for long starts afresh" do
    {:retry, _, restarts} = fail(%Restarts{}, 0)
    {:retry, _, restarts} = fail(restarts, 0)
    restarts = Restarts.up(restarts, 1)
    assert {:retry, delay, %{failures: [60_001]}} = fail(restarts, 60_001)
    assert delay <= 100
  end

  test "any number of attempts has a pause" do
    assert {:retry, delay, _} = fail(%Restarts{attempt: 1_000_000}, 0)
    assert delay in 500..1_000
  end
end
