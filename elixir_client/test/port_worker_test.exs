defmodule PortWorkerTest do
  # The documented examples, against the real binary.
  use ExUnit.Case, async: true

  setup do
    start_supervised!({PortWorker, name: MyApp.Go, command: PortWorker.Binary.path()})
    start_supervised!({PortWorker, name: MyApp.Pool, command: PortWorker.Binary.path(), size: 2})
    :ok
  end

  doctest PortWorker
  doctest PortWorker.Async
  doctest PortWorker.Channel
  doctest PortWorker.Diagnostics
  doctest PortWorker.Group
  doctest PortWorker.Pipeline
  doctest PortWorker.Guide
  doctest PortWorker.Guide.Pools
end
