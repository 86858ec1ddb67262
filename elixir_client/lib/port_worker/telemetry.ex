defmodule PortWorker.Telemetry do
  @moduledoc """
  The events of the client, for `:telemetry`.

  They are sent when the library `:telemetry` is there, which the host application decides by depending on it, or on something that
  does. It is looked for once, when the application `:portworker` starts; without it a call costs no more than to see that.

      :telemetry.attach("slow calls", [:portworker, :call, :stop], &MyApp.Metrics.handle/4, nil)

  <!-- events -->

  | event | measurements | metadata |
  | --- | --- | --- |
  | `[:portworker, :call, :start]` | `system_time`, `monotonic_time` | `worker`, `index`, `function`, `lane`, `task`, `telemetry_span_context` |
  | `[:portworker, :call, :stop]` | `duration`, `monotonic_time` | the same, `result`, `reason` |
  | `[:portworker, :call, :exception]` | `duration`, `monotonic_time` | those of the start, `kind`, `reason`, `stacktrace` |
  | `[:portworker, :stream, :start]` | `system_time`, `monotonic_time` | as a call's |
  | `[:portworker, :stream, :stop]` | `duration`, `monotonic_time`, `elements` | as a call's |
  | `[:portworker, :stream, :exception]` | `duration`, `monotonic_time` | as a call's |
  | `[:portworker, :channel, :start]` | `system_time`, `monotonic_time` | as a call's |
  | `[:portworker, :channel, :stop]` | `duration`, `monotonic_time` | as a call's |
  | `[:portworker, :queue, :high]` | `length`, `monotonic_time`, `system_time` | `worker`, `index` |
  | `[:portworker, :queue, :low]` | `duration`, `monotonic_time`, `system_time` | `worker`, `index` |
  | `[:portworker, :worker, :up]` | `duration`, `monotonic_time`, `system_time` | `worker`, `index`, `os_pid`, `name`, `version` |
  | `[:portworker, :worker, :down]` | `duration`, `monotonic_time`, `system_time` | `worker`, `index`, `os_pid`, `state`, `reason`, `exit_status` |
  | `[:portworker, :heartbeat]` | `duration`, `in_flight`, `monotonic_time` | `worker`, `index` |

  Times are in native units, for `System.convert_time_unit/3`. No event has arguments, results, elements, messages or details of
  errors, which may be nobody else's business. What the caller's own code raised is as it raised it.

  | measurement | is |
  | --- | --- |
  | `duration` | of a call, a stream or a channel, how long it was under way, from here and back; of a queue, how long it was high; when a worker comes up, from the start of its executable to its hello; when it goes down, from its hello on, 0 if it said none; of a heartbeat, from a ping to its answer, behind what was to be written before |
  | `elements` | how many elements the consumer was given |
  | `length` | messages that wait because the pipe is full, 1,024 or more: the worker reads more slowly than it is called, or not at all |
  | `in_flight` | calls that were written and not answered yet |

  | metadata | is |
  | --- | --- |
  | `worker` | of a call, a stream or a channel, the worker as the caller named it; else its name, or its pid if it has none |
  | `index` | which of the worker's OS processes, from 1; of a call, a stream or a channel, `nil` while the worker is down |
  | `function` | the name, a string |
  | `lane` | the lane the call asks for, else the function's own; `nil` while the worker is down and for functions it has not |
  | `task` | the `:name` of the call, or `nil` |
  | `telemetry_span_context` | a reference that the start and the end have in common |
  | `result` | `:ok` or `:error` |
  | `reason` | at a stop, `nil` or the reason of the error, see `t:PortWorker.Error.reason/0`; at an exception, what was raised, thrown or exited with; of a worker, why it is down |
  | `kind`, `stacktrace` | as in `catch`: `:error`, `:exit` or `:throw`; functions with their arities, never with arguments |
  | `os_pid` | of the OS process, or `nil` if it said no hello |
  | `name`, `version` | what the worker says of itself |
  | `state` | what it was when it went down: `:starting`, `:up`, or `:draining` if it was told to end |
  | `exit_status` | of the OS process, as far as the VM was told, or `nil` |

  <!-- end -->

  ## What is a span

  Each call is a span: of `PortWorker.run/4`, `PortWorker.async/4`, `PortWorker.start_task/4` and `PortWorker.cast/4`, each element's of
  `PortWorker.async_stream/4`, and also those that the client's own functions make, with names like `$group`. What is called by a
  group or a pipeline over there is part of its span.

    * An error of the worker's is a stop with `result: :error`, as is a call that was refused, and one that was given up, with the reason
      `:cancelled` or `:timeout`
    * An exception is code of the caller's own that raised, threw or exited meanwhile: a function given as `:on_progress` of a
      call, or the consumer of a stream. A channel has none
    * A consumer that takes no more of a stream, and an owner that closes its channel, end them well: `result: :ok`

  Events of `run/4`, `async/4`, `async_stream/4` and `stream/4` are sent by the process that calls or consumes. Of a task, a cast and a channel,
  whose end may be nobody's to wait for, the process of the connection sends the stop, as it does those of the worker. A handler there holds
  up all that the worker says: as ever, it should be quick. A caller that is killed while it waits sends no stop, and neither does a
  connection that is.
  """

  @spans [
    [:portworker, :call, :start],
    [:portworker, :call, :stop],
    [:portworker, :call, :exception],
    [:portworker, :stream, :start],
    [:portworker, :stream, :stop],
    [:portworker, :stream, :exception],
    [:portworker, :channel, :start],
    [:portworker, :channel, :stop]
  ]

  @others [
    [:portworker, :queue, :high],
    [:portworker, :queue, :low],
    [:portworker, :worker, :up],
    [:portworker, :worker, :down],
    [:portworker, :heartbeat]
  ]

  @doc """
  All events, for `:telemetry.attach_many/4`.

      iex> [:portworker, :call, :stop] in PortWorker.Telemetry.events()
      true
  """
  @spec events() :: [[atom(), ...]]
  def events, do: @spans ++ @others

  # What is looked at before anything else is done for an event. An atom under an atom is the cheapest that there is.
  @doc false
  @spec setup(module()) :: :ok
  def setup(module \\ :telemetry) do
    :persistent_term.put(__MODULE__, if(Code.ensure_loaded?(module), do: module))
  end

  @doc false
  @spec on?() :: boolean()
  def on?, do: :persistent_term.get(__MODULE__, nil) != nil

  @doc false
  @spec execute([atom(), ...], map(), map()) :: :ok
  def execute(event, measurements, metadata) do
    case :persistent_term.get(__MODULE__, nil) do
      nil -> :ok
      module -> module.execute([:portworker | event], measurements, metadata)
    end
  end
end
