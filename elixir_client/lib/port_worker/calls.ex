defmodule PortWorker.Calls do
  @moduledoc false
  # Who waits for which call: the part of a connection that every call goes through twice. It is kept in the
  # dictionary of the connection's process, the one store that is changed without making garbage.
  #
  # A call is a number on the wire, given out by `PortWorker.Pending`; nothing else is as cheap to write and to
  # read over there and back. Here the number leads to the process and to the reference that it waits for.
  # Whoever gives up has the number taken out, and nothing can arrive afterwards.
  #
  # The same goes for the processes that call: each is watched from its first call to its death.

  alias PortWorker.{Pending, Session, Waiting}

  @typedoc """
  Where an answer goes. A task is entered in a table as well, for nobody may be waiting who knows it. To be nudged is one who waits
  without a timer, see `PortWorker.Waiting`.
  """
  @type to ::
          {pid(), reference()}
          | {pid(), reference(), :nudge}
          | {pid(), reference(), Pending.place()}
  @type id :: pos_integer()

  # Where the call is kept that was written by its caller last, with its owner and, once that is dead, how many
  # signs of life are to come before the one by which it is given up: a worker answers what it cancels.
  @alone :"$portworker_alone"
  @signs 1

  @doc "A call is made."
  @spec enter(id(), to()) :: :ok
  def enter(id, to) do
    _ = :erlang.put(id, to)
    :ok
  end

  @doc """
  The same for one that its caller writes, of which there is one at a time. Whoever is killed just before has said so and not done
  so, and then no answer comes.
  """
  @spec enter_alone(id(), to(), owner :: pid()) :: :ok
  def enter_alone(id, to, owner) do
    _ = Process.put(@alone, {id, owner, :alive})
    enter(id, to)
  end

  # It is doubtful whether it has been written.
  defp doubt(owner) do
    with {id, ^owner, :alive} <- Process.get(@alone), do: Process.put(@alone, {id, owner, @signs})
    :ok
  end

  @doc """
  The worker has given a sign of life. Returns whether a call was taken out, of which two such signs have said nothing since its caller died:
  it has not been written.
  """
  @spec sign_of_life() :: boolean()
  def sign_of_life do
    case Process.get(@alone) do
      {id, _owner, 0} ->
        _ = Process.delete(@alone)
        take(id) != nil

      {id, owner, signs} when is_integer(signs) ->
        _ = Process.put(@alone, {id, owner, signs - 1})
        false

      _none ->
        false
    end
  end

  @doc "The call is over. Returns whose it was, or `nil` if nobody waits for it."
  @spec take(id()) :: to() | nil
  def take(id) do
    case :erlang.erase(id) do
      :undefined -> nil
      to -> to
    end
  end

  @doc "The function of a task, or `nil`."
  @spec function(id(), Pending.t()) :: String.t() | nil
  def function(id, pending) do
    case Process.get(id) do
      {_pid, _ref, place} when place != :nudge -> Pending.function(pending, id, place)
      _call_or_none -> nil
    end
  end

  @doc "Everybody who waits."
  @spec all() :: [{id(), to()}]
  def all, do: for({id, to} <- Process.get(), is_integer(id), do: {id, to})

  @doc "Tells the one who waits, if any, how it ended. A task may have been answered by others, where its table is closed."
  @spec answer(to() | nil, id(), Session.Task.result(), Pending.t()) :: :ok
  def answer(nil, _id, _result, _pending), do: :ok

  def answer({pid, ref}, _id, result, _pending) do
    send(pid, {ref, result})
    :ok
  end

  def answer({pid, ref, :nudge}, _id, result, _pending) do
    send(pid, {ref, result})
    :ok
  end

  def answer({pid, ref, place}, id, {:ok, _value} = ok, pending) do
    if Pending.claim(pending, id, place), do: send(pid, {ref, ok})
    :ok
  end

  def answer({pid, ref, place}, id, {:error, error}, pending) do
    # Before, since the place may be another task's afterwards.
    function = Pending.function(pending, id, place)

    if Pending.claim(pending, id, place),
      do: send(pid, {ref, {:error, %{error | function: function}}})

    :ok
  end

  @doc "Nobody waits for it any more."
  @spec drop(to(), id(), Pending.t()) :: :ok
  def drop({_pid, _ref}, _id, _pending), do: :ok
  def drop({_pid, _ref, :nudge}, _id, _pending), do: :ok

  def drop({_pid, _ref, place}, id, pending) do
    _ = Pending.claim(pending, id, place)
    :ok
  end

  @doc """
  Nudges those whose calls have these numbers, if they are to be; `count` is about how many calls there are, tasks
  included.
  """
  @spec nudge(Range.t(), non_neg_integer()) :: :ok
  def nudge(first..last//1, count) do
    if last - first < count,
      do: Enum.each(first..last//1, &nudge(Process.get(&1))),
      else: Enum.each(all(), fn {id, to} -> if id in first..last//1, do: nudge(to) end)
  end

  @doc "Nudges one."
  @spec nudge(to() | nil) :: :ok
  def nudge({pid, ref, :nudge}) do
    send(pid, {ref, :watch})
    :ok
  end

  def nudge(_with_a_timer), do: :ok

  @doc "Watches a process that has made a call, if it is not watched yet."
  @spec watch(pid() | nil) :: :ok
  def watch(nil), do: :ok

  def watch(owner) do
    with :undefined <- :erlang.get(owner), do: Process.put(owner, Process.monitor(owner))
    :ok
  end

  @doc "A process has died. Returns whether it was watched."
  @spec unwatch(pid()) :: boolean()
  def unwatch(owner) do
    doubt(owner)
    Waiting.unregister(owner)
    :erlang.erase(owner) != :undefined
  end
end
