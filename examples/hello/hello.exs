{:ok, _} =
  Supervisor.start_link([{PortWorker, name: Hello, command: "bin/hello"}], strategy: :one_for_one)

IO.inspect(PortWorker.run(Hello, "shout", ["hello from Go"]))

{:error, error} = PortWorker.run(Hello, "shout", [42])
IO.puts(Exception.message(error))
