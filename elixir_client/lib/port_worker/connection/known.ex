defmodule PortWorker.Connection.Known do
  @moduledoc false
  # What a connection knows of calls under way. Of most it is only who waits, which is in `PortWorker.Calls`; of some
  # the session knows more.

  alias PortWorker.{Calls, Connection, Pending, Session}
  alias PortWorker.Pool.Load

  @doc "The session is to know of a task."
  @spec add(Connection.t(), term(), Session.Task.t()) :: Connection.t()
  def add(state, ref, task), do: %{state | session: Session.register(state.session, ref, task)}

  @doc "The session learns of a call when more is asked of it than to wait for the answer."
  @spec ask(Connection.t(), term()) :: Connection.t()
  def ask(%{session: %{tasks: tasks}} = state, ref) when is_map_key(tasks, ref), do: state

  def ask(state, ref) do
    case Calls.function(ref, state.pending) do
      nil -> state
      function -> add(state, ref, %Session.Task{function: function})
    end
  end

  @doc "Nobody waits for it any more: what is to be done. Of a call that is over there is nothing to cancel."
  @spec forget(term(), Connection.t()) :: {[Session.action()], Connection.t()}
  def forget(id, state) when is_integer(id) do
    case Calls.take(id) do
      nil ->
        {[], state}

      to ->
        Calls.drop(to, id, state.pending)
        forget_task(id, state)
    end
  end

  def forget(ref, %{session: %{tasks: tasks}} = state) when is_map_key(tasks, ref) do
    forget_task(ref, state)
  end

  def forget(_ended, state), do: {[], state}

  defp forget_task(ref, state) do
    {actions, session} = Session.forget(state.session, ref)
    {actions, %{state | session: session}}
  end

  @doc "A call that was counted has not been written: it counts as answered."
  @spec never_written(Connection.t()) :: Connection.t()
  def never_written(%{session: session} = state) do
    answered(%{state | session: %{session | results: session.results + 1}})
  end

  @doc "Lets callers know how many calls have been answered."
  @spec answered(Connection.t()) :: Connection.t()
  def answered(%{session: %{results: results}} = state) do
    Load.answered(state.share, results)
    Pending.answered(state.pending, results)
    state
  end
end
