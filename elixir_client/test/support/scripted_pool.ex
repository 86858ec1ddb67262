defmodule PortWorker.ScriptedPool do
  @moduledoc """
  A worker with several OS processes, each of which does what the test says.
  """

  import ExUnit.Assertions
  import PortWorker.ScriptedWorker
  import PortWorker.TestWorker, only: [retry: 1]

  @eager [backoff_min: 1, backoff_max: 1, max_restarts: 100]

  @doc "Options that restart at once, so that tests need not wait."
  def eager, do: @eager

  @doc "Starts a worker of `size` programs. Returns it and their peers, in no order."
  def start(size, opts \\ [], peer_opts \\ []) do
    {name, opts} = Keyword.pop(opts, :name)
    name = if name, do: [name: name], else: []
    opts = name ++ Keyword.merge(listen(peer_opts) ++ @eager ++ [size: size], opts)
    worker = ExUnit.Callbacks.start_supervised!({PortWorker, opts})
    peers = for _ <- 1..size, do: started()
    {worker, peers}
  end

  @doc "The peer of the next program that has started."
  def started do
    assert_receive {:peer, peer, {:started, _os_pid}}
    assert_receive {:peer, ^peer, {:hello, _}}
    peer
  end

  @doc "Makes a call with these options. Returns the peer that gets it, and the task."
  def route(worker, opts \\ []) do
    task = PortWorker.start_task(worker, "f", [], opts)
    %{id: id} = task
    assert_receive {:peer, peer, {:call, ^id, "f", [], _opts}}
    {peer, task}
  end

  @doc "Answers the task."
  def reply(peer, %{id: id}, value), do: say(peer, {:result, id, {:ok, value}})

  @doc "The peer of the next program that has started, when all are up."
  def restarted(worker, size) do
    peer = started()
    retry(fn -> Enum.count(PortWorker.status(worker).workers, &(&1.state == :up)) == size end)
    peer
  end

  @doc "Ends a program. Returns when its calls go elsewhere."
  def bring_down(worker, peer) do
    up = fn -> Enum.count(PortWorker.status(worker).workers, &(&1.state == :up)) end
    before = up.()
    hang_up(peer)
    retry(fn -> up.() < before end)
  end

  @doc "Calls until one goes to that peer, and answers the others."
  def until_routed(worker, peer) do
    case route(worker) do
      {^peer, task} ->
        {peer, task}

      {other, task} ->
        reply(other, task, 0)
        PortWorker.await(task)
        until_routed(worker, peer)
    end
  end

  @doc "Returns when what the peer has said before has been dealt with."
  def answered(worker, peer) do
    {^peer, task} = until_routed(worker, peer)
    reply(peer, task, 1)
    assert PortWorker.await(task) == {:ok, 1}
  end
end
