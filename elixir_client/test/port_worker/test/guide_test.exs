# What docs/testing.md shows; a test in Go compares the two.
defmodule MyApp.Greeter do
  @moduledoc false

  def greet(name) do
    case PortWorker.run(MyApp.Words, "upcase", ["hello " <> name], timeout: 1_000) do
      {:ok, text} -> text
      {:error, %PortWorker.Error{reason: :timeout}} -> "(hello)"
    end
  end

  def longest(path) do
    MyApp.Words |> PortWorker.stream("file.lines", [path]) |> Enum.max_by(&String.length/1)
  end
end

defmodule MyApp.GreeterTest do
  use ExUnit.Case, async: true

  import PortWorker.Test

  setup :verify_on_exit!

  test "greets loudly" do
    stub(MyApp.Words, "upcase", fn text -> {:ok, String.upcase(text)} end)
    assert MyApp.Greeter.greet("Ann") == "HELLO ANN"
  end

  test "greets quietly when the worker is late" do
    expect(MyApp.Words, "upcase", fn _text -> {:error, :timeout} end)
    assert MyApp.Greeter.greet("Ann") == "(hello)"
  end

  test "finds the longest line" do
    stub(MyApp.Words, "file.lines", fn "a.txt" -> ["one", "three", "two"] end)
    assert MyApp.Greeter.longest("a.txt") == "three"
  end

  test "a conversation" do
    stub(MyApp.Words, "counter", fn start ->
      Stream.transform(inputs(), start, fn {:add, n}, sum -> {[sum + n], sum + n} end)
    end)

    {:ok, channel} = PortWorker.open(MyApp.Words, "counter", [10])
    :ok = PortWorker.send(channel, {:add, 5})
    assert PortWorker.recv(channel) == {:ok, 15}
  end

  test "in a process that was there before" do
    server = Process.whereis(MyApp.Cache)
    stub(MyApp.Words, "upcase", &{:ok, String.upcase(&1)})
    allow(MyApp.Words, self(), server)
    assert Agent.get(server, fn _state -> MyApp.Greeter.greet("Ann") end) == "HELLO ANN"
  end

  # What the application's supervision tree would have.
  setup_all do
    start_supervised!({PortWorker, name: MyApp.Words, command: :stub})
    {:ok, cache} = Agent.start(fn -> nil end, name: MyApp.Cache)
    on_exit(fn -> Agent.stop(cache) end)
  end
end
