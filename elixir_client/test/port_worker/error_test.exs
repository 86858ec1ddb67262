defmodule PortWorker.ErrorTest do
  use ExUnit.Case, async: true

  alias PortWorker.Error

  doctest Error

  test "reads the error of a worker" do
    map = %{
      reason: :panic,
      message: "boom",
      details: %{"a" => 1},
      stack: "goroutine 1",
      retry_after: 50
    }

    assert Error.from_wire(map) == %Error{
             reason: :panic,
             message: "boom",
             details: %{"a" => 1},
             stack: "goroutine 1",
             retry_after: 50
           }
  end

  test "keeps an error of an unknown kind in words" do
    assert %Error{reason: :failed, details: %{reason: :new_kind}} =
             Error.from_wire(%{reason: :new_kind})

    assert %Error{reason: :failed, details: "nonsense"} = Error.from_wire("nonsense")
  end

  test "has prose without a message, too" do
    assert Exception.message(%Error{reason: :failed}) == "the call did not succeed (failed)"
  end

  test "says why a connection ended" do
    error = Error.new(:worker_down, "the worker exited with status 2")
    assert Error.from_exit({:shutdown, error}) == error
    assert Error.from_exit(:noproc).message == "the worker is not running"
    assert Error.from_exit(:killed).message =~ ":killed"
  end
end
