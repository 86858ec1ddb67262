defmodule PortWorker.MixTasksTest do
  use ExUnit.Case, async: true

  # What they do is tried in a fresh application: scripts/check-new-app.

  test "in an umbrella each application builds its own workers" do
    assert Mix.Task.recursive(Mix.Tasks.Compile.Portworker)
  end

  for {task, module} <- [
        {"compile.portworker", Mix.Tasks.Compile.Portworker},
        {"portworker.new", Mix.Tasks.Portworker.New}
      ] do
    test "mix help knows #{task}" do
      assert Mix.Task.get!(unquote(task)) == unquote(module)
      assert Mix.Task.shortdoc(unquote(module)) != nil
      assert Mix.Task.moduledoc(unquote(module)) != nil
    end
  end
end
