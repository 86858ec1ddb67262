defmodule Bench.Table do
  @moduledoc """
  What is measured side by side: several subjects, in turn, each in some rounds.

    * `:id` - a word for raw results and plots
    * `:title` - what it is about
    * `:subjects` - `{name, fun}`: a measurement, which returns `%{metric => value}`
    * `:metrics` - `{metric, text}`, in the order in which they are shown
    * `:base` - the subject to which the others are compared, if any
    * `:goals` - `{subject, metric, goal}`: what is to be reached
    * `:rounds` - the most rounds that are worth their time
    * `:schedulers` - how many schedulers are online meanwhile, if not all

  Each round begins with how near the processors are to each other, see `Bench.Line`.
  """

  alias Bench.{Alone, Line, Statistics}

  @enforce_keys [:id, :title, :subjects, :metrics]
  defstruct [:id, :title, :subjects, :metrics, :base, :schedulers, goals: [], rounds: 1000]

  @typedoc "A bound for the value, or for its ratio to the base."
  @type goal :: {:value | :ratio, :at_least | :at_most, number()}
  @type metric :: atom()
  @type subject :: String.t()
  @type t :: %__MODULE__{
          id: String.t(),
          title: String.t(),
          subjects: [{subject(), (() -> %{metric() => number()})}],
          metrics: [{metric(), String.t()}],
          base: subject() | nil,
          goals: [{subject(), metric(), goal()}],
          rounds: pos_integer(),
          schedulers: pos_integer() | nil
        }

  @typedoc "The values of all rounds, in their order."
  @type samples :: %{({subject(), metric()} | :line) => [number(), ...]}

  @doc "The same table with one scheduler online, which leaves the program a processor to itself where there are two."
  @spec on_one_scheduler(t()) :: t()
  def on_one_scheduler(table) do
    %{table | id: table.id <> "-one", title: table.title <> ", one scheduler", schedulers: 1}
  end

  @doc "Measures in `rounds` rounds: the first subject, the second, and so on, and again from the first."
  @spec measure(t(), pos_integer()) :: samples()
  def measure(%{schedulers: nil} = table, rounds) do
    1..min(rounds, table.rounds)
    |> Enum.flat_map(fn _round -> line() ++ subjects(table) end)
    |> Enum.group_by(&elem(&1, 0), &elem(&1, 1))
  end

  def measure(%{schedulers: schedulers} = table, rounds) do
    all = :erlang.system_flag(:schedulers_online, schedulers)

    try do
      measure(%{table | schedulers: nil}, rounds)
    after
      :erlang.system_flag(:schedulers_online, all)
    end
  end

  defp line,
    do: for(nanoseconds when nanoseconds != nil <- [Line.round_trip()], do: {:line, nanoseconds})

  defp subjects(table) do
    for {subject, fun} <- table.subjects,
        {metric, value} <- Alone.run(fun),
        do: {{subject, metric}, value}
  end

  @doc "The median of what a value was to the base's of the same round; `nil` without a base to divide by."
  @spec ratio(t(), samples(), subject(), metric()) :: float() | nil
  def ratio(%{base: base} = _table, samples, subject, metric)
      when base != subject and is_map_key(samples, {base, metric}) do
    ratios = Enum.zip_with(samples[{subject, metric}], samples[{base, metric}], &divide/2)
    unless :infinity in ratios, do: Statistics.median(ratios)
  end

  def ratio(_table, _samples, _subject, _metric), do: nil

  # What took too little CPU time to be measured is nothing to compare with.
  defp divide(_value, base) when base == 0, do: :infinity
  defp divide(value, base), do: value / base

  @doc "The goals of a subject, and whether each was reached."
  @spec goals(t(), samples(), subject(), metric()) :: [{goal(), boolean()}]
  def goals(table, samples, subject, metric) do
    for {^subject, ^metric, {kind, bound, limit} = goal} <- table.goals do
      reached =
        case kind do
          :value -> Statistics.median(samples[{subject, metric}])
          :ratio -> ratio(table, samples, subject, metric)
        end

      {goal, reached?(bound, reached, limit)}
    end
  end

  defp reached?(_bound, nil, _limit), do: false
  defp reached?(:at_least, value, limit), do: value >= limit
  defp reached?(:at_most, value, limit), do: value <= limit
end
