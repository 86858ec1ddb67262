defmodule PortWorker.GivingUpTest do
  # Whoever gives up, at whatever moment, gets nothing later, and the connection remembers nothing.
  use ExUnit.Case, async: true

  import PortWorker.TestWorker, only: [leftovers: 0, remembered: 1, retry: 1]

  alias PortWorker.Error

  @processes 20
  @rounds 40

  setup do
    %{worker: start_supervised!({PortWorker, command: PortWorker.Binary.path()})}
  end

  # Each takes about as long as what it gives up.
  @ways [
    {"await/2 with a timeout",
     quote do
       fn worker, ms ->
         task = PortWorker.start_task(worker, "sleep", [ms])
         result = PortWorker.await(task, rem(ms + 1, 4))
         assert result == {:ok, :ok} or match?({:error, %Error{reason: :timeout}}, result)
       end
     end},
    {"cancel/1",
     quote do
       fn worker, ms ->
         task = PortWorker.start_task(worker, "sleep", [ms])
         PortWorker.cancel(task)
       end
     end},
    {"async_stream/4 that is left",
     quote do
       fn worker, ms ->
         worker
         |> PortWorker.async_stream([ms, 0, ms, 0], "sleep", ordered: false, max_concurrency: 4)
         |> Enum.take(1)
       end
     end},
    {"run/4 whose time is up over there",
     quote do
       fn worker, ms ->
         result = PortWorker.run(worker, "sleep", [ms], timeout: ms + 1)
         assert result == {:ok, :ok} or match?({:error, %Error{reason: :timeout}}, result)
       end
     end}
  ]

  for {name, way} <- @ways do
    test "by #{name}", %{worker: worker} do
      way = unquote(way)

      1..@processes
      |> Enum.map(fn n ->
        Task.async(fn ->
          for round <- 1..@rounds, do: way.(worker, rem(n + round, 4))
          # Behind all that was on its way.
          assert PortWorker.run(worker, "echo", ["x"]) == {:ok, "x"}
          leftovers()
        end)
      end)
      |> Task.await_many(30_000)
      |> Enum.each(&assert(&1 == []))

      retry(fn -> match?({[], [], [], _watched}, remembered(worker)) end)
    end
  end
end
