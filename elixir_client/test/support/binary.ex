defmodule PortWorker.Binary do
  @moduledoc """
  The worker's real binary: `PORTWORKER_BIN`, or `bin/portworker` of the repository.
  """

  @doc "The path of the binary. Raises when there is none."
  def path do
    path = System.get_env("PORTWORKER_BIN", Path.expand("../../../bin/portworker", __DIR__))

    if not File.regular?(path) do
      raise """
      these tests need the worker's binary, and there is none at #{path}

      Build it with `go build -o bin/portworker ./cmd/portworker` at the top of the repository, or say \
      with the environment variable PORTWORKER_BIN where it is.
      """
    end

    path
  end
end

defmodule MyApp do
  @moduledoc "The host application of the doctests."

  def worker_path, do: PortWorker.Binary.path()
end
