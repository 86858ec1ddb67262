defmodule Bar do
  @moduledoc false
  # A progress bar: one line that is redrawn on a terminal, and a line for each fifth elsewhere.

  @width 40

  @doc "Draws `done` of `total`. Called from one process, with what grows."
  def draw(done, total) do
    percent = if total == 0, do: 100, else: div(done * 100, total)

    cond do
      IO.ANSI.enabled?() -> IO.write("\r    " <> line(percent))
      fifth(percent) > Process.put(__MODULE__, fifth(percent)) -> IO.puts("    " <> line(percent))
      true -> :ok
    end
  end

  @doc "Ends the line, where it is one."
  def finish do
    Process.delete(__MODULE__)
    if IO.ANSI.enabled?(), do: IO.puts("")
  end

  defp fifth(percent), do: div(percent, 20)

  defp line(percent) do
    full = div(percent * @width, 100)
    bar = String.duplicate("█", full) <> String.duplicate("░", @width - full)
    "#{bar} #{String.pad_leading("#{percent}", 3)} %"
  end
end
