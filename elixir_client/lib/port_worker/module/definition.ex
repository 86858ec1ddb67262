defmodule PortWorker.Module.Definition do
  @moduledoc false
  # An Elixir function that stands for one of a worker, as code: its doc, its specs, itself.

  alias PortWorker.Module.{Functions, Types}

  @doc """
  The code of one function for a worker of that name, and the types it needs, as `{name, code}`.

  The last argument is `opts`. Those that Go does not need are `nil` unless they are given.
  """
  @spec quoted(Functions.t(), term()) :: {Macro.t(), [{atom(), Macro.t()}]}
  def quoted(%Functions{name: name, form: form, function: function} = f, worker) do
    {names, required} = Functions.parameters(function)
    variables = Enum.map(names, &Macro.var(&1, nil))
    opts = Macro.var(:opts, nil)
    {needed, optional} = Enum.split(variables, required)
    head = needed ++ Enum.map(optional, &default(&1, nil)) ++ [default(opts, [])]

    code =
      quote do
        @doc unquote(doc(f))
        unquote_splicing(specs(f, required))

        def unquote(name)(unquote_splicing(head)) do
          PortWorker.unquote(form)(
            unquote(worker),
            unquote(function.name),
            unquote(variables),
            unquote(opts)
          )
        end
      end

    {code, types(f)}
  end

  defp default(variable, value), do: {:\\, [], [variable, value]}

  # One for each number of arguments it can be called with.
  defp specs(%{name: name, function: function} = f, required) do
    all =
      for({part, type} <- arguments(function), do: spec(f, part, type)) ++ [quote(do: keyword())]

    for count <- required..length(all) do
      quote(
        do: @spec(unquote(name)(unquote_splicing(Enum.take(all, count))) :: unquote(returned(f)))
      )
    end
  end

  defp returned(%{form: :run} = f),
    do: quote(do: {:ok, unquote(result(f))} | {:error, PortWorker.Error.t()})

  defp returned(%{form: :run!} = f), do: result(f)
  defp returned(%{form: :async}), do: quote(do: Task.t())
  defp returned(%{form: :stream} = f), do: quote(do: Enumerable.t(unquote(result(f))))

  defp returned(%{form: :open}),
    do: quote(do: {:ok, PortWorker.Channel.t()} | {:error, PortWorker.Error.t()})

  defp result(%{function: function} = f), do: spec(f, "result", function.result)

  defp spec(f, part, type), do: Types.spec(type, direction(part), type_name(f, part))

  # The parts of a function, each of which is described by itself.
  defp arguments(function) do
    for {type, index} <- Enum.with_index(function.args, 1), do: {"arg#{index}", type}
  end

  defp input(%{kind: :channel} = function), do: [{"input", function[:input] || :any}]
  defp input(_takes_none), do: []

  defp direction("result"), do: :given
  defp direction(_argument_or_input), do: :taken

  # Types that contain themselves have names, but another part may have the same for another one.
  defp type_name(%{function: function}, part) do
    fn own -> String.to_atom("#{Functions.elixir_name(function.name)}_#{part}_#{own}") end
  end

  defp types(%{function: function} = f) do
    parts = [{"result", function.result} | arguments(function)] ++ input(function)

    named =
      for {part, described} <- parts, {own, type} <- Types.named(described) do
        {type_name(f, part).(own), spec(f, part, type)}
      end

    named ++ conversation(f)
  end

  # What goes through a channel is in no spec of a function.
  defp conversation(%{form: :open, name: name, function: function} = f) do
    prefix = name |> Atom.to_string() |> String.replace_suffix("_open", "")

    [{part, type}] = input(function)

    [
      {String.to_atom(prefix <> "_input"), spec(f, part, type)},
      {String.to_atom(prefix <> "_output"), result(f)}
    ]
  end

  defp conversation(_without), do: []

  defp doc(%{form: form, function: function} = f) do
    [sentence(function), what(form, inspect(function.name)), progress(function), details(f)]
    |> Enum.reject(&(&1 == ""))
    |> Enum.join("\n\n")
  end

  defp sentence(%{doc: ""} = function),
    do: "The function #{inspect(function.name)} of the worker."

  defp sentence(function), do: function.doc

  defp what(:run, name),
    do: "Calls #{name} and waits for the result: see `PortWorker.run/4` for `opts`."

  defp what(:run!, name),
    do: "Calls #{name} and returns the bare value, or raises: see `PortWorker.run!/4` for `opts`."

  defp what(:async, name),
    do: "Calls #{name} in a `Task`, whose value is a result: see `PortWorker.async/4` for `opts`."

  defp what(:stream, name),
    do: "#{name} as a lazy enumerable: see `PortWorker.stream/4` for `opts`."

  defp what(:open, name),
    do: "Opens #{name}: see `PortWorker.open/4` for `opts` and for what to do with the channel."

  defp progress(%{progress: type}), do: "Reports to `:on_progress`: `#{text(type, :given)}`."
  defp progress(_silent), do: ""

  defp details(%{form: :open, function: function}) do
    "It takes `#{text(function[:input] || :any, :taken)}` and gives `#{text(function.result, :given)}`."
  end

  defp details(_function), do: ""

  defp text(type, direction), do: type |> Types.spec(direction) |> Macro.to_string()
end
