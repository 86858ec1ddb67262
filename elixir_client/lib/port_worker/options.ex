defmodule PortWorker.Options do
  @moduledoc false
  # The one place that knows every option: its type, its default and its text. The
  # schemas validate what users give and write the option lists of the docs.

  alias PortWorker.{Callbacks, Error}

  @lanes [:io, :cpu, :blocking, :dedicated]
  @levels [:debug, :info, :notice, :warning, :error]

  @start [
    command: [
      type: :command,
      required: true,
      doc:
        "the worker's executable: a path, the name of a program on `PATH`, or `{app, path}` for a " <>
          "file below the `priv` folder of an application"
    ],
    name: [
      type: :name,
      doc:
        "what calls address the worker by: an atom, `{:global, term}` or `{:via, module, term}`"
    ],
    otp_app: [
      type: :atom,
      doc:
        "the application whose environment holds more options under the worker's name; what is " <>
          "given to `start_link/1` wins. Read at the start and on every restart of the worker"
    ],
    args: [type: {:list, :string}, default: [], doc: "arguments of the executable"],
    env: [
      type: :env,
      default: [],
      doc: "environment variables to set, as `{name, value}`, or `{name, nil}` to unset one"
    ],
    cd: [type: :string, doc: "the folder the executable starts in; the default is the VM's own"],
    descriptors: [
      type: {:in, [:stdio, :private]},
      default: :stdio,
      doc:
        "the descriptors frames travel on: stdin and stdout, or 3 and 4, which nothing the program " <>
          "prints can reach"
    ],
    timeout: [
      type: :timeout,
      default: 5_000,
      doc:
        "how long a call may take, in milliseconds or `:infinity`, unless the call says otherwise"
    ],
    startup_timeout: [
      type: {:integer, 1},
      default: 10_000,
      doc: "milliseconds from the start of the executable to its hello"
    ],
    heartbeat: [
      type: :timeout,
      default: 10_000,
      doc: "milliseconds between two pings; `:infinity` sends none"
    ],
    heartbeat_timeout: [
      type: {:integer, 1},
      default: 10_000,
      doc:
        "milliseconds for any sign of life after a ping; past it the worker is killed and restarted"
    ],
    window: [
      type: :window,
      default: 16 * 1024 * 1024,
      doc:
        "bytes of the worker's output that may be on their way: a worker that says more than this " <>
          "node has dealt with waits, instead of filling a mailbox. `:infinity` is no bound"
    ],
    callbacks: [
      type: :callbacks,
      default: %{},
      doc:
        "the functions that the worker may call back, by name: `%{name => fun}`, `%{name => {module, " <>
          "function}}`, or a module, for all the functions it exports"
    ],
    backoff_min: [
      type: {:integer, 1},
      default: 100,
      doc: "milliseconds before the first restart; each further one waits up to twice as long"
    ],
    backoff_max: [type: {:integer, 1}, default: 10_000, doc: "the longest wait before a restart"],
    max_restarts: [
      type: {:integer, 0},
      default: 5,
      doc:
        "failures within `:max_seconds` after which the process gives up and exits, so that its " <>
          "supervisor acts"
    ],
    max_seconds: [
      type: {:integer, 1},
      default: 60,
      doc: "the seconds over which failures count; a worker that ran that long starts afresh"
    ]
  ]

  @worker [
    drain_timeout: [
      type: {:integer, 1},
      default: 5_000,
      doc: "milliseconds running tasks get to finish when the worker is stopped"
    ],
    max_running: [type: {:integer, 1}, doc: "tasks that run at once, over all lanes"],
    lanes: [
      type: :lanes,
      doc:
        "tasks that run at once in each lane, as `[cpu: 2]`, and how many more may wait, as " <>
          "`[blocking: [size: 512, queue: 1_000]]`"
    ],
    cancel_grace: [
      type: {:integer, 1},
      doc:
        "milliseconds a cancelled handler gets to return before it is reported as still running"
    ],
    max_frame: [type: {:integer, 1}, doc: "bytes of the largest packet the worker accepts"],
    max_depth: [type: {:integer, 1}, doc: "how deep terms may nest"],
    memory_limit: [
      type: {:integer, 0},
      doc: "bytes of memory past which new calls are refused as `:overloaded`, 0 for no limit"
    ],
    processors: [type: {:integer, 1}, doc: "threads that run Go code at once"],
    busy_wait: [
      type: {:integer, 0},
      doc: "microseconds to poll for the next call before going to sleep"
    ],
    log_level: [
      type: {:in, @levels},
      doc: "the lowest level of the logs that are sent to `Logger`"
    ]
  ]

  @call [
    timeout: [
      type: :timeout,
      doc:
        "milliseconds or `:infinity`, after which the work is stopped over there and the result is " <>
          "`{:error, %PortWorker.Error{reason: :timeout}}`; the default is the worker's `:timeout` option"
    ],
    deadline: [
      type: :integer,
      doc:
        "the same as a point in time of `System.monotonic_time(:millisecond)`; of both the earlier counts"
    ],
    on_progress: [
      type: :progress,
      doc:
        "a function of one argument, called in the waiting process with each progress report, or a " <>
          "pid, which gets `{ref, {:progress, term}}`. Without it none are sent"
    ],
    detach: [
      type: :boolean,
      default: false,
      doc: "`true` lets the work go on when its caller dies"
    ],
    lane: [type: {:in, @lanes}, doc: "the lane to run in, instead of the function's own"],
    priority: [
      type: {:in, [:low, :normal, :high, :critical]},
      doc: "the place in the lane's queue; the default is `:normal`"
    ],
    name: [type: :label, doc: "a name for the task, shown in logs, stacks and profiles"],
    meta: [
      type: :meta,
      doc: "a map of binaries that travels along, to the logs and to calls back into the BEAM"
    ]
  ]

  # A stream or a channel ends when it is over or its process has had enough.
  @open_ended @call
              |> Keyword.drop([:detach])
              |> Keyword.put(:timeout,
                type: :timeout,
                default: :infinity,
                doc:
                  "milliseconds or `:infinity`, after which the work is stopped over there and the end is " <>
                    "an error with the reason `:timeout`"
              )

  @stream Keyword.merge(@open_ended,
            demand: [
              type: {:integer, 1},
              default: 1_000,
              doc:
                "how many elements may be on their way or wait in the mailbox. Fewer for large elements: " <>
                  "this bounds the memory that a slow consumer costs"
            ],
            min_demand: [
              type: {:integer, 0},
              doc:
                "when that few are left, as many are asked for as bring it back to `:demand`; the default " <>
                  "is half of it"
            ]
          )

  @channel Keyword.merge(@open_ended,
             active: [
               type: :active,
               default: false,
               doc:
                 "what asks for further outputs: `false`, each that is received with `recv/2` or as of an " <>
                   "enumerable; `true`, each that is sent to the mailbox, so that nothing slows the worker down; " <>
                   "a number, nothing but `demand/2` after so many"
             ],
             demand: [
               type: {:integer, 1},
               default: 64,
               doc: "how many outputs may be on their way or wait in the mailbox"
             ],
             min_demand: @stream[:min_demand]
           )

  @async_stream @call
                |> Keyword.drop([:on_progress, :detach])
                |> Keyword.merge(
                  args: [type: :args, default: [], doc: "more arguments, after the element"],
                  max_concurrency: [
                    type: {:integer, 1},
                    doc:
                      "how many calls are under way at once; the default is `System.schedulers_online/0`"
                  ],
                  ordered: [
                    type: :boolean,
                    default: true,
                    doc:
                      "whether results come in the order of their elements, or as they are done"
                  ],
                  on_timeout: [
                    type: {:in, [:exit, :kill_task]},
                    default: :exit,
                    doc:
                      "what to do when a call takes too long: exit, as `Task.async_stream/3` does, or go on with " <>
                        "`{:exit, :timeout}` in its place"
                  ]
                )

  @worker_keys Keyword.keys(@worker)
  @wire_keys [:lane, :priority, :name, :meta]

  @type start :: %{required(:config) => map(), optional(atom()) => term()}
  @type call :: %{
          optional(:timeout) => timeout(),
          optional(:deadline) => integer(),
          optional(:on_progress) => (term() -> term()) | pid(),
          optional(:demand) => pos_integer(),
          optional(:min_demand) => non_neg_integer(),
          optional(:active) => boolean() | pos_integer(),
          optional(:args) => list(),
          optional(:max_concurrency) => pos_integer(),
          optional(:ordered) => boolean(),
          optional(:on_timeout) => :exit | :kill_task,
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
         {:ok, map} <- validate(opts, @start ++ @worker) do
      config = Map.take(map, @worker_keys)
      {:ok, map |> Map.drop(@worker_keys -- [:drain_timeout]) |> Map.put(:config, config)}
    end
  end

  @doc "The drain timeout in options that may be wrong, in which case it is the default."
  @spec drain_timeout(keyword()) :: non_neg_integer()
  def drain_timeout(opts) do
    case start(opts) do
      {:ok, options} -> options.drain_timeout
      {:error, _reported_at_the_start} -> @worker[:drain_timeout][:default]
    end
  end

  @doc "The options of one call. Raises `ArgumentError` for what is none."
  @spec call!(keyword()) :: call()
  def call!([]), do: %{detach: false, wire: %{}}
  def call!(opts), do: opts |> valid!(@call) |> split_wire()

  @doc "The options of a stream. Raises `ArgumentError` for what is none."
  @spec stream!(keyword()) :: call()
  def stream!(opts), do: opts |> valid!(@stream) |> demand!() |> split_wire()

  @doc "The options of a channel. Raises `ArgumentError` for what is none."
  @spec channel!(keyword()) :: call()
  def channel!(opts) do
    map = opts |> valid!(@channel) |> demand!() |> split_wire()
    put_in(map.wire, Map.merge(map.wire, channel_wire(map)))
  end

  @doc "The options of an async stream. Raises `ArgumentError` for what is none."
  @spec async_stream!(keyword()) :: call()
  def async_stream!(opts) do
    opts
    |> valid!(@async_stream)
    |> Map.put_new_lazy(:max_concurrency, &System.schedulers_online/0)
    |> split_wire()
  end

  defp channel_wire(%{active: first}) when is_integer(first) do
    %{input_credit: true, credit: first}
  end

  defp channel_wire(_by_demand), do: %{input_credit: true}

  defp valid!(opts, schema) do
    with :ok <- keyword(opts),
         {:ok, map} <- validate(opts, schema) do
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
  @spec docs(:start | :worker | :call | :stream | :async_stream | :channel) :: String.t()
  def docs(:start), do: write(@start)
  def docs(:worker), do: write(@worker)
  def docs(:call), do: write(@call)
  def docs(:stream), do: write(@stream)
  def docs(:async_stream), do: write(@async_stream)
  def docs(:channel), do: write(@channel)

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
     Error.new(:bad_args, "option #{inspect(key)} is required: expected #{expected(type)}")}
  end

  defp cast(value, key, type) do
    case accept(type, value) do
      {:ok, value} -> {:ok, value}
      :error -> bad("option #{inspect(key)}: expected #{expected(type)}", value)
    end
  end

  defp bad(text, value) do
    {:error, Error.new(:bad_args, "#{text}, got: #{inspect(value, limit: 20)}")}
  end

  defp accept({:integer, min}, value) when is_integer(value) and value >= min, do: {:ok, value}
  defp accept(:integer, value) when is_integer(value), do: {:ok, value}
  defp accept(:timeout, :infinity), do: {:ok, :infinity}
  defp accept(:timeout, value) when is_integer(value) and value >= 0, do: {:ok, value}
  defp accept(:boolean, value) when is_boolean(value), do: {:ok, value}
  defp accept(:atom, value) when is_atom(value) and value != nil, do: {:ok, value}
  defp accept(:progress, value) when is_function(value, 1) or is_pid(value), do: {:ok, value}
  defp accept(:label, value) when is_binary(value) or is_atom(value), do: {:ok, value}
  defp accept(:name, value) when is_atom(value) and value != nil, do: {:ok, value}
  defp accept(:name, {:global, _} = value), do: {:ok, value}
  defp accept(:name, {:via, module, _} = value) when is_atom(module), do: {:ok, value}

  defp accept(:args, value) when is_list(value) and length(value) >= 0, do: {:ok, value}
  defp accept(:active, value) when is_boolean(value), do: {:ok, value}
  defp accept(:active, value), do: accept({:integer, 1}, value)
  defp accept(:window, :infinity), do: {:ok, :infinity}
  defp accept(:window, value), do: accept({:integer, 1}, value)
  defp accept(:callbacks, value), do: Callbacks.functions(value)

  defp accept({:in, list}, value) do
    if value in list, do: {:ok, value}, else: :error
  end

  defp accept(:string, value) when is_binary(value) do
    if value =~ "\0", do: :error, else: {:ok, value}
  end

  defp accept({:list, type}, value) when is_list(value) do
    if Enum.all?(value, &match?({:ok, _}, accept(type, &1))), do: {:ok, value}, else: :error
  end

  defp accept(:command, {app, path}) when is_atom(app) and is_binary(path), do: {:ok, {app, path}}
  defp accept(:command, ""), do: :error
  defp accept(:command, value), do: accept(:string, value)

  defp accept(:env, value) when is_map(value), do: accept(:env, Map.to_list(value))

  defp accept(:env, value) when is_list(value) do
    ok? = fn
      {name, text} when is_binary(name) -> is_nil(text) or match?({:ok, _}, accept(:string, text))
      _other -> false
    end

    if Enum.all?(value, ok?), do: {:ok, value}, else: :error
  end

  defp accept(:lanes, value) when is_list(value) or is_map(value) do
    if Enum.all?(value, &lane?/1), do: {:ok, Map.new(value, &lane/1)}, else: :error
  end

  defp accept(:meta, value) when is_map(value) do
    if Enum.all?(value, fn {k, v} -> is_binary(k) and is_binary(v) end),
      do: {:ok, value},
      else: :error
  end

  defp accept(_type, _value), do: :error

  defp lane?({name, size}) when is_integer(size), do: name in @lanes and size > 0

  defp lane?({name, parts}) when is_list(parts) or is_map(parts) do
    name in @lanes and
      Enum.all?(parts, fn
        {:size, size} -> is_integer(size) and size > 0
        {:queue, queue} -> is_integer(queue) and queue >= 0
        _other -> false
      end)
  end

  defp lane?(_other), do: false

  defp lane({name, size}) when is_integer(size), do: {name, size}
  defp lane({name, parts}), do: {name, Map.new(parts)}

  defp expected({:integer, 0}), do: "a whole number from 0"
  defp expected({:integer, min}), do: "a whole number from #{min}"
  defp expected(:integer), do: "a whole number"
  defp expected(:timeout), do: "milliseconds or :infinity"
  defp expected(:boolean), do: "true or false"
  defp expected(:atom), do: "an atom"
  defp expected(:string), do: "a string without zero bytes"
  defp expected({:list, :string}), do: "a list of strings"
  defp expected({:in, list}), do: "one of #{Enum.map_join(list, ", ", &inspect/1)}"

  defp expected(:args), do: "a list of arguments"
  defp expected(:active), do: "true, false or a whole number from 1"
  defp expected(:window), do: "a whole number from 1 or :infinity"

  defp expected(:callbacks) do
    "a loaded module, or functions and {module, function} under their names"
  end

  defp expected(:lanes) do
    "sizes from 1, or [size: n, queue: n], under #{Enum.map_join(@lanes, ", ", &inspect/1)}"
  end

  defp expected(:command), do: "the path or name of an executable, or {app, path below priv}"
  defp expected(:name), do: "an atom, {:global, term} or {:via, module, term}"
  defp expected(:label), do: "a string or an atom"
  defp expected(:progress), do: "a function of one argument or a pid"
  defp expected(:env), do: "pairs of strings, the second possibly nil"
  defp expected(:meta), do: "a map of strings to strings"

  defp write(schema) do
    Enum.map_join(schema, "\n", fn {key, spec} ->
      default =
        cond do
          spec[:required] -> " Required."
          Keyword.has_key?(spec, :default) -> " Default: `#{inspect(spec[:default])}`."
          true -> ""
        end

      "  * `#{inspect(key)}` (#{expected(spec[:type])}) - #{spec[:doc]}.#{default}"
    end)
  end
end
