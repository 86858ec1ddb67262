# A game in a channel: its state is in Go, its commands are a union of types, and it goes on after the
# worker has been killed.
#
#     scripts/run-examples cave

Code.require_file("player.ex", __DIR__)

# An error has a character beyond ASCII, whatever the locale says.
:io.setopts(:standard_io, encoding: :unicode)

children = [
  {PortWorker, name: Cave, command: "bin/cave", backoff_min: 20},
  {Player, name: Ada, worker: Cave, seed: "ada"}
]

{:ok, _} = Supervisor.start_link(children, strategy: :one_for_one)

# The log has the worker's death, too.
Logger.configure(level: :none)

show = fn term -> inspect(term, custom_options: [sort_maps: true]) end

play = fn command ->
  answer = Player.play(Ada, command)
  IO.puts("#{show.(command)} -> #{show.(answer)}")
  answer
end

Enum.each([:dig, {:walk, %{x: 1, y: 0}}, :dig, :dig, {:walk, %{x: -9, y: 0}}], play)
{:saved, %{game: game}} = play.(:save)
Enum.each([{:walk, %{x: 0, y: 1}}, :dig, :look], play)

IO.puts("killed: what the worker knew of the game is lost")
System.cmd("kill", ["-KILL", "#{PortWorker.status(Cave).os_pid}"])

IO.puts("resumed from the save, and the commands after it:")
Enum.each([:look, :dig, {:walk, %{x: 0, y: 1}}, :dig], play)
1 = PortWorker.status(Cave).restarts

IO.puts("resumed from the save alone, what came after it is lost:")
{:ok, channel} = PortWorker.open(Cave, "play", [game])
PortWorker.send(channel, :look)
{:ok, answer} = PortWorker.recv(channel)
IO.puts(show.(answer))

IO.puts("what is no command is refused, and the game goes on:")
PortWorker.send(channel, :fly)
{:fault, error} = PortWorker.recv(channel)
IO.puts(Exception.message(error))
