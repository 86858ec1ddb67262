# Runs the Elixir of the guides in docs/, each in a VM of its own: every cell that is no configuration, from top to
# bottom, and compares what a page shows below a cell with what the cell gives.
#
#     scripts/run-examples guides

runner = Path.expand("../notebook/run.exs", __DIR__)
client = :portworker |> Application.app_dir("ebin") |> to_string()

for page <- ~w(writing-handlers deploying debugging tuning coming-from-rustler) do
  path = Path.expand("../../docs/#{page}.md", __DIR__)

  case System.cmd("elixir", ["-pa", client, "--app", "portworker", runner, path]) do
    {_count, 0} ->
      IO.puts(page)

    {said, status} ->
      IO.puts("#{page}: status #{status}\n#{said}")
      System.halt(1)
  end
end
