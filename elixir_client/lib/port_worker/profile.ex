defmodule PortWorker.Profile do
  @moduledoc false
  # Looks inside the OS process: what it spends time and memory on, and where each task is. Both are
  # calls as any other, so no port is opened for them.

  alias PortWorker.{Call, Error, Options, Run}

  # What the worker gathers over a time, and what it has at hand.
  @timed [:cpu, :block, :mutex]
  @instant [:heap, :allocs, :goroutine]

  @default_duration 5_000

  # Milliseconds, on top of the duration, for the worker to put it together and send it: a busy one has much
  # to gather, and little time.
  @margin 15_000

  @doc "Takes a profile. Raises `ArgumentError` for what can be none."
  @spec take(PortWorker.worker(), PortWorker.profile_kind(), pos_integer() | keyword()) ::
          {:ok, binary()} | {:error, Error.t()}
  def take(worker, kind, duration) when is_integer(duration) do
    take(worker, kind, duration: duration)
  end

  def take(worker, kind, opts) do
    options = Options.profile!(opts)
    args = args!(kind, options)

    with :ok <- folder(options),
         {:ok, profile} <- Run.run(worker, call(args)),
         :ok <- write(options, profile) do
      {:ok, profile}
    end
  end

  defp args!(kind, options) when kind in @timed do
    ["#{kind}", Map.get(options, :duration, @default_duration)]
  end

  defp args!(kind, options) when kind in @instant and not is_map_key(options, :duration) do
    ["#{kind}"]
  end

  defp args!(kind, options) when kind in @instant do
    raise ArgumentError,
          "a profile of the kind #{inspect(kind)} takes no time: expected no :duration, " <>
            "got: #{inspect(options.duration)}"
  end

  defp args!(other, _options) do
    kinds = Enum.map_join(@timed ++ @instant, ", ", &inspect/1)
    raise ArgumentError, "expected a kind of profile, one of #{kinds}, got: #{inspect(other)}"
  end

  defp call([_kind | duration] = args) do
    Call.new!("$profile", args, timeout: Enum.sum(duration) + @margin)
  end

  # A profile that took a minute is not to be lost to a typing error.
  defp folder(%{file: file}) do
    folder = file |> Path.expand() |> Path.dirname()
    if File.dir?(folder), do: :ok, else: cannot_write(file, "there is no folder #{folder}")
  end

  defp folder(_options), do: :ok

  defp write(%{file: file}, profile) do
    with {:error, reason} <- File.write(file, profile) do
      cannot_write(file, :file.format_error(reason))
    end
  end

  defp write(_options, _profile), do: :ok

  defp cannot_write(file, why) do
    {:error, Error.new(:failed, "cannot write the profile to #{file}: #{why}")}
  end
end
