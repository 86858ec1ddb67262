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
  """

  alias Bench.{Alone, Statistics}

  @enforce_keys [:id, :title, :subjects, :metrics]
  defstruct [:id, :title, :subjects, :metrics, :base, goals: [], rounds: 1000]

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
          rounds: pos_integer()
        }

  @typedoc "The values of all rounds, in their order."
  @type samples :: %{{subject(), metric()} => [number(), ...]}

  @doc "Measures in `rounds` rounds: the first subject, the second, and so on, and again from the first."
  @spec measure(t(), pos_integer()) :: samples()
  def measure(table, rounds) do
    values =
      for _round <- 1..min(rounds, table.rounds),
          {subject, fun} <- table.subjects,
          {metric, value} <- Alone.run(fun),
          do: {{subject, metric}, value}

    Enum.group_by(values, &elem(&1, 0), &elem(&1, 1))
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
