defmodule PortWorker.Group do
  @moduledoc false
  # Many calls under one scope, which begin with one frame, end with one, and leave nothing running.
  # The scope is kept over there, by `$group`; here calls are checked before, and outcomes named after.

  alias PortWorker.{Call, Error, Options, Routes, Tasks}

  # What a call in a group has of its own where all calls share one list of options.
  @shared [:lane, :priority, :retry]

  @doc "The outcomes of all calls, in their order, or the error of the group."
  @spec run(PortWorker.worker(), [PortWorker.group_call()], keyword()) ::
          {:ok, [PortWorker.result()]} | {:error, Error.t()}
  def run(worker, calls, opts) do
    calls = calls!(calls)

    with {:ok, outcomes} <- request(worker, calls, %{}, Options.group!(opts)),
         do: outcomes!(outcomes, calls)
  end

  @doc "The first call that ends, or (`:success`) that ends well, with its index; the others are stopped."
  @spec first(PortWorker.worker(), [PortWorker.group_call()], keyword(), :first | :success) ::
          {:ok, {non_neg_integer(), PortWorker.result()}} | {:error, Error.t()}
  def first(worker, calls, opts, until) do
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

  @doc "The outcomes of one function with each of the elements."
  @spec map(PortWorker.worker(), atom() | String.t(), Enumerable.t(), keyword(), keyword()) ::
          {:ok, [PortWorker.result()]} | {:error, Error.t()}
  def map(worker, function, enumerable, opts, defaults) do
    options = Options.group!(Keyword.merge(defaults, opts), :map)
    {shared, wire} = Map.split(options.wire, @shared)
    calls = for element <- enumerable, do: checked!(function, [element | options.args], shared)

    with {:ok, outcomes} <- request(worker, calls, %{}, %{options | wire: wire}),
         do: outcomes!(outcomes, calls)
  end

  @doc "One value of all elements: chunks at once, and then what became of them."
  @spec reduce(PortWorker.worker(), atom() | String.t(), Enumerable.t(), term(), keyword()) ::
          PortWorker.result()
  def reduce(worker, function, enumerable, initial, opts) do
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
      Tasks.run(worker, Call.build!(combine, [[initial | partials]], options))
    end
  end

  @doc "The values of outcomes that are all `:ok`."
  @spec values({:ok, [PortWorker.result()]} | {:error, Error.t()}) ::
          {:ok, [term()]} | {:error, Error.t()}
  def values({:ok, outcomes}), do: {:ok, Enum.map(outcomes, fn {:ok, value} -> value end)}
  def values({:error, _error} = error), do: error

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
    with {:error, error} <- Tasks.run(worker, call), do: {:error, %{error | function: nil}}
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
