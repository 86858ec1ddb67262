# Runs a Livebook notebook from top to bottom, without Livebook, and compares what each cell prints and
# returns with what the notebook shows below it. A cell without an output is only run. That with
# Mix.install is left out, since the library is on the code path already.
#
#     scripts/run-examples notebook

defmodule Notebook do
  @output ~s(<!-- livebook:{"output":true} -->)

  defmodule Cell do
    defstruct [:code, :line, shown: []]
  end

  @doc "The Elixir cells of a page, each with the outputs that are shown below it."
  def cells(page) do
    # A part is a text, or the language, the first line and the content of a block.
    ~r/^```(\w*)\n(.*?)^```$/ms
    |> Regex.split(page, include_captures: true)
    |> Enum.map_reduce(1, fn part, line -> {{part, line}, line + count(part)} end)
    |> elem(0)
    |> Enum.reduce({[], ""}, &part/2)
    |> elem(0)
    |> Enum.reverse()
  end

  defp count(part), do: length(String.split(part, "\n")) - 1

  defp part({"```elixir\n" <> block, line}, {cells, text}) do
    if String.ends_with?(text, ~s(<!-- livebook:{"force_markdown":true} -->)),
      do: {cells, ""},
      else: {[%Cell{code: content(block), line: line + 1} | cells], ""}
  end

  defp part({"```\n" <> block, _line}, {[cell | cells], @output}) do
    {[%{cell | shown: cell.shown ++ [content(block)]} | cells], ""}
  end

  defp part({text, _line}, {cells, _before}), do: {cells, String.trim(text)}

  defp content(block), do: block |> String.trim_trailing("```") |> String.trim_trailing("\n")

  @doc "Runs one cell after what was bound before it."
  def run(cell, {binding, env}) do
    {:ok, device} = StringIO.open("", encoding: :unicode)
    leader = Process.group_leader()
    Process.group_leader(self(), device)

    try do
      quoted = Code.string_to_quoted!(cell.code, file: env.file, line: cell.line)
      {value, binding, env} = Code.eval_quoted_with_env(quoted, binding, env)
      {_input, printed} = StringIO.contents(device)
      {outputs(String.trim_trailing(printed), value), {binding, env}}
    after
      Process.group_leader(self(), leader)
    end
  end

  defp outputs("", value), do: [show(value)]
  defp outputs(printed, value), do: [printed, show(value)]

  defp show(value), do: inspect(value, pretty: true, custom_options: [sort_maps: true])
end

[path] = System.argv()
:io.setopts(:standard_io, encoding: :unicode)

{install, cells} =
  path |> File.read!() |> Notebook.cells() |> Enum.split_with(&(&1.code =~ "Mix.install"))

Logger.configure(level: :none)
env = %{Code.env_for_eval([]) | file: Path.expand(path)}

Enum.reduce(cells, {[], env}, fn cell, state ->
  {outputs, state} = Notebook.run(cell, state)

  if cell.shown != [] and cell.shown != outputs do
    IO.puts("#{path}:#{cell.line}: the notebook shows\n\n#{Enum.join(cell.shown, "\n\n")}\n")
    IO.puts("and the cell gives\n\n#{Enum.join(outputs, "\n\n")}\n")
    System.halt(1)
  end

  state
end)

shown = Enum.count(cells, &(&1.shown != []))
IO.puts("#{length(install)} cell left out, #{length(cells)} run, the output of #{shown} compared")
