defmodule PortWorker.ChannelsTest do
  use ExUnit.Case, async: true

  import PortWorker.TestWorker

  alias PortWorker.{Channel, Error, TestWorker}

  setup context do
    if Map.get(context, :scripted) do
      opts = [window: :infinity] ++ PortWorker.ScriptedWorker.listen()
      worker = start_supervised!({PortWorker, opts})
      assert_received {:peer, peer, {:started, _os_pid}}
      assert_received {:peer, ^peer, {:hello, _}}
      %{worker: worker, peer: peer}
    else
      %{worker: start_supervised!({PortWorker, command: TestWorker.path(), backoff_min: 1})}
    end
  end

  defp open!(worker, name, args \\ [], opts \\ []) do
    assert {:ok, %Channel{} = channel} = PortWorker.open(worker, name, args, opts)
    channel
  end

  defp assert_ended(worker) do
    assert leftovers() == []
    retry(fn -> running(worker) == 0 end)
  end

  describe "a channel" do
    test "takes inputs and gives outputs, until its input is closed", %{worker: worker} do
      channel = open!(worker, "counter", [10])
      assert PortWorker.send(channel, {:add, %{value: 5}}) == :ok
      assert PortWorker.send(channel, :get) == :ok
      assert PortWorker.recv(channel) == {:ok, 15}
      assert PortWorker.recv(channel, 0) == nil

      assert PortWorker.close_input(channel) == :ok
      assert PortWorker.recv(channel) == {:ok, -15}
      assert PortWorker.recv(channel) == :done
      assert PortWorker.recv(channel) == :done
      assert {:error, %Error{reason: :closed}} = PortWorker.send(channel, :get)
      assert_ended(worker)
    end

    test "says which input it did not accept, and goes on", %{worker: worker} do
      channel = open!(worker, "counter", [1])
      assert PortWorker.send(channel, {:subtract, %{value: 5}}) == :ok

      assert {:fault, %Error{reason: :bad_args, function: "counter"} = error} =
               PortWorker.recv(channel)

      assert error.message =~ "input: "
      assert PortWorker.send(channel, :get) == :ok
      assert PortWorker.recv(channel) == {:ok, 1}
      assert PortWorker.close(channel) == :ok
      assert_ended(worker)
    end

    test "ends with the error of its function", %{worker: worker} do
      channel = open!(worker, "counter", [1])
      assert PortWorker.send(channel, :leave) == :ok
      assert {:error, %Error{reason: :failed, function: "counter"}} = PortWorker.recv(channel)
      assert PortWorker.recv(channel) == :done

      for {name, args, reason} <- [{"nope", [], :unknown_function}, {"counter", [:x], :bad_args}] do
        channel = open!(worker, name, args)
        assert {:error, %Error{reason: ^reason}} = PortWorker.recv(channel)
      end

      channel = open!(worker, "ignore", [], timeout: 20)
      assert {:error, %Error{reason: :timeout}} = PortWorker.recv(channel)
      assert_ended(worker)
    end

    test "makes senders wait for their turn, and loses no input", %{worker: worker} do
      channel = open!(worker, "counter", [0])

      send_all = fn ->
        for _ <- 1..1_000, do: :ok = PortWorker.send(channel, {:add, %{value: 1}})
      end

      1..8 |> Enum.map(fn _ -> Task.async(send_all) end) |> Task.await_many()
      PortWorker.close_input(channel)
      assert Enum.to_list(channel) == [-8_000]
      assert_ended(worker)
    end

    test "refuses an input that nobody takes in time", %{worker: worker} do
      channel = open!(worker, "ignore")
      for n <- 1..64, do: assert(PortWorker.send(channel, n) == :ok)

      assert {:error, %Error{reason: :timeout, function: "ignore"}} =
               PortWorker.send(channel, 65, 10)

      waiting = Task.async(fn -> PortWorker.send(channel, 65, :infinity) end)
      retry(fn -> Process.info(waiting.pid, :status) == {:status, :waiting} end)
      PortWorker.close(channel)
      assert {:error, %Error{reason: :closed}} = Task.await(waiting)
      assert_ended(worker)
    end

    test "refuses an input that the worker would not accept", %{worker: worker} do
      channel = open!(worker, "echo")
      large = :binary.copy("x", 64 * 1024 * 1024)
      assert {:error, %Error{reason: :frame_too_large}} = PortWorker.send(channel, large)
      assert PortWorker.send(channel, "small") == :ok
      assert PortWorker.recv(channel) == {:ok, "small"}
      PortWorker.close(channel)
    end
  end

  describe "the outputs of a channel" do
    test "are an enumerable, which can be left and taken up again", %{worker: worker} do
      channel = open!(worker, "emit", [1_000])
      assert Enum.take(channel, 2) == [1, 2]
      assert Enum.zip(channel, [:a, :b]) == [{3, :a}, {4, :b}]
      # Zip has taken one more than it used.
      assert Enum.sum(channel) == Enum.sum(6..1_000)
      assert Enum.to_list(channel) == []
      assert_ended(worker)
    end

    test "raise what goes wrong", %{worker: worker} do
      channel = open!(worker, "counter", [0])
      Enum.into([:get, {:add, %{value: "x"}}, :get, :leave], channel)
      test = self()
      each = fn -> Enum.each(channel, &Kernel.send(test, {:output, &1})) end
      assert %Error{reason: :bad_args} = assert_raise(Error, each)
      assert %Error{reason: :failed} = assert_raise(Error, each)
      for _ <- 1..2, do: assert_received({:output, 0})
      assert_ended(worker)
    end

    test "come as they are asked for", %{worker: worker} do
      channel = open!(worker, "emit", [10], demand: 3, min_demand: 1)
      assert_receive {_ref, {:data, 3}}
      refute_receive {_ref, {:data, 4}}, 20
      assert PortWorker.recv(channel) == {:ok, 1}
      refute_receive {_ref, {:data, 4}}, 20
      assert PortWorker.recv(channel) == {:ok, 2}
      assert_receive {_ref, {:data, 5}}
      PortWorker.close(channel)
      assert_ended(worker)
    end

    test "come as messages, without end when active", %{worker: worker} do
      %Channel{ref: ref} = open!(worker, "emit", [1_000], active: true)
      for n <- 1..1_000, do: assert_receive({^ref, {:data, ^n}})
      assert_receive {^ref, {:ok, nil}}
      assert_ended(worker)
    end

    test "come as messages, as many as were asked for", %{worker: worker} do
      %Channel{ref: ref} = channel = open!(worker, "emit", [100], active: 2)
      for n <- 1..2, do: assert_receive({^ref, {:data, ^n}})
      refute_receive {^ref, {:data, _}}, 20
      assert PortWorker.demand(channel, 98) == :ok
      for n <- 3..100, do: assert_receive({^ref, {:data, ^n}})
      assert_receive {^ref, {:ok, nil}}
      assert_ended(worker)
    end

    test "belong to the opener", %{worker: worker} do
      channel = open!(worker, "echo")
      task = Task.async(fn -> catch_error(PortWorker.recv(channel)) end)
      assert %ArgumentError{message: message} = Task.await(task)
      assert message =~ "come to the process that opened it"
      PortWorker.close(channel)
    end
  end

  describe "a channel ends when" do
    test "its opener dies", %{worker: worker} do
      {_pid, monitor} = spawn_monitor(fn -> open!(worker, "ignore") end)
      assert_receive {:DOWN, ^monitor, _, _, :normal}
      assert_ended(worker)
      assert {[], [], [], _watched} = remembered(worker)
    end

    test "another process closes it", %{worker: worker} do
      channel = open!(worker, "ignore")
      assert Task.await(Task.async(fn -> PortWorker.close(channel) end)) == :ok
      assert {:error, %Error{reason: :cancelled}} = PortWorker.recv(channel)
      assert PortWorker.close(channel) == :ok
      assert_ended(worker)
    end

    test "its worker dies", %{worker: worker} do
      channel = open!(worker, "ignore")
      PortWorker.ScriptedWorker.signal(PortWorker.status(worker).os_pid, "KILL")
      assert {:error, %Error{reason: :worker_down, function: "ignore"}} = PortWorker.recv(channel)
      assert leftovers() == []
    end

    test "there is no worker" do
      assert {:error, %Error{reason: :worker_down, function: "f"}} = PortWorker.open(:nobody, "f")
      assert leftovers() == []
    end
  end

  test "10,000 channels opened, used and closed leave nothing behind", %{worker: worker} do
    for n <- 1..10_000 do
      channel = open!(worker, "echo")
      PortWorker.send(channel, n)
      if rem(n, 2) == 0, do: assert(PortWorker.recv(channel) == {:ok, n})
      PortWorker.close(channel)
    end

    assert_ended(worker)
    assert PortWorker.status(worker).in_flight == 0
    assert remembered(worker) == {[], [], [], [self()]}
  end

  describe "what is sent" do
    @describetag :scripted
    import PortWorker.ScriptedWorker, only: [say: 2]

    test "follows the protocol", %{worker: worker, peer: peer} do
      %Channel{ref: ref} = channel = open!(worker, "f", ["a"], name: "n")
      assert_receive {:peer, ^peer, {:call, ^ref, "f", ["a"], options}}

      assert options == %{
               timeout: :infinity,
               progress: false,
               owner: self(),
               credit: 64,
               input_credit: true,
               name: "n"
             }

      PortWorker.send(channel, :input)
      assert_receive {:peer, ^peer, {:send, ^ref, :input}}
      PortWorker.close_input(channel)
      assert_receive {:peer, ^peer, {:close, ^ref}}

      say(peer, {:data, ref, Enum.to_list(1..33)})
      for n <- 1..32, do: assert(PortWorker.recv(channel) == {:ok, n})
      assert_receive {:peer, ^peer, {:credit, ^ref, 32}}
      PortWorker.close(channel)
      assert_receive {:peer, ^peer, {:cancel, ^ref}}

      say(peer, [{:data, ref, [34]}, {:result, ref, {:error, %{reason: :cancelled, message: ""}}}])

      assert PortWorker.status(worker).state == :up
      assert leftovers() == []
    end

    test "is never more than the worker takes", %{worker: worker, peer: peer} do
      %Channel{ref: ref} = channel = open!(worker, "f")
      sender = Task.async(fn -> for n <- 1..100, do: PortWorker.send(channel, n, :infinity) end)
      assert_receive {:peer, ^peer, {:send, ^ref, 64}}
      refute_receive {:peer, ^peer, {:send, ^ref, 65}}, 20
      say(peer, {:credit, ref, 2})
      assert_receive {:peer, ^peer, {:send, ^ref, 66}}
      refute_receive {:peer, ^peer, {:send, ^ref, 67}}, 20
      say(peer, {:credit, ref, 34})
      assert Enum.uniq(Task.await(sender)) == [:ok]
      assert_receive {:peer, ^peer, {:send, ^ref, 100}}
      PortWorker.close(channel)
    end
  end
end
