defmodule PortWorker.ContextTest do
  # What travels with a call, from process to worker to process and on.
  use ExUnit.Case, async: true

  alias PortWorker.{Error, TestWorker}

  @traceparent "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

  setup do
    name = :"context#{System.unique_integer([:positive])}"

    callbacks = %{
      "context" => fn -> {PortWorker.meta(), Map.new(Logger.metadata())} end,
      "nested" => fn function, opts -> PortWorker.run(name, function, [], opts) end,
      "async" => fn function -> Task.await(PortWorker.async(name, function)) end,
      "again" => fn -> PortWorker.run(name, "relay", ["nested", ["meta", []]]) end
    }

    opts = [name: name, command: TestWorker.path(), callbacks: callbacks]
    start_supervised!({PortWorker, [metadata: [:request_id, :tries]] ++ opts})
    %{worker: name}
  end

  test "one trace id goes from caller to task, child, call back and nested call", %{
    worker: worker
  } do
    meta = %{"traceparent" => @traceparent, "tracestate" => "vendor=x"}
    opts = [meta: meta]
    assert PortWorker.run(worker, "meta", [], opts) == {:ok, meta}
    assert {:ok, {^meta, _}} = PortWorker.run(worker, "relay", ["context", []], opts)
    assert PortWorker.run(worker, "relay", ["nested", ["meta", []]], opts) == {:ok, {:ok, meta}}
    assert PortWorker.run(worker, "relay", ["async", ["meta"]], opts) == {:ok, {:ok, meta}}
    assert PortWorker.run(worker, "relay", ["again", []], opts) == {:ok, {:ok, {:ok, meta}}}
    assert PortWorker.group(worker, [{"meta", []}], opts) == {:ok, [ok: meta]}
  end

  test "a nested call may say otherwise", %{worker: worker} do
    own = %{"b" => "2", "c" => "3"}
    args = ["nested", ["meta", [meta: own]]]
    opts = [meta: %{"a" => "1", "b" => "1"}]
    assert PortWorker.run(worker, "ask", args, opts) == {:ok, {:ok, Map.put(own, "a", "1")}}
  end

  test "listed Logger metadata goes along, as text, and comes back as Logger metadata", %{
    worker: worker
  } do
    Logger.metadata(request_id: "r1", tries: 2, user: "not listed")
    assert PortWorker.run(worker, "meta") == {:ok, %{"request_id" => "r1", "tries" => "2"}}
    assert {:ok, {meta, logged}} = PortWorker.run(worker, "ask", ["context", []])
    assert meta == %{"request_id" => "r1", "tries" => "2"}
    assert %{request_id: "r1", tries: "2", user: "not listed"} = logged
    assert Task.await(PortWorker.async(worker, "meta")) == {:ok, meta}

    assert {:ok, {_meta, %{request_id: "r2"}}} =
             PortWorker.run(worker, "ask", ["context", []], meta: %{"request_id" => "r2"})
  end

  test "what is no text stays at home", %{worker: worker} do
    Logger.metadata(request_id: self(), tries: <<255>>)
    assert PortWorker.run(worker, "meta") == {:ok, %{}}
    assert PortWorker.meta() == %{}
  end

  test "a nested call has what is left of the time", %{worker: worker} do
    ask = fn opts ->
      PortWorker.run(worker, "ask", ["nested", ["time_left", opts]], timeout: 2_000)
    end

    assert {:ok, {:ok, left}} = ask.([])
    assert left in 0..2_000
    assert {:ok, {:ok, left}} = ask.(timeout: 60_000)
    assert left in 0..2_000
    assert {:ok, {:ok, left}} = ask.(timeout: 1_000)
    assert left in 0..1_000
    assert {:ok, {:ok, left}} = ask.(timeout: 60_000, detach: true)
    assert left > 2_000

    assert {:ok, {:ok, -1}} =
             PortWorker.run(worker, "ask", ["nested", ["time_left", [timeout: :infinity]]],
               timeout: :infinity
             )
  end

  describe "a function of another kind" do
    test "is an error at once for what waits for one result", %{worker: worker} do
      for {function, args, use} <- [{"range", [1, 2], "stream/4"}, {"counter", [1], "open/4"}] do
        assert {:error, error} = PortWorker.run(worker, function, args, timeout: :infinity)
        assert %Error{reason: :unsupported, function: ^function} = error
        assert error.message =~ use
        assert PortWorker.await(PortWorker.start_task(worker, function, args)) == {:error, error}
        assert Task.await(PortWorker.async(worker, function, args)) == {:error, error}
        assert PortWorker.cast(worker, function, args) == {:error, error}

        assert worker |> PortWorker.async_stream([1], function) |> Enum.to_list() == [
                 error: error
               ]
      end

      assert TestWorker.leftovers() == []
    end
  end
end
