defmodule PortWorker.Telemetry.Lanes do
  @moduledoc false
  # The lanes of a worker's functions. They stand in a table of the connection, which goes when it does: in the
  # route, every caller would copy them.

  alias PortWorker.{Hello, Routes, Telemetry}

  @type t :: :ets.tid()

  @doc "The lanes that the hello has, if anybody is to know them. The table belongs to the calling process."
  @spec new(Hello.t()) :: t() | nil
  def new(hello) do
    if Telemetry.on?() do
      table = :ets.new(__MODULE__, read_concurrency: true)
      :ets.insert(table, for(%{name: name, lane: lane} <- hello.functions, do: {name, lane}))
      table
    end
  end

  @doc "The lane of a function, or `nil` where that is not known."
  @spec of(Routes.Route.t() | nil, String.t()) :: atom()
  def of(%{lanes: table}, function) when table != nil do
    case :ets.lookup(table, function) do
      [{^function, lane}] -> lane
      [] -> nil
    end
  rescue
    # The connection has ended.
    ArgumentError -> nil
  end

  def of(_no_route, _function), do: nil
end
