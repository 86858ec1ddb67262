defmodule PortWorker.Group do
  @moduledoc """
  Many calls under one scope: they begin with one frame, end with one, and leave nothing running. `PortWorker` has all of
  these functions, too, and `docs/groups.md` says which to use.
  """

  # The scope is kept over there, by `$group`; here calls are checked before, and outcomes named after.

  alias PortWorker.{Call, Error, Options, Routes, Run}

  # What a call in a group has of its own where all calls share one list of options.
  @shared [:lane, :priority, :retry]

  @doc """
  Makes many calls under one scope, with one message.

  A call is `{name, arguments}` or `{name, arguments, options}`. Returns when every one of them has ended, with their
  outcomes in the order of the calls. One that was stopped, or never started, has the reason `:cancelled`.

      iex> PortWorker.group(MyApp.Go, [{"upcase", ["a"]}, {"sleep", [0], lane: :cpu}])
      {:ok, [ok: "A", ok: :ok]}

      iex> {:ok, [a, b]} = PortWorker.group(MyApp.Go, [{"no such function", []}, {"sleep", [60_000]}])
      iex> {elem(a, 1).reason, elem(b, 1).reason}
      {:unknown_function, :cancelled}

  `{:error, error}` is for the group as a whole: its time is up, the worker is gone, with `on_error: :fail_fast` the first failure
  (its message begins with the call's index), or more calls than `:max_tasks` (TaskLimitExceeded: `:overloaded`, "task limit
  exceeded").

  #{Options.docs(:group)}

  A report to `:on_progress` is `{index, term}`. The options of one call:

  #{Options.docs(:group_call)}
  """
  @spec group(PortWorker.worker(), [PortWorker.group_call()], keyword()) ::
          {:ok, [PortWorker.result()]} | {:error, Error.t()}
  def group(worker, calls, opts \\ []) do
    calls = calls!(calls)

    with {:ok, outcomes} <- request(worker, calls, %{}, Options.group!(opts)),
         do: outcomes!(outcomes, calls)
  end

  @doc """
  Waits for all calls, whatever becomes of them: `group/3` with `on_error: :wait_all`.

      iex> {:ok, [{:ok, "A"}, {:error, _}]} = PortWorker.join_all(MyApp.Go, [{"upcase", ["a"]}, {"upcase", [1]}])
  """
  @spec join_all(PortWorker.worker(), [PortWorker.group_call()], keyword()) ::
          {:ok, [PortWorker.result()]} | {:error, Error.t()}
  def join_all(worker, calls, opts \\ []) do
    group(worker, calls, Keyword.put(opts, :on_error, :wait_all))
  end

  @doc """
  The values of all calls, or the first error, which stops the others.

      iex> PortWorker.try_join_all(MyApp.Go, [{"upcase", ["a"]}, {"upcase", ["b"]}])
      {:ok, ["A", "B"]}
  """
  @spec try_join_all(PortWorker.worker(), [PortWorker.group_call()], keyword()) ::
          {:ok, [term()]} | {:error, Error.t()}
  def try_join_all(worker, calls, opts \\ []) do
    worker |> group(calls, Keyword.put(opts, :on_error, :fail_fast)) |> values()
  end

  @doc """
  The outcome of the call that ends first, well or not. The others are stopped, and have ended when this returns.

      iex> PortWorker.race(MyApp.Go, [{"sleep", [60_000]}, {"upcase", ["a"]}])
      {:ok, "A"}

  The options are those of `group/3` but for `:on_error`.
  """
  @spec race(PortWorker.worker(), [PortWorker.group_call()], keyword()) :: PortWorker.result()
  def race(worker, calls, opts \\ []) do
    with {:ok, {_index, outcome}} <- select_all(worker, calls, opts), do: outcome
  end

  @doc """
  As `race/3`, with the index of the call.

      iex> PortWorker.select_all(MyApp.Go, [{"sleep", [60_000]}, {"upcase", ["a"]}])
      {:ok, {1, {:ok, "A"}}}

  The options are those of `race/3`.
  """
  @spec select_all(PortWorker.worker(), [PortWorker.group_call()], keyword()) ::
          {:ok, {non_neg_integer(), PortWorker.result()}} | {:error, Error.t()}
  def select_all(worker, calls, opts \\ []), do: first(worker, calls, opts, :first)

  @doc """
  The first value; failures before it do not count. The others are stopped.

      iex> PortWorker.try_first(MyApp.Go, [{"no such function", []}, {"upcase", ["a"]}])
      {:ok, "A"}

  When all fail, the error has the reason `:failed`, and all outcomes as its `:details`. The options are those of `race/3`.
  """
  @spec try_first(PortWorker.worker(), [PortWorker.group_call()], keyword()) ::
          PortWorker.result()
  def try_first(worker, calls, opts \\ []) do
    with {:ok, {_index, outcome}} <- first(worker, calls, opts, :success), do: outcome
  end

  @doc """
  Calls one function with each element, in one group.

      iex> PortWorker.async_map(MyApp.Go, "upcase", ["a", "b"])
      {:ok, [ok: "A", ok: "B"]}

  `:on_error` is `:wait_all` unless given. `PortWorker.async_stream/4` is for enumerables that are too large to be sent at once.

  #{Options.docs(:map)}
  """
  @spec async_map(PortWorker.worker(), atom() | String.t(), Enumerable.t(), keyword()) ::
          {:ok, [PortWorker.result()]} | {:error, Error.t()}
  def async_map(worker, function, enumerable, opts \\ []) do
    map(worker, function, enumerable, opts, on_error: :wait_all)
  end

  @doc """
  The values of one function with each element, on the `:cpu` lane unless `:lane` says otherwise.

      iex> PortWorker.parallel_map(MyApp.Go, "sum", [3, 4])
      {:ok, [6, 10]}

  The first failure stops the others and is returned. The options are those of `async_map/4` but for `:on_error`.
  """
  @spec parallel_map(PortWorker.worker(), atom() | String.t(), Enumerable.t(), keyword()) ::
          {:ok, [term()]} | {:error, Error.t()}
  def parallel_map(worker, function, enumerable, opts \\ []) do
    opts = Keyword.put(opts, :on_error, :fail_fast)
    worker |> map(function, enumerable, opts, lane: :cpu) |> values()
  end

  @doc """
  One value of all elements, made on the `:cpu` lane, many parts at once.

  The function takes a list and returns one value: a sum, a maximum, a merged index. It is called with chunks of the
  elements, and at last with `initial` and what became of the chunks:

      f([initial, f([e1, e2]), f([e3, e4]), ...])

  For the result not to depend on the chunks, it must not matter what is put together first, `f(a ++ b) == f([f(a), f(b)])`, as
  with any associative operation. Order is kept, so it need not be commutative. `initial` counts once. Without elements the
  result is `f([initial])`. Where a part is of another type than an element, `:combine` names another function for the
  last step.

  The first failure stops the rest and is returned. Both steps are within one `:timeout`.

  #{Options.docs(:reduce)}
  """
  @spec parallel_reduce(
          PortWorker.worker(),
          function :: atom() | String.t(),
          Enumerable.t(),
          initial :: term(),
          keyword()
        ) :: PortWorker.result()
  def parallel_reduce(worker, function, enumerable, initial, opts \\ []) do
    options = Options.group!(Keyword.merge([lane: :cpu], opts), :reduce)
    {shared, wire} = Map.split(options.wire, @shared)

    options =
      within(worker, %{options | wire: wire, group: Map.put(options.group, :on_error, :fail_fast)})

    elements = Enum.to_list(enumerable)
    size = Map.get_lazy(options, :chunk, fn -> chunk(length(elements)) end)

    calls = for chunk <- Enum.chunk_every(elements, size), do: checked!(function, [chunk], shared)

    with {:ok, partials} <- request(worker, calls, %{}, options) do
      partials = for {:ok, partial} <- partials, do: partial
      options = %{options | wire: Map.merge(wire, shared)}
      combine = Map.get(options, :combine, function)
      Run.run(worker, Call.build!(combine, [[initial | partials]], options))
    end
  end

  # The first call that ends, or (`:success`) that ends well, with its index; the others are stopped.
  defp first(worker, calls, opts, until) do
    calls = calls!(calls)

    case request(worker, calls, %{until: until}, Options.group!(opts, :first)) do
      {:ok, {index, outcome}} ->
        {:ok, {index, outcome(outcome, Enum.at(calls, index))}}

      # Who waits for a success learns how each has failed.
      {:error, %Error{reason: :failed, details: [_ | _] = details} = error} ->
        {:error, %{error | details: Enum.zip_with(details, calls, &outcome/2)}}

      other ->
        other
    end
  end

  defp map(worker, function, enumerable, opts, defaults) do
    options = Options.group!(Keyword.merge(defaults, opts), :map)
    {shared, wire} = Map.split(options.wire, @shared)
    calls = for element <- enumerable, do: checked!(function, [element | options.args], shared)

    with {:ok, outcomes} <- request(worker, calls, %{}, %{options | wire: wire}),
         do: outcomes!(outcomes, calls)
  end

  # Only for outcomes that are all `:ok`.
  defp values({:ok, outcomes}), do: {:ok, Enum.map(outcomes, fn {:ok, value} -> value end)}
  defp values({:error, _error} = error), do: error

  # Four to each scheduler, so that one that takes longer leaves work for the others.
  defp chunk(count), do: max(1, div(count, 4 * System.schedulers_online()))

  # Both steps of a reduction have one budget.
  defp within(worker, options) do
    call = Call.build!("$group", [], options)

    with {:ok, route} <- Routes.fetch(worker, call),
         left when is_integer(left) <- Call.time_left(call, route) do
      Map.put(options, :deadline, Call.deadline(left))
    else
      _infinity_or_down -> options
    end
  end

  defp request(worker, calls, more, options) do
    call = Call.build!("$group", [calls, Map.merge(options.group, more)], options)

    # The group is no function of anybody's: an error of it speaks for itself.
    with {:error, error} <- Run.run(worker, call), do: {:error, %{error | function: nil}}
  end

  defp calls!(calls) when is_list(calls), do: Enum.map(calls, &call!/1)

  defp calls!(other) do
    raise ArgumentError, "expected a list of calls, got: #{inspect(other, limit: 5)}"
  end

  defp call!({function, args}), do: checked!(function, args, %{})
  defp call!({function, args, opts}), do: checked!(function, args, Options.group_call!(opts))

  defp call!(other) do
    raise ArgumentError,
          "expected a call, {name, arguments} or {name, arguments, options}, got: #{inspect(other, limit: 5)}"
  end

  defp checked!(function, args, opts) do
    %Call{function: name} = Call.build!(function, args, %{detach: false, wire: opts})
    if opts == %{}, do: {name, args}, else: {name, args, opts}
  end

  defp outcomes!(outcomes, calls), do: {:ok, Enum.zip_with(outcomes, calls, &outcome/2)}

  defp outcome({:ok, _value} = ok, _call), do: ok

  defp outcome({:error, error}, call) do
    {:error, %{Error.from_wire(error) | function: elem(call, 0)}}
  end
end
