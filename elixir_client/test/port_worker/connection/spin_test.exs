defmodule PortWorker.Connection.SpinTest do
  use ExUnit.Case, async: true

  alias PortWorker.Connection.Spin

  # Whatever the number of processors here.
  @spin %Spin{limit: System.convert_time_unit(60, :second, :native)}

  test "stays awake when eight calls before have been lone" do
    {asleep, spin} = lone(@spin, 8)
    assert asleep == List.duplicate(:asleep, 8)
    assert {:awake, spin} = Spin.begin(spin)
    assert :awake = Spin.turn(spin, self())
  end

  test "sleeps for those who call at the same time" do
    {_asleep, spin} = lone(@spin, 8)
    assert {[:asleep], spin} = spin |> Spin.crowd() |> lone(1)
    assert {[:asleep, :asleep], _spin} = spin |> Spin.crowd() |> lone(2)
  end

  test "takes what the port has said, and leaves the rest" do
    {:awake, spin} = @spin |> ready() |> Spin.begin()

    for message <- [:first, {self(), {:data, "a"}}, {self(), {:data, "b"}}],
        do: send(self(), message)

    me = self()
    assert {:said, {^me, {:data, "a"}}} = Spin.turn(spin, self())
    assert {:messages, [:first, {^me, {:data, "b"}}]} = Process.info(self(), :messages)
  end

  test "does not wait for an answer that has come" do
    {:awake, spin} = @spin |> ready() |> Spin.begin()
    assert {:asleep, _spin} = spin |> Spin.answered() |> Spin.turn(self())
  end

  test "leaves ever more calls out, up to 63 of 64, while no answer comes in time" do
    {left_out, _spin} =
      Enum.map_reduce(1..9, ready(@spin), fn _, spin ->
        spin = missed(spin)
        {calls, _awake} = until_awake(spin, 0)
        {calls, %{spin | rest: 0}}
      end)

    assert left_out == [0, 1, 3, 7, 15, 31, 63, 63, 63]
  end

  test "begins anew with an answer in time" do
    spin = Enum.reduce(1..5, ready(@spin), fn _, spin -> missed(%{spin | rest: 0}) end)
    {15, spin} = until_awake(spin, 0)
    assert {0, _spin} = spin |> Spin.answered() |> missed() |> until_awake(0)
  end

  test "0 never stays awake" do
    {asleep, _spin} = 0 |> Spin.new() |> lone(20)
    assert Enum.uniq(asleep) == [:asleep]
  end

  test "uses up reductions, so that the scheduler looks for input" do
    {:awake, spin} = @spin |> ready() |> Spin.begin()
    {:reductions, before} = Process.info(self(), :reductions)
    for _ <- 1..3, do: assert(Spin.turn(spin, self()) == :awake)
    {:reductions, later} = Process.info(self(), :reductions)
    # A turn takes what is left, if that is less.
    assert later - before > 10_000
  end

  defp ready(spin), do: %{spin | row: 0}

  defp lone(spin, calls) do
    Enum.map_reduce(1..calls, spin, fn _, spin -> Spin.begin(spin) end)
  end

  # A call whose answer does not come.
  defp missed(spin) do
    {:awake, spin} = Spin.begin(%{spin | limit: 1})
    %{turn_until_asleep(spin) | limit: @spin.limit}
  end

  defp turn_until_asleep(spin) do
    case Spin.turn(spin, self()) do
      :awake -> turn_until_asleep(spin)
      {:awake, spin} -> turn_until_asleep(spin)
      {:asleep, spin} -> spin
    end
  end

  defp until_awake(spin, calls) do
    case Spin.begin(spin) do
      {:asleep, spin} -> until_awake(spin, calls + 1)
      {:awake, spin} -> {calls, spin}
    end
  end
end
