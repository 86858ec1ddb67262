defmodule PortWorker.PoliciesTest do
  # Retries, and what the worker tells of what ran.
  use ExUnit.Case, async: true

  import PortWorker.TestWorker

  alias PortWorker.TestWorker

  @again [max_attempts: 3, backoff: 1]

  setup do
    %{worker: start_supervised!({PortWorker, command: TestWorker.path()})}
  end

  test "a call is tried again when it says how", %{worker: worker} do
    args = ["flaky", [2], [retry: @again]]
    assert apply(PortWorker, :run, [worker | args]) == {:ok, 3}
    assert Task.await(apply(PortWorker, :async, [worker | args])) == {:ok, 3}
    assert PortWorker.await(apply(PortWorker, :start_task, [worker | args])) == {:ok, 3}
    stream = PortWorker.async_stream(worker, [2], "flaky", retry: @again)
    assert Enum.to_list(stream) == [ok: 3]

    assert apply(PortWorker, :cast, [worker | args]) == :ok
    retry(fn -> PortWorker.status(worker, stats: true).stats.functions["flaky"].ok == 5 end)
  end

  test "the last error says how often", %{worker: worker} do
    assert {:error, error} = PortWorker.run(worker, "flaky", [9], retry: @again)
    assert {error.reason, error.message} == {:failed, "not yet (after 3 attempts)"}
    assert {:error, %{message: "not yet"}} = PortWorker.run(worker, "flaky", [9])
  end

  test "status/2 shows what each function did", %{worker: worker} do
    assert {:ok, 3} = PortWorker.run(worker, "flaky", [2], retry: @again)
    assert {:error, _} = PortWorker.run(worker, "fail", ["no"])

    assert %{"flaky" => flaky, "fail" => fail} =
             PortWorker.status(worker, stats: true).stats.functions

    assert %{calls: 1, ok: 1, errors: 0, attempts: 3, retries: 2, breaker: nil} = flaky
    assert %{calls: 1, ok: 0, errors: 1, running: 0} = fail
  end

  test "history/1 has what ended last, the latest first", %{worker: worker} do
    assert PortWorker.history(worker) == {:ok, []}
    assert {:ok, 3} = PortWorker.run(worker, "flaky", [2], retry: @again, name: "third time")
    assert {:error, _} = PortWorker.run(worker, "fail", ["no"], lane: :cpu)
    assert {:ok, [fail, flaky]} = PortWorker.history(worker)
    assert %{function: "fail", task: "", outcome: "failed", attempts: 1, lane: "cpu"} = fail
    assert %{function: "flaky", task: "third time", outcome: "ok", attempts: 3} = flaky
    assert flaky.duration in 0..5_000
  end
end
