defmodule Player do
  @moduledoc false
  # Plays a game that is kept in Go, and outlives the OS process that keeps it. When that ends, what it
  # knew is lost: the game since it was saved. So a player keeps the last save and a journal of its commands
  # after that, opens the channel again with the one, and sends the other once more.

  use GenServer

  @retry 50

  def start_link(opts), do: GenServer.start_link(__MODULE__, opts, name: opts[:name])

  @doc "Does something in the game, and returns what came of it."
  def play(player, command), do: GenServer.call(player, command, 10_000)

  @impl true
  def init(opts) do
    # The journal has {command, from}, the oldest first; from is nil when it has been answered.
    state = %{worker: opts[:worker], saved: %{seed: opts[:seed], at: 0, gold: 0, dug: []}}
    {:ok, Map.merge(state, %{channel: nil, journal: [], next: 0}), {:continue, :open}}
  end

  @impl true
  def handle_continue(:open, state), do: {:noreply, open(state)}

  @impl true
  def handle_call(command, from, state) do
    if state.channel, do: PortWorker.send(state.channel, command)
    {:noreply, %{state | journal: state.journal ++ [{command, from}]}}
  end

  @impl true
  def handle_info(:open, state), do: {:noreply, open(state)}

  # Answers come in the order of the commands.
  def handle_info({ref, {:data, answer}}, %{channel: %{ref: ref}} = state) do
    {command, from} = Enum.at(state.journal, state.next)
    if from, do: GenServer.reply(from, answer)
    {:noreply, answered(state, command, answer)}
  end

  def handle_info({ref, {:error, %{reason: :worker_down}}}, %{channel: %{ref: ref}} = state) do
    {:noreply, open(%{state | channel: nil, next: 0})}
  end

  # What is no command is a mistake in the program, as any other end of the channel is.
  def handle_info({ref, {kind, error}}, %{channel: %{ref: ref}} = state)
      when kind in [:fault, :error] do
    {:stop, error, state}
  end

  defp answered(state, :save, {:saved, %{game: game}}) do
    %{state | saved: game, journal: Enum.drop(state.journal, state.next + 1), next: 0}
  end

  defp answered(state, command, _answer) do
    journal = List.replace_at(state.journal, state.next, {command, nil})
    %{state | journal: journal, next: state.next + 1}
  end

  defp open(state) do
    case PortWorker.open(state.worker, "play", [state.saved], active: true, timeout: :infinity) do
      {:ok, channel} ->
        for {command, _from} <- state.journal, do: PortWorker.send(channel, command)
        %{state | channel: channel}

      {:error, %{reason: :worker_down}} ->
        Process.send_after(self(), :open, @retry)
        state
    end
  end
end
