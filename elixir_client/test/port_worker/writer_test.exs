defmodule PortWorker.WriterTest do
  # What goes into a packet. The test stands for the port.
  use ExUnit.Case, async: true

  alias PortWorker.Pool.Load
  alias PortWorker.{Wire, Writer}

  @large :binary.copy("x", 200_000)

  defp writer(max_frame) do
    share = 1 |> Load.new() |> Load.share(1)
    Load.open(share)
    self() |> Writer.new(share, nil) |> Writer.limit(max_frame)
  end

  # A message as a caller sends it to a connection.
  defp call(id, arg) do
    {encoded, size} = Wire.short_call(id, Wire.short("f", 1), [arg])
    {:call, nil, id, {self(), make_ref()}, encoded, size}
  end

  defp packets, do: Enum.map(raw_packets(), &:erlang.binary_to_term/1)

  defp raw_packets do
    receive do
      {:packet, packet} -> [packet | raw_packets()]
    after
      0 -> []
    end
  end

  defp collected(writer, messages) do
    [first | others] = messages
    Enum.each(others, &send(self(), &1))
    {:done, %{said: []}} = Writer.collect(writer, first)
    packets()
  end

  test "an acknowledgement goes along with a call, however large" do
    for arg <- ["small", @large] do
      writer = 1_000_000 |> writer() |> Writer.say({:ack, 70_000})
      assert collected(writer, [call(1, arg)]) == [[{:ack, 70_000}, {1, "f", [arg], 1}]]
    end
  end

  test "it goes by itself where the worker would not accept both in one packet" do
    {:call, _, 1, _, _, size} = large = call(1, @large)
    writer = (size + 1) |> writer() |> Writer.say({:ack, 70_000})
    assert collected(writer, [large]) == [{:ack, 70_000}, {1, "f", [@large], 1}]
  end

  test "no packet of several messages is larger than the worker accepts" do
    for arg <- ["small", @large], count <- 2..8, spare <- 0..10 do
      said = for n <- 2..count, do: {:ack, 70_000 + n}
      {:call, _, 1, _, _, size} = call = call(1, arg)
      sizes = for message <- said, do: message |> Wire.encode() |> elem(1)
      max_frame = Enum.sum([size | sizes]) + spare
      writer = Enum.reduce(said, writer(max_frame), &Writer.say(&2, &1))
      {:done, _} = Writer.collect(writer, call)
      packets = raw_packets()
      assert Enum.max(Enum.map(packets, &byte_size/1)) <= max_frame

      assert packets |> Enum.flat_map(&List.wrap(:erlang.binary_to_term(&1))) ==
               said ++ [{1, "f", [arg], 1}]
    end
  end

  test "other calls do not wait for a large one to be read" do
    messages = [call(1, "a"), call(2, "b"), call(3, @large), call(4, "c")]

    assert collected(writer(1_000_000), messages) == [
             [{1, "f", ["a"], 1}, {2, "f", ["b"], 1}],
             {3, "f", [@large], 1},
             {4, "f", ["c"], 1}
           ]
  end

  test "what is large is referred to, in a packet of several messages too" do
    {:call, _, _, _, encoded, size} = call(1, @large)
    {ack, ack_size} = Wire.encode({:ack, 1})
    packet = Wire.packet([encoded, ack], 2, size + ack_size)
    assert packet |> List.flatten() |> Enum.any?(&:erts_debug.same(&1, @large))

    assert :erlang.binary_to_term(IO.iodata_to_binary(packet)) == [
             {:ack, 1},
             {1, "f", [@large], 1}
           ]
  end

  describe "answers that come before a packet is full" do
    defp with_in_flight(count) do
      writer = writer(1_000_000)
      Load.wrote(writer.share, count)
      writer
    end

    # Answers, and a call of somebody who got one.
    defp come do
      answers = {self(), {:data, "answers"}}
      send(self(), answers)
      send(self(), call(2, "b"))
      answers
    end

    test "are handed out first where the worker has enough to do, and the packet goes on" do
      answers = come()

      assert {{:answers, ^answers, open}, writer} =
               Writer.collect(with_in_flight(16), call(1, "a"))

      assert packets() == []
      assert {:done, _writer} = Writer.go_on(writer, open)
      assert packets() == [[{1, "f", ["a"], 1}, {2, "f", ["b"], 1}]]
    end

    test "end it when it has waited for others, and the next waits again" do
      come()
      assert {{:answers, _first, open}, writer} = Writer.collect(with_in_flight(16), call(1, "a"))
      answers = come()
      assert {{:handle, ^answers}, writer} = Writer.go_on(writer, open)
      assert packets() == [[{1, "f", ["a"], 1}, {2, "f", ["b"], 1}]]
      send(self(), answers)
      assert {{:answers, ^answers, _open}, _writer} = Writer.collect(writer, call(3, "c"))
    end

    test "end it where the worker waits for it" do
      answers = come()
      assert {{:handle, ^answers}, _writer} = Writer.collect(with_in_flight(15), call(1, "a"))
      assert packets() == [{1, "f", ["a"], 1}]
    end
  end
end
