defmodule PortWorker.Mailbox do
  @moduledoc false
  # What has come to the calling process for the reference of a call.
  #
  # It is a module by itself for the sake of those that only make a call: where a reference is made in the same module as it is
  # received on, the compiler has its messages marked in the mailbox from then on, which takes a tenth of the time of starting a task.

  @doc "Takes what has come out of the mailbox, and returns the result if there is one."
  @spec take(reference()) :: {:ok, term()} | {:error, PortWorker.Error.t()} | nil
  def take(ref), do: take(ref, nil)

  defp take(ref, result) do
    receive do
      {^ref, {:progress, _term}} -> take(ref, result)
      {^ref, nudge} when nudge in [:watch, :gone] -> take(ref, result)
      {^ref, last} -> take(ref, last)
    after
      0 -> result
    end
  end

  @doc "Whether there is a result, which stays where it is."
  @spec answered?(reference()) :: boolean()
  def answered?(ref) do
    receive do
      {^ref, _result} = answer ->
        send(self(), answer)
        true
    after
      0 -> false
    end
  end
end
