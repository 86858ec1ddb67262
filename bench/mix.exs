defmodule Bench.MixProject do
  use Mix.Project

  def project do
    [
      app: :bench,
      version: "0.0.0",
      elixir: "~> 1.14",
      # Nothing that is built stays beside the sources.
      build_path: "../bin/bench/build",
      lockfile: "../bin/bench/mix.lock",
      deps: [{:portworker, path: "../elixir_client"}]
    ]
  end
end
