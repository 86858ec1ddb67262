defmodule PortWorker.Channel do
  @moduledoc """
  A conversation with a function of a worker, as `PortWorker.open/4` returns it.

  The public fields:

    * `:ref` - the reference in the messages of the channel
    * `:worker` - the worker it runs on, as it was given to `PortWorker.open/4`
    * `:function` - the name of the function
    * `:owner` - the process that opened it, which gets its messages; the channel ends when it does

  `PortWorker` has all functions of this module, too. `docs/streaming.md` has more examples.

  ## Messages of a channel

  `recv/2` takes these out of the owner's mailbox. A `GenServer` may handle them itself, with `active: true` or with
  `demand/2`:

    * `{ref, {:data, output}}`
    * `{ref, {:fault, %PortWorker.Error{}}}` when an input was not accepted; the channel goes on
    * `{ref, {:progress, term}}` with `:on_progress`
    * `{ref, {:ok, nil}}` or `{ref, {:error, %PortWorker.Error{}}}` at the end, exactly once

  ## As an enumerable and a collectable

  The owner can read outputs with `Enum` and `Stream`, until the function ends. Halting early leaves the
  channel open, for more to be read. A fault or an error is raised. Inputs can be collected into it, each waiting at
  most five seconds for its turn. Both sides are bounded: who sends much and reads nothing
  in between will wait for ever, or until that is over.

      iex> {:ok, channel} = PortWorker.open(MyApp.Go, "stateful_worker", [10])
      iex> Enum.into([{:add, %{value: 1}}, {:multiply, %{value: 2}}, :shutdown], channel)
      iex> Enum.map(channel, &elem(&1, 0))
      [:updated, :updated, :shutting_down]
  """

  import Kernel, except: [send: 2]

  alias PortWorker.{Call, Channel, Channels, Error, Options}

  @enforce_keys [:ref, :worker, :function, :owner, :route, :counters, :step]
  defstruct [:ref, :worker, :function, :owner, :route, :counters, :step, :on_progress]

  @type t :: %__MODULE__{
          ref: reference(),
          worker: PortWorker.worker(),
          function: String.t(),
          owner: pid(),
          route: PortWorker.Routes.Route.t(),
          counters: :atomics.atomics_ref(),
          step: pos_integer() | nil,
          on_progress: (term() -> term()) | pid() | nil
        }

  @doc """
  Opens a channel: a call that takes inputs and gives outputs for as long as it runs.

      iex> {:ok, channel} = PortWorker.open(MyApp.Go, "stateful_worker")
      iex> PortWorker.send(channel, {:add, %{value: 5}})
      :ok
      iex> PortWorker.recv(channel)
      {:ok, {:updated, %{old_value: 0, new_value: 5}}}
      iex> PortWorker.close(channel)
      :ok

  The process that opens a channel owns it: outputs come to its mailbox, and the channel ends when it
  dies. Any process may send inputs. A function that is not there, and arguments that do not fit, are the end
  of the channel; an error is returned here only when the worker is down or the call too large to send.

  #{Options.docs(:channel)}
  """
  @spec open(PortWorker.worker(), atom() | String.t(), list(), keyword()) ::
          {:ok, t()} | {:error, Error.t()}
  def open(worker, function, args \\ [], opts \\ []) do
    Channels.open(worker, Call.build!(function, args, Options.channel!(opts)))
  end

  @doc """
  Sends an input to a channel.

  A channel takes 64 inputs ahead of its function. When it has, this waits until the function has taken
  some, up to `timeout` milliseconds; past that the input is not sent, and the error has the reason `:timeout`. `:ok`
  says that it was sent, not that the function has seen it. After the end of the channel or of its input the reason is
  `:closed`.
  """
  @spec send(t(), term(), timeout()) :: :ok | {:error, Error.t()}
  def send(channel, input, timeout \\ 5_000), do: Channels.send(channel, input, timeout)

  @doc """
  Receives the next output of a channel, waiting up to `timeout` milliseconds.

    * `{:ok, output}`
    * `{:fault, error}` - an input was not accepted; the channel goes on
    * `:done` - the function has ended well; also when the end was received before
    * `{:error, error}` - the channel has ended with an error
    * `nil` - there is no output yet
  """
  @spec recv(t(), timeout()) ::
          {:ok, term()} | {:fault, Error.t()} | :done | {:error, Error.t()} | nil
  def recv(channel, timeout \\ 5_000), do: Channels.recv(channel, timeout)

  @doc "Asks for `count` more outputs of a channel that was opened with a number as `:active`."
  @spec demand(t(), pos_integer()) :: :ok
  def demand(channel, count) when is_integer(count) and count > 0 do
    Channels.demand(channel, count)
  end

  @doc """
  Closes a channel's input: the function sees the end of it after what was sent before, and may still
  send outputs.

      iex> {:ok, channel} = PortWorker.open(MyApp.Go, "stateful_worker")
      iex> PortWorker.close_input(channel)
      :ok
      iex> PortWorker.recv(channel)
      :done
  """
  @spec close_input(t()) :: :ok
  def close_input(channel), do: Channels.close_input(channel)

  @doc """
  Ends a channel: its function is cancelled.

  Afterwards no message of it is in the owner's mailbox, and none will come. Any process may close a channel; if it
  is not the owner, the owner gets the end as an error with the reason `:cancelled`.
  """
  @spec close(t()) :: :ok
  def close(channel), do: Channels.close(channel)

  defimpl Inspect do
    import Inspect.Algebra

    def inspect(channel, opts) do
      fields = Map.to_list(Map.take(channel, [:ref, :worker, :function, :owner]))
      concat(["#PortWorker.Channel<", to_doc(fields, opts), ">"])
    end
  end

  defimpl Enumerable do
    def reduce(_channel, {:halt, acc}, _fun), do: {:halted, acc}
    def reduce(channel, {:suspend, acc}, fun), do: {:suspended, acc, &reduce(channel, &1, fun)}

    def reduce(channel, {:cont, acc}, fun) do
      case Channel.recv(channel, :infinity) do
        {:ok, output} -> reduce(channel, fun.(output, acc), fun)
        :done -> {:done, acc}
        {_fault_or_error, error} -> raise error
      end
    end

    def count(_channel), do: {:error, __MODULE__}
    def member?(_channel, _element), do: {:error, __MODULE__}
    def slice(_channel), do: {:error, __MODULE__}
  end

  defimpl Collectable do
    def into(channel), do: {channel, &collect/2}

    defp collect(channel, {:cont, input}) do
      case Channel.send(channel, input) do
        :ok -> channel
        {:error, error} -> raise error
      end
    end

    defp collect(channel, :done), do: channel
    defp collect(_channel, :halt), do: :ok
  end
end
