defmodule PortWorker.Pool.LoadTest do
  use ExUnit.Case, async: true

  alias PortWorker.Pool.Load

  defp opened(size) do
    load = Load.new(size)
    shares = for index <- 1..size, do: Load.share(load, index)
    Enum.each(shares, &Load.open/1)
    {load, shares}
  end

  test "counts what was written and not answered" do
    {_load, [share, other]} = opened(2)
    assert Load.in_flight(share) == 0
    Load.wrote(share, 3)
    Load.wrote(share, 2)
    Load.answered(share, 1)
    assert Load.in_flight(share) == 4
    assert Load.in_flight(other) == 0
  end

  test "has nothing in flight where nothing is open, whatever was counted before or late" do
    {_load, [share]} = opened(1)
    Load.wrote(share, 3)
    Load.close(share)
    assert Load.in_flight(share) == 0
    Load.wrote(share, 1)
    Load.answered(share, 2)
    assert Load.in_flight(share) == 0
    Load.open(share)
    assert Load.in_flight(share) == 0
  end

  test "gives each its turn" do
    {load, _shares} = opened(3)
    assert for(_ <- 1..7, do: Load.turn(load)) == [2, 3, 1, 2, 3, 1, 2]
  end

  test "finds the one with least to do" do
    {load, [one, two, three]} = opened(3)
    Load.wrote(one, 2)
    Load.wrote(two, 1)
    Load.wrote(three, 3)
    for _ <- 1..5, do: assert(Load.least(load, []) == 2)
    for _ <- 1..5, do: assert(Load.least(load, [2]) == 1)
    assert Load.least(load, [1, 2]) == 3
    assert Load.least(load, [1, 2, 3]) == nil
    Load.close(two)
    for _ <- 1..5, do: assert(Load.least(load, []) == 1)
  end

  test "gives those that are equal the same share" do
    {load, _shares} = opened(4)
    counts = Enum.frequencies(for _ <- 1..400, do: Load.least(load, []))
    assert counts == %{1 => 100, 2 => 100, 3 => 100, 4 => 100}
  end
end
