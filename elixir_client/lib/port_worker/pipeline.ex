defmodule PortWorker.Pipeline do
  @moduledoc """
  A stream that is made, changed and used up inside the worker: what is between the functions never
  crosses the port.

      iex> alias PortWorker.Pipeline
      iex> 1..5 |> Pipeline.from_list() |> Pipeline.buffered("echo", 4) |> Pipeline.skip(1) |> Pipeline.collect(MyApp.Go)
      {:ok, [2, 3, 4, 5]}

  It has a source, any number of stages, and a way to run it. Building one does nothing; it can be kept and run
  many times. It is sent as one call and runs as one task: it ends as a whole, when its time is up, when it is
  cancelled, and when the process that runs it dies.

  | source | stages | run it with |
  | --- | --- | --- |
  | `from_list/1`, `call/2`, `stream/2` | `map/2`, `flat_map/2`, `buffered/3`, `buffer_unordered/3` | `stream/3`: what comes out, lazily |
  | | `filter/2`, `reject/2`, `take/2`, `skip/2` | `collect/3`: the same as a list |
  | | `chunk/2`, `throttle/2` | `count/3`, `fold/5`: one value |

  Functions are the worker's, by name, of one argument, and each runs in its own lane. `map/2` and its like call one at a
  time; `buffered/3` and `buffer_unordered/3` many. The first failure stops the pipeline and is its error.
  """

  alias PortWorker.{Call, Options, Run}

  @enforce_keys [:source]
  defstruct [:source, stages: []]

  @typedoc "A pipeline that has not been run. Its fields are not for others."
  @opaque t :: %__MODULE__{source: tuple(), stages: [tuple()]}

  @type function_name :: atom() | String.t()

  @doc "Begins with the elements of a list, or of another enumerable that has an end."
  @spec from_list(Enumerable.t()) :: t()
  def from_list(elements), do: %__MODULE__{source: {:list, Enum.to_list(elements)}}

  @doc "Begins with the elements of the list that a function returns."
  @spec call(function_name(), list()) :: t()
  def call(function, args), do: %__MODULE__{source: source(:call, function, args)}

  @doc """
  Begins with what a stream of the worker yields. It is slowed down, and stopped, by the stages after it.

  Of a pipeline and a worker it is `stream/3` without options.
  """
  @spec stream(function_name(), list()) :: t()
  @spec stream(t(), PortWorker.worker()) :: Enumerable.t()
  def stream(%__MODULE__{} = pipeline, worker), do: stream(pipeline, worker, [])
  def stream(function, args), do: %__MODULE__{source: source(:stream, function, args)}

  defp source(kind, function, args) do
    %Call{function: name} = checked!(function, args)
    {kind, name, args}
  end

  @doc "The function's value for each element."
  @spec map(t(), function_name()) :: t()
  def map(pipeline, function), do: add(pipeline, {:map, name!(function)})

  @doc "The elements for which the function returns `true`."
  @spec filter(t(), function_name()) :: t()
  def filter(pipeline, function), do: add(pipeline, {:filter, name!(function)})

  @doc "The elements for which the function returns `false`."
  @spec reject(t(), function_name()) :: t()
  def reject(pipeline, function), do: add(pipeline, {:reject, name!(function)})

  @doc "The elements of the lists that the function returns."
  @spec flat_map(t(), function_name()) :: t()
  def flat_map(pipeline, function), do: add(pipeline, {:flat_map, name!(function)})

  @doc "As `map/2`, with `count` calls at once; what comes out is in the order of what went in."
  @spec buffered(t(), function_name(), pos_integer()) :: t()
  def buffered(pipeline, function, count) do
    add(pipeline, {:buffered, name!(function), number!(count, 1)})
  end

  @doc "As `map/2`, with `count` calls at once; what comes out is in the order in which they end."
  @spec buffer_unordered(t(), function_name(), pos_integer()) :: t()
  def buffer_unordered(pipeline, function, count) do
    add(pipeline, {:buffer_unordered, name!(function), number!(count, 1)})
  end

  @doc "The first `count` elements. What is before it is stopped then."
  @spec take(t(), non_neg_integer()) :: t()
  def take(pipeline, count), do: add(pipeline, {:take, number!(count, 0)})

  @doc "All but the first `count` elements."
  @spec skip(t(), non_neg_integer()) :: t()
  def skip(pipeline, count), do: add(pipeline, {:skip, number!(count, 0)})

  @doc "Lists of `count` elements; the last may be shorter."
  @spec chunk(t(), pos_integer()) :: t()
  def chunk(pipeline, count), do: add(pipeline, {:chunk, number!(count, 1)})

  @doc "The same elements, at least so many milliseconds apart."
  @spec throttle(t(), non_neg_integer()) :: t()
  def throttle(pipeline, milliseconds), do: add(pipeline, {:throttle, number!(milliseconds, 0)})

  @doc """
  What comes out, as a lazy enumerable: `PortWorker.stream/4` of the pipeline, with its options, demand
  and errors.

      iex> alias PortWorker.Pipeline
      iex> squares = "range" |> Pipeline.stream([1, 1_000_000]) |> Pipeline.buffered("echo", 8) |> Pipeline.chunk(2)
      iex> squares |> Pipeline.stream(MyApp.Go, demand: 4) |> Enum.take(2)
      [[1, 2], [3, 4]]
  """
  @spec stream(t(), PortWorker.worker(), keyword()) :: Enumerable.t()
  def stream(%__MODULE__{} = pipeline, worker, opts) do
    PortWorker.stream(worker, "$pipeline", args(pipeline, []), opts)
  end

  @doc """
  A list of all that comes out.

  #{Options.docs(:scope)}
  """
  @spec collect(t(), PortWorker.worker(), keyword()) :: PortWorker.result()
  def collect(pipeline, worker, opts \\ []), do: run(pipeline, worker, :collect, opts)

  @doc """
  How many elements come out. The options are those of `collect/3`.

      iex> alias PortWorker.Pipeline
      iex> "range" |> Pipeline.stream([1, 10_000]) |> Pipeline.skip(10) |> Pipeline.count(MyApp.Go)
      {:ok, 9_990}
  """
  @spec count(t(), PortWorker.worker(), keyword()) :: PortWorker.result()
  def count(pipeline, worker, opts \\ []), do: run(pipeline, worker, :count, opts)

  @doc """
  One value of all that comes out: the function is called with the state, at first `initial`, and each element in
  turn, and returns the next state. The options are those of `collect/3`.
  """
  @spec fold(t(), PortWorker.worker(), function_name(), term(), keyword()) :: PortWorker.result()
  def fold(pipeline, worker, function, initial, opts \\ []) do
    run(pipeline, worker, {:fold, name!(function), initial}, opts)
  end

  defp run(%__MODULE__{} = pipeline, worker, last, opts) do
    call = Call.build!("$pipeline", args(pipeline, [last]), Options.scope!(opts))

    # The error is that of a function inside.
    with {:error, error} <- Run.run(worker, call), do: {:error, %{error | function: nil}}
  end

  defp args(pipeline, last), do: [pipeline.source, Enum.reverse(pipeline.stages, last)]

  defp add(%__MODULE__{stages: stages} = pipeline, stage),
    do: %{pipeline | stages: [stage | stages]}

  defp name!(function), do: checked!(function, []).function

  defp checked!(function, args), do: Call.build!(function, args, %{detach: false, wire: %{}})

  # What the worker accepts.
  @most 1_000_000_000

  defp number!(number, least) when is_integer(number) and number in least..@most, do: number

  defp number!(other, least) do
    raise ArgumentError,
          "expected a whole number from #{least} to #{@most}, got: #{inspect(other)}"
  end
end
