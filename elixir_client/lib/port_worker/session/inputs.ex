defmodule PortWorker.Session.Inputs do
  @moduledoc false
  # How many inputs a channel may be sent, and who waits to send more. Senders number
  # their inputs themselves, and need to ask only for a number that was not granted
  # when they last heard.

  alias PortWorker.Error

  # A worker takes that many before it has granted any.
  @first 64

  defstruct granted: @first, waiting: []

  @type t :: %__MODULE__{granted: pos_integer(), waiting: [{pos_integer(), GenServer.from()}]}

  @doc "How many inputs may be sent at first."
  @spec first() :: pos_integer()
  def first, do: @first

  @doc "`from` is to be told when the input of that number may be sent."
  @spec await(t(), pos_integer(), GenServer.from()) :: {[{:reply, GenServer.from(), term()}], t()}
  def await(%{granted: granted} = inputs, number, from) when number <= granted do
    {[{:reply, from, {:ok, granted}}], inputs}
  end

  def await(inputs, number, from) do
    {[], %{inputs | waiting: [{number, from} | inputs.waiting]}}
  end

  @doc "The worker takes `n` more."
  @spec grant(t(), non_neg_integer()) :: {[{:reply, GenServer.from(), term()}], t()}
  def grant(inputs, n) do
    granted = inputs.granted + n
    {ready, waiting} = Enum.split_with(inputs.waiting, fn {number, _} -> number <= granted end)
    replies = for {_number, from} <- ready, do: {:reply, from, {:ok, granted}}
    {replies, %{inputs | granted: granted, waiting: waiting}}
  end

  @doc "Nothing more is taken, which those that wait are told."
  @spec refuse(t()) :: [{:reply, GenServer.from(), term()}]
  def refuse(inputs), do: for({_number, from} <- inputs.waiting, do: {:reply, from, ended()})

  @doc "What a sender is told when the channel has ended."
  @spec ended() :: {:error, Error.t()}
  def ended, do: {:error, Error.new(:closed, "the channel has ended")}
end
