defmodule PortWorker.Test do
  @moduledoc """
  Stubs in the place of a worker, for tests that are to run without one.

  A worker whose `:command` is `:stub` starts no OS process. What its functions do, each test says for itself, and for nobody
  else, so that tests can be `async: true`:

      test "greets loudly" do
        PortWorker.Test.stub(MyApp.Go, "upcase", fn text -> {:ok, String.upcase(text)} end)

        assert MyApp.Greeter.greet("Ann") == "HELLO ANN"
      end

  Everything but the function is as with a real worker: calls are encoded, sent, timed, cancelled and answered by the same
  code. A real one is not much slower in coming, so stubs are for what it cannot do at will: fail, be late, be called
  exactly twice. `docs/testing.md` has more.

  ## Setting up

  The command is best told by the configuration. In `config/config.exs` and `config/test.exs`:

      config :my_app, MyApp.Go, command: {:my_app, "my_worker"}
      config :my_app, MyApp.Go, command: :stub

  and in the supervision tree `{PortWorker, name: MyApp.Go, otp_app: :my_app}`. What is given there wins over the configuration, so there
  must be no `:command`. A module that says `use PortWorker` needs only the line in `config/test.exs`. All other options may stay;
  those that are about an OS process mean nothing.

  ## Whose stubs

  A call is answered by the stub of the first of these that has one for the function:

    * the process that calls
    * those it works for: a `Task` works for the process that has started it (`$callers`)
    * those that have started it: a process below `start_supervised/1` was started by the test (`$ancestors`)

  and each of them also uses the stubs of a process that has let it, with `allow/3`. What a process has given goes when it ends.

  A call that there is no stub for raises a `PortWorker.Test.UnexpectedCallError` in the process that makes it, which says what to write.
  """

  alias PortWorker.{Error, Routes}
  alias PortWorker.Test.{Caller, Stubs, Task, UnexpectedCallError}

  @doc """
  Says what a function does, for the calls that are made for this process.

  The stub takes what the function takes, and runs in a process of its own. What it returns depends on how it is called:

    * with `PortWorker.run/4` and all others that wait for one result: `{:ok, value}`
    * with `PortWorker.stream/4`: an enumerable of the elements. It is gone through as they are asked for
    * with `PortWorker.open/4`: an enumerable of the outputs, made of `inputs/0`

  or `{:error, error}`, where the error is a reason of `t:PortWorker.Error.reason/0`, a message, both as `{reason, message}`, or a
  `PortWorker.Error`, which can also be raised. Any other exception is, as a panic in Go, an error with the reason `:panic`. In addition
  `verify!/1` raises it again: so assertions can stand in a stub.

      iex> PortWorker.Test.stub(MyApp.Stub, "upcase", fn text -> {:ok, String.upcase(text)} end)
      iex> PortWorker.run(MyApp.Stub, "upcase", ["hello"])
      {:ok, "HELLO"}

      iex> PortWorker.Test.stub(MyApp.Stub, "load", fn _path -> {:error, {:overloaded, "later"}} end)
      iex> {:error, error} = PortWorker.run(MyApp.Stub, "load", ["/tmp"])
      iex> {error.reason, error.message}
      {:overloaded, "later"}

      iex> PortWorker.Test.stub(MyApp.Stub, "range", fn first, last -> first..last end)
      iex> MyApp.Stub |> PortWorker.stream("range", [1, 1_000_000]) |> Enum.take(2)
      [1, 2]

  A second stub takes the place of the first. One that takes long meets the call's `:timeout`, or is cancelled.
  """
  @spec stub(PortWorker.worker(), atom() | String.t(), function()) :: :ok
  def stub(worker, function, stub) when is_function(stub) do
    Stubs.stub(self(), stubbed!(worker), name!(function), stub)
  end

  @doc """
  As `stub/3`, for `count` calls, of which `verify!/1` finds out whether they were made.

  Expectations are used in the order in which they were given; after them comes the stub, if there is one.

      iex> PortWorker.Test.expect(MyApp.Stub, "next", fn -> {:ok, 1} end)
      iex> PortWorker.Test.expect(MyApp.Stub, "next", 2, fn -> {:ok, 2} end)
      iex> for _ <- 1..3, do: PortWorker.run!(MyApp.Stub, "next")
      [1, 2, 2]
      iex> PortWorker.Test.verify!()
      :ok
  """
  @spec expect(PortWorker.worker(), atom() | String.t(), pos_integer(), function()) :: :ok
  def expect(worker, function, count \\ 1, stub)
      when is_integer(count) and count > 0 and is_function(stub) do
    Stubs.expect(self(), stubbed!(worker), name!(function), count, stub)
  end

  @doc """
  Lets another process use the stubs of `owner`, for one that the test has neither started nor called for. It is a pid or a name.
  """
  @spec allow(PortWorker.worker(), owner :: pid(), GenServer.server()) :: :ok
  def allow(worker, owner, other) when is_pid(owner) do
    case GenServer.whereis(other) do
      pid when is_pid(pid) ->
        Stubs.allow(stubbed!(worker), owner, pid)

      _none ->
        raise ArgumentError, "expected a pid or the name of a process, got: #{inspect(other)}"
    end
  end

  @doc """
  The inputs of a channel, for the stub that was opened.

  It is a lazy enumerable, which ends when the input is closed. What a stub makes of it are the outputs, and a state
  is what `Stream.transform/3` carries along:

      iex> PortWorker.Test.stub(MyApp.Stub, "sum", fn first ->
      ...>   Stream.transform(PortWorker.Test.inputs(), first, fn
      ...>     {:add, n}, sum -> {[sum + n], sum + n}
      ...>     :stop, sum -> {:halt, sum}
      ...>   end)
      ...> end)
      iex> {:ok, channel} = PortWorker.open(MyApp.Stub, "sum", [10])
      iex> Enum.into([{:add, 1}, {:add, 2}, :stop], channel)
      iex> Enum.to_list(channel)
      [11, 13]
  """
  @spec inputs() :: Enumerable.t()
  def inputs, do: "inputs/0" |> Task.current!() |> Task.inputs()

  @doc """
  Reports progress, from within a stub. It goes nowhere if the call has no `:on_progress`.

      iex> PortWorker.Test.stub(MyApp.Stub, "copy", fn ->
      ...>   PortWorker.Test.progress(50)
      ...>   {:ok, "done"}
      ...> end)
      iex> PortWorker.run(MyApp.Stub, "copy", [], on_progress: &Kernel.send(self(), {:percent, &1}))
      {:ok, "done"}
      iex> receive do: ({:percent, n} -> n)
      50
  """
  @spec progress(term()) :: :ok
  def progress(term) do
    task = Task.current!("progress/1")
    if task.progress?, do: Task.say(task, {:progress, task.ref, term}), else: :ok
  end

  @doc """
  Raises unless all that this process, or `owner`, has expected was called, and no stub has raised.
  """
  @spec verify!(pid()) :: :ok
  def verify!(owner \\ self()) do
    Stubs.ensure_started()

    case Stubs.verify(owner) do
      :ok -> :ok
      {:failed, {kind, reason, stack}} -> :erlang.raise(kind, reason, stack)
      {:missing, missing} -> raise UnexpectedCallError, missing(missing)
    end
  end

  @doc """
  Calls `verify!/1` at the end of the test.

      setup :verify_on_exit!
  """
  @spec verify_on_exit!(map()) :: :ok
  def verify_on_exit!(_context \\ %{}) do
    Stubs.ensure_started()
    owner = self()
    Stubs.keep(owner)

    on_exit(fn ->
      try do
        verify!(owner)
      after
        Stubs.forget(owner)
      end
    end)
  end

  # ExUnit is there where there are tests; nothing else here refers to it.
  defp on_exit(fun),
    do: apply(Module.concat(ExUnit, Callbacks), :on_exit, [{__MODULE__, self()}, fun])

  defp missing(missing) do
    Enum.map_join(missing, "\n", fn {worker, function, wanted, called} ->
      "#{inspect(function)} of #{inspect(worker)} was expected #{Caller.times(wanted)}, and was called #{Caller.times(called)}"
    end)
  end

  defp stubbed!(worker) do
    case Routes.chooser(worker) do
      {Caller, key} ->
        key

      _other ->
        raise ArgumentError,
              "expected a worker that was started with command: :stub, got: #{inspect(worker)}, which " <>
                why_not(worker)
    end
  end

  defp why_not(worker) do
    case Routes.fetch(worker) do
      {:ok, _route} -> "is a real one"
      {:error, %Error{message: message}} -> "is none: #{message}"
    end
  end

  defp name!(function) when is_binary(function) and function != "", do: function
  defp name!(function) when is_atom(function) and function != nil, do: Atom.to_string(function)

  defp name!(other) do
    raise ArgumentError,
          "expected the name of a function, a string or an atom, got: #{inspect(other)}"
  end
end
