defmodule PortWorker.Options do
  @moduledoc false
  # What users give is validated by the schemas, which write the option lists of the docs, too.

  alias PortWorker.Error
  alias PortWorker.Options.{Schema, Type}

  @worker_keys Keyword.keys(Schema.of(:worker))
  @wire_keys [:lane, :priority, :name, :retry, :meta]
  @group_keys [:on_error, :max_concurrency, :max_tasks]

  @type start :: %{required(:config) => map(), optional(atom()) => term()}
  @type call :: %{
          optional(:timeout) => timeout(),
          optional(:deadline) => integer(),
          optional(:on_progress) => (term() -> term()) | pid(),
          optional(:key) => term(),
          optional(:demand) => pos_integer(),
          optional(:min_demand) => non_neg_integer(),
          optional(:active) => boolean() | pos_integer(),
          optional(:args) => list(),
          optional(:max_concurrency) => pos_integer(),
          optional(:ordered) => boolean(),
          optional(:on_timeout) => :exit | :kill_task,
          optional(:group) => map(),
          optional(:chunk) => pos_integer(),
          optional(:combine) => atom() | String.t(),
          required(:detach) => boolean(),
          required(:wire) => map()
        }

  @doc """
  The options of `start_link/1` with those of the application's environment, as a map with the defaults
  filled in. What goes into the worker's hello is under `:config`.
  """
  @spec start(keyword()) :: {:ok, start()} | {:error, Error.t()}
  def start(opts) do
    with :ok <- keyword(opts),
         {:ok, opts} <- merge_environment(opts),
         {:ok, map} <- validate(opts, Schema.of(:start) ++ Schema.of(:worker)) do
      config = Map.take(map, @worker_keys)
      {:ok, map |> Map.drop(@worker_keys -- [:drain_timeout]) |> Map.put(:config, config)}
    end
  end

  @doc "The drain timeout in options that may be wrong, in which case it is the default."
  @spec drain_timeout(keyword()) :: non_neg_integer()
  def drain_timeout(opts) do
    case start(opts) do
      {:ok, options} -> options.drain_timeout
      {:error, _reported_at_the_start} -> Schema.of(:worker)[:drain_timeout][:default]
    end
  end

  @doc "The options of one call. Raises `ArgumentError` for what is none."
  @spec call!(keyword()) :: call()
  def call!([]), do: %{detach: false, wire: %{}}

  # What most calls have, without a walk through the schema.
  def call!([{:timeout, timeout}]) when is_integer(timeout) and timeout >= 0 do
    %{timeout: timeout, detach: false, wire: %{}}
  end

  def call!(opts), do: opts |> valid!(:call) |> split_wire()

  @doc "The options of a stream. Raises `ArgumentError` for what is none."
  @spec stream!(keyword()) :: call()
  def stream!(opts), do: opts |> valid!(:stream) |> demand!() |> split_wire()

  @doc "The options of a channel. Raises `ArgumentError` for what is none."
  @spec channel!(keyword()) :: call()
  def channel!(opts) do
    map = opts |> valid!(:channel) |> demand!() |> split_wire()
    put_in(map.wire, Map.merge(map.wire, channel_wire(map)))
  end

  @doc "The options of an async stream. Raises `ArgumentError` for what is none."
  @spec async_stream!(keyword()) :: call()
  def async_stream!(opts) do
    opts
    |> valid!(:async_stream)
    |> Map.put_new_lazy(:max_concurrency, &System.schedulers_online/0)
    |> split_wire()
  end

  @doc "The options of a pipeline that ends in one value. Raises `ArgumentError` for what is none."
  @spec scope!(keyword()) :: call()
  def scope!(opts), do: opts |> valid!(:scope) |> split_wire()

  @doc "The options of a profile. Raises `ArgumentError` for what is none."
  @spec profile!(keyword()) :: %{
          optional(:duration) => pos_integer(),
          optional(:file) => Path.t()
        }
  def profile!(opts), do: valid!(opts, :profile)

  @doc """
  The options of a group, with what `$group` is told under `:group`. Raises `ArgumentError` for what is
  none.
  """
  @spec group!(keyword(), :group | :first | :map | :reduce) :: call()
  def group!(opts, kind \\ :group) do
    {group, map} = opts |> valid!(kind) |> Map.split(@group_keys)
    map |> split_wire() |> Map.put(:group, group)
  end

  @doc "The options of a call in a group, as they are sent. Raises `ArgumentError` for what is none."
  @spec group_call!(keyword()) :: map()
  def group_call!([]), do: %{}
  def group_call!(opts), do: valid!(opts, :group_call)

  defp channel_wire(%{active: first}) when is_integer(first) do
    %{input_credit: true, credit: first}
  end

  defp channel_wire(_by_demand), do: %{input_credit: true}

  defp valid!(opts, kind) do
    with :ok <- keyword(opts),
         {:ok, map} <- validate(opts, Schema.of(kind)) do
      map
    else
      {:error, error} -> raise ArgumentError, error.message
    end
  end

  defp demand!(%{demand: demand} = map) do
    map = Map.put_new(map, :min_demand, div(demand, 2))

    if map.min_demand >= demand do
      raise ArgumentError,
            "option :min_demand: expected less than :demand, which is #{demand}, got: #{map.min_demand}"
    end

    map
  end

  defp split_wire(map) do
    {wire, map} = Map.split(map, @wire_keys)
    map |> Map.put_new(:detach, false) |> Map.put(:wire, credit(wire, map))
  end

  defp credit(wire, %{demand: demand}), do: Map.put(wire, :credit, demand)
  defp credit(wire, _without), do: wire

  @doc "A list of options in Markdown, for the docs."
  @spec docs(Schema.kind()) :: String.t()
  def docs(kind), do: kind |> Schema.of() |> write()

  defp keyword(opts) do
    if Keyword.keyword?(opts), do: :ok, else: bad("expected a keyword list of options", opts)
  end

  defp merge_environment(opts) do
    case {opts[:otp_app], opts[:name]} do
      {nil, _name} ->
        {:ok, opts}

      {_app, nil} ->
        bad("option :otp_app needs the option :name, which is the key in its environment", opts)

      {app, name} ->
        environment = Application.get_env(app, name, [])

        if Keyword.keyword?(environment) do
          {:ok, Keyword.merge(environment, opts)}
        else
          bad("expected a keyword list in config #{inspect(app)}, #{inspect(name)}", environment)
        end
    end
  end

  defp validate(opts, schema) do
    with :ok <- known(opts, schema) do
      Enum.reduce_while(schema, {:ok, %{}}, fn {key, spec}, {:ok, map} ->
        case value(opts, key, spec) do
          {:ok, value} -> {:cont, {:ok, Map.put(map, key, value)}}
          :absent -> {:cont, {:ok, map}}
          {:error, error} -> {:halt, {:error, error}}
        end
      end)
    end
  end

  defp known(opts, schema) do
    case Enum.find(opts, fn {key, _value} -> not Keyword.has_key?(schema, key) end) do
      nil ->
        :ok

      {key, _value} ->
        names = schema |> Keyword.keys() |> Enum.sort() |> Enum.map_join(", ", &inspect/1)
        {:error, Error.new(:bad_args, "unknown option #{inspect(key)}; the options are #{names}")}
    end
  end

  defp value(opts, key, spec) do
    case {Keyword.fetch(opts, key), spec} do
      {{:ok, value}, _} ->
        cast(value, key, spec[:type])

      {:error, _} ->
        cond do
          Keyword.has_key?(spec, :default) -> {:ok, spec[:default]}
          spec[:required] -> missing(key, spec[:type])
          true -> :absent
        end
    end
  end

  defp missing(key, type) do
    {:error,
     Error.new(:bad_args, "option #{inspect(key)} is required: expected #{Type.expected(type)}")}
  end

  defp cast(value, key, type) do
    case Type.accept(type, value) do
      {:ok, value} -> {:ok, value}
      :error -> bad("option #{inspect(key)}: expected #{Type.expected(type)}", value)
    end
  end

  defp bad(text, value) do
    {:error, Error.new(:bad_args, "#{text}, got: #{inspect(value, limit: 20)}")}
  end

  defp write(schema) do
    Enum.map_join(schema, "\n", fn {key, spec} ->
      default =
        cond do
          spec[:required] -> " Required."
          Keyword.has_key?(spec, :default) -> " Default: `#{inspect(spec[:default])}`."
          true -> ""
        end

      "  * `#{inspect(key)}` (#{Type.expected(spec[:type])}) - #{spec[:doc]}.#{default}"
    end)
  end
end
