defmodule PortWorker.WorkerLogTest do
  use ExUnit.Case, async: true

  alias PortWorker.WorkerLog

  doctest WorkerLog

  test "bounds a giant line, also where it cuts a character in two" do
    text = WorkerLog.text(String.duplicate("ü", 5_000) <> "x")
    assert String.valid?(text)
    assert byte_size(text) < 4_100
    assert text =~ "... (10001 bytes)"

    assert String.valid?(WorkerLog.text("x" <> String.duplicate("ü", 5_000)))
  end

  test "shows what is no text" do
    assert WorkerLog.text({:a, 1}) == "{:a, 1}"
  end
end
