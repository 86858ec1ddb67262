defmodule PortWorker.MixProject do
  use Mix.Project

  @version "0.1.0"

  def project do
    [
      app: :portworker,
      version: @version,
      elixir: "~> 1.14",
      elixirc_paths: elixirc_paths(Mix.env()),
      start_permanent: Mix.env() == :prod,
      description: "Runs Go functions in an OS process of their own, supervised by the BEAM",
      # Templates of the Mix tasks: a release has neither.
      xref: [exclude: [EEx, EEx.Engine]],
      deps: []
    ]
  end

  def application do
    [
      mod: {PortWorker.Application, []},
      extra_applications: [:logger]
    ]
  end

  defp elixirc_paths(:test), do: ["lib", "test/support"]
  defp elixirc_paths(_env), do: ["lib"]
end
