import Config

config :my_app, MyApp.Go,
  command: "bin/guides",
  max_running: 500,
  memory_limit: 1_000_000_000,
  lanes: [cpu: 2, blocking: [size: 64, queue: 1_000]],
  log_level: :warning,
  env: %{"GODEBUG" => "madvdontneed=1"}
