defmodule PortWorker.Guide do
  # The page of the docs, for its examples to be run.
  @path Path.expand("../../../docs/groups.md", __DIR__)
  @external_resource @path
  @moduledoc File.read!(@path)
end

defmodule PortWorker.Guide.Pools do
  @path Path.expand("../../../docs/pools.md", __DIR__)
  @external_resource @path
  @moduledoc File.read!(@path)
end
