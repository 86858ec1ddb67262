defmodule PortWorker.Call.PlanTest do
  use ExUnit.Case, async: true

  # A worker compares owners by their bytes, and hears of a death in those that the pid has by then.
  test "the owner of a repeated call is written as it is now, where the node has got a name meanwhile" do
    code = ~S"""
    route = %PortWorker.Routes.Route{
      key: :w, connection: self(), pending: nil, max_frame: 1_000, timeout: 1_000
    }

    owner = fn ->
      {:ok, plan} = PortWorker.Call.new!("f", [], []) |> PortWorker.Call.Plan.of(route)
      :erlang.binary_to_term(<<131, plan.options::binary>>).owner
    end

    before = owner.() == self() and owner.() == self()
    {:ok, _} = :net_kernel.start([:"plan@127.0.0.1", :longnames])
    <<131, now::binary>> = :erlang.term_to_binary(self())
    {:ok, plan} = PortWorker.Call.new!("f", [], []) |> PortWorker.Call.Plan.of(route)
    IO.write("#{before} #{node()} #{:binary.match(plan.options, now) != :nomatch}")
    """

    flags = "-start_epmd false -erl_epmd_port 1"
    args = ["--erl", flags, "-pa", Application.app_dir(:portworker, "ebin"), "-e", code]
    assert System.cmd("elixir", args) == {"true plan@127.0.0.1 true", 0}
  end
end
