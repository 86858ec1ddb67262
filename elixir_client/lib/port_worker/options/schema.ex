defmodule PortWorker.Options.Schema do
  @moduledoc false
  # Every option: its type, its default and its text.

  @type kind ::
          :start
          | :worker
          | :call
          | :stream
          | :channel
          | :async_stream
          | :group
          | :first
          | :group_call
          | :map
          | :reduce
          | :scope
          | :profile

  @lanes [:io, :cpu, :blocking, :dedicated]
  @levels [:debug, :info, :notice, :warning, :error]

  @start [
    command: [
      type: :command,
      required: true,
      doc:
        "the worker's executable: a path, the name of a program on `PATH`, or `{app, path}` for a " <>
          "file below the `priv` folder of an application. `:stub` starts none: see `PortWorker.Test`"
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
    size: [
      type: {:integer, 1},
      default: 1,
      doc:
        "how many OS processes to run. Each call goes to one of them; one that ends takes only its own calls with it. Not read " <>
          "again on a restart"
    ],
    route: [
      type: {:in, [:least_busy, :round_robin]},
      default: :least_busy,
      doc:
        "which of several OS processes a call without a `:key` goes to: the one with the fewest calls in flight, or each in turn"
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
    spin: [
      type: {:integer, 0, 1_000},
      default: 50,
      doc:
        "microseconds, of at most 1,000, that the worker's process here stays awake for the answer to a call when it has no other " <>
          "to wait for, since to be woken takes longer than a small call; 0 lets it sleep. It leaves calls out whose answers do not " <>
          "come by then, and does nothing where there is one processor"
    ],
    callbacks: [
      type: :callbacks,
      default: %{},
      doc:
        "the functions that the worker may call back, by name: `%{name => fun}`, `%{name => {module, " <>
          "function}}`, or a module, for all the functions it exports"
    ],
    metadata: [
      type: {:list, :atom},
      default: [],
      doc:
        "the keys of `Logger` metadata that travel with each call, as part of its `:meta`, to the calls back that it leads to"
    ],
    replace: [
      type: :boolean,
      default: true,
      doc:
        "whether a worker that asks to be replaced, because handlers outlive their tasks there, is drained and started anew"
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
    max_abandoned: [
      type: {:integer, 1},
      doc: "handlers that may outlive their tasks before the worker asks to be replaced"
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
    key: [
      type: :term,
      doc:
        "any term. Where a worker has several OS processes, calls with the same key go to the same one, as long as it is up; " <>
          "`nil` is none"
    ],
    retry: [
      type: :retry,
      doc:
        "how often it is tried, over there: `max_attempts:` (1 to 100, 3), and between two tries `backoff:` (100) to " <>
          "`max_backoff:` (5,000) milliseconds, longer by `factor:` (2) each time, of which the part `jitter:` " <>
          "(`true`, which is 0.5) is left to chance. Only what says that it may pass is tried again. " <>
          "The default is the function's own"
    ],
    meta: [
      type: :meta,
      doc:
        "a map of strings that travels along: to the tasks it leads to, the logs, calls back into the BEAM and the calls " <>
          "that those make"
    ]
  ]

  # A stream or a channel ends when it is over or its process has had enough.
  @open_ended @call
              |> Keyword.drop([:detach, :retry])
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

  # A group or a pipeline itself runs in no lane, and is tried once.
  @scope Keyword.take(@call, [:timeout, :deadline, :on_progress, :name, :key, :meta])

  @group Keyword.merge(@scope,
           on_error: [
             type: {:in, [:cancel_all, :wait_all, :fail_fast]},
             doc:
               "what the failure of one call means to the others: `:cancel_all` stops them, `:wait_all` lets them go on, " <>
                 "`:fail_fast` stops them and makes it the error of the group. The default is `:cancel_all` unless the " <>
                 "function says otherwise"
           ],
           max_concurrency: [
             type: {:integer, 1},
             doc: "how many calls run at once; the default is all of them, as their lanes permit"
           ],
           max_tasks: [
             type: {:integer, 1},
             doc:
               "a group of more calls is refused, as `:overloaded`, with \"task limit exceeded\" in the message"
           ]
         )

  # Where the first decides, the failure of another means nothing.
  @first Keyword.delete(@group, :on_error)

  @group_call Keyword.take(@call, [:timeout, :lane, :priority, :name, :retry])

  # One function with each of many arguments.
  @map @group
       |> Keyword.merge(Keyword.take(@call, [:lane, :priority, :retry]))
       |> Keyword.put(:args, type: :args, default: [], doc: "more arguments, after the element")

  @reduce @map
          |> Keyword.drop([:args, :on_error, :on_progress])
          |> Keyword.merge(
            chunk: [
              type: {:integer, 1},
              doc:
                "how many elements make a call; the default makes four calls for each scheduler of the VM"
            ],
            combine: [
              type: :label,
              doc: "the function that makes one value of a list of them; the default is the same"
            ]
          )

  # The longest is what a worker accepts.
  @profile [
    duration: [
      type: {:integer, 1, 600_000},
      doc:
        "milliseconds over which a `:cpu`, `:block` or `:mutex` profile is taken; 5,000 unless said otherwise. The others " <>
          "take none"
    ],
    file: [type: :string, doc: "a file to write the profile to"]
  ]

  @doc "The options of one kind."
  @spec of(kind()) :: keyword()
  def of(:start), do: @start
  def of(:worker), do: @worker
  def of(:call), do: @call
  def of(:stream), do: @stream
  def of(:channel), do: @channel
  def of(:async_stream), do: @async_stream
  def of(:group), do: @group
  def of(:first), do: @first
  def of(:group_call), do: @group_call
  def of(:map), do: @map
  def of(:reduce), do: @reduce
  def of(:scope), do: @scope
  def of(:profile), do: @profile
end
