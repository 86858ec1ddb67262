defmodule PortWorker.SessionTest do
  use ExUnit.Case, async: true

  alias PortWorker.{Error, Hello, Session, UnknownAtom}

  # Whom a receipt goes to is the connection's to know.
  @from :canceller

  defp up do
    hello = %{protocol: 1, name: "w", version: "1", os_pid: 1, functions: []}
    {[{:up, %Hello{os_pid: 1}}], session} = hear(Session.new(%{config: %{}}), {:hello, hello})
    session
  end

  defp hear(session, term), do: Session.packet(session, :erlang.term_to_binary(term))

  defp with_task(session, progress_to \\ nil) do
    ref = make_ref()

    {ref,
     Session.register(session, ref, %Session.Task{
       function: "work",
       ref: ref,
       progress_to: progress_to
     })}
  end

  test "says hello with the settings" do
    assert {[{:write, {:hello, %{protocol: 1, config: %{max_running: 3}}}}], _} =
             Session.hello(Session.new(%{config: %{max_running: 3}}))
  end

  test "a worker that is stopped before it has said hello may say so still" do
    hello = %{protocol: 1, name: "w", version: "1", os_pid: 1, functions: []}
    {_drain, session} = Session.drain(Session.new(%{config: %{}}))
    assert {[], ^session} = session |> hear({:hello, hello}) |> unheard(session)
  end

  defp unheard({actions, session}, before), do: {actions, %{session | heard?: before.heard?}}

  test "a worker of another protocol is broken" do
    hello = %{protocol: 9, functions: [], os_pid: 1}

    assert {[{:broken, %Error{reason: :unsupported}}], _} =
             hear(Session.new(%{config: %{}}), {:hello, hello})
  end

  test "logs before the hello are heard" do
    assert {[{:log, :warning, "early", %{}}], _} =
             hear(Session.new(%{config: %{}}), {:log, :warning, "early", %{}})
  end

  test "a worker that asks to be replaced is heard, and its reason is logged" do
    ask = %{reason: "3 handlers outlive their tasks: spin", abandoned: 3}
    assert {actions, _} = hear(up(), {:replace, ask})
    assert [{:log, :warning, text, %{abandoned: 3}}, :replace] = actions
    assert text =~ "outlive their tasks: spin"
  end

  test "results go to their refs, in order, and are counted" do
    {a, b} = {make_ref(), make_ref()}
    failed = %{reason: :failed, message: "no"}

    assert {[{:answer, ^a, {:ok, 1}}, {:answer, ^b, {:error, error}}], session} =
             hear(up(), [{:result, a, {:ok, 1}}, {:result, b, {:error, failed}}])

    assert error == %Error{reason: :failed, message: "no"}
    assert session.results == 2
  end

  test "short results are results, of those of whom more is known too" do
    session = Session.register(up(), 2, %Session.Task{function: "work", waiting: [@from]})

    assert {[{:answer, 1, {:ok, :a}}, {:answer, 2, {:ok, :b}}, receipt], session} =
             hear(session, [{1, :a}, {2, :b}])

    assert receipt == {:reply, @from, {:finished, {:ok, :b}}}

    assert session.results == 2
    assert session.tasks == %{}
  end

  test "a result that is none is an error of its call" do
    ref = make_ref()

    assert {[{:answer, ^ref, {:error, %Error{reason: :bad_message}}}], _} =
             hear(up(), {:result, ref, :done})
  end

  test "an error of a task knows its function" do
    {ref, session} = with_task(up())

    assert {[{:answer, ^ref, {:error, %Error{function: "work"}}}], session} =
             hear(session, {:result, ref, {:error, %{reason: :panic, message: "boom"}}})

    assert session.tasks == %{}
  end

  test "progress goes where the task wants it, and nowhere once the task is over" do
    {ref, session} = with_task(up(), self())
    progress = {:progress, ref, 50}

    assert {[{:deliver, pid, {^ref, {:progress, 50}}}], session} = hear(session, progress)
    assert pid == self()

    assert {[_result], session} = hear(session, {:result, ref, {:ok, :done}})
    assert {[], _} = hear(session, progress)
  end

  describe "cancel" do
    for {name, result, receipt} <- [
          {"that stopped it",
           {:error, %{reason: :cancelled, message: "", details: %{still_running: false}}},
           :stopped},
          {"without details", {:error, %{reason: :cancelled, message: ""}}, :stopped},
          {"that it ignores",
           {:error,
            %{
              reason: :cancelled,
              message: "",
              details: %{still_running: true, stack: "goroutine 7"}
            }}, {:still_running, "goroutine 7"}},
          {"that came too late", {:ok, 42}, {:finished, {:ok, 42}}}
        ] do
      test "#{name} gets its receipt" do
        {ref, session} = with_task(up())
        assert {[{:write, {:cancel, ^ref}}], session} = Session.cancel(session, ref, @from)

        assert {[{:answer, ^ref, _result}, {:reply, @from, receipt}], _} =
                 hear(session, {:result, ref, unquote(Macro.escape(result))})

        assert receipt == unquote(Macro.escape(receipt))
      end
    end

    test "of what is not running finds nothing" do
      assert {[{:reply, @from, :not_found}], _} = Session.cancel(up(), make_ref(), @from)
    end
  end

  test "a forgotten task is cancelled" do
    {ref, session} = with_task(up(), self())
    assert {[{:write, {:cancel, ^ref}}], session} = Session.forget(session, ref)
    assert {[], _} = hear(session, {:progress, ref, 1})
  end

  test "the end of the connection reaches every task and whoever cancels one" do
    {a, session} = with_task(up())
    {b, session} = with_task(session)
    {_write, session} = Session.cancel(session, b, @from)
    error = Error.new(:worker_down, "gone")

    assert {actions, session} = Session.down(session, error)
    told = %{error | function: "work"}
    assert {:answer, a, {:error, told}} in actions
    assert {:answer, b, {:error, told}} in actions
    assert {:reply, @from, {:error, told}} in actions
    assert session.tasks == %{}
  end

  test "a result with an unknown atom fails its call only" do
    {bad, good} = {make_ref(), make_ref()}

    batch =
      UnknownAtom.term_to_binary(
        [{:result, bad, {:ok, UnknownAtom.marker()}}, {:result, good, {:ok, 1}}],
        "sesunkno"
      )

    assert {[{:answer, ^bad, {:error, error}}, {:answer, ^good, {:ok, 1}}], session} =
             Session.packet(up(), batch)

    assert error.reason == :bad_message
    assert error.message =~ ~s("sesunkno")
    assert session.results == 2
  end

  test "progress with an unknown atom is logged, and its task goes on" do
    {ref, session} = with_task(up(), self())
    packet = UnknownAtom.term_to_binary({:progress, ref, UnknownAtom.marker()}, "prgunkno")

    assert {[{:log, :warning, text, _}], session} = Session.packet(session, packet)
    assert text =~ "prgunkno"
    assert Map.has_key?(session.tasks, ref)
  end

  test "a pong that nobody has asked for is none" do
    assert {[], session} = hear(up(), {:pong, nil})
    assert {[], _session} = hear(session, {:pong, 1})
  end

  test "garbage breaks the connection" do
    assert {[{:broken, %Error{reason: :bad_frame}}], _} = Session.packet(up(), "hello world")
  end

  test "what a newer worker says is logged" do
    assert {[{:log, :warning, text, _}], _} = hear(up(), {:ok, "a message of version 2"})
    assert text =~ "does not know"
  end

  test "an answer to a call nobody made is logged" do
    assert {[{:log, :warning, text, _}], _} = hear(up(), {:result, "17", {:ok, 1}})
    assert text =~ ~s(nobody made: "17")
  end

  test "a failed cast is logged, a good one is not" do
    ref = {:cast, "work", 1}
    assert {[], _} = hear(up(), {:result, ref, {:ok, 1}})

    assert {[{:log, :warning, text, _}], _} =
             hear(up(), {:result, ref, {:error, %{reason: :failed, message: "no disk"}}})

    assert text =~ "work: no disk (failed)"
  end

  test "a fault about two calls of one ref ends what waits, another is logged" do
    ref = make_ref()
    duplicate = %{reason: :duplicate_ref, message: "in use"}

    assert {[{:answer, ^ref, {:error, %Error{reason: :duplicate_ref}}}], _} =
             hear(up(), {:fault, ref, duplicate})

    for {ref, level} <- [{:undefined, :warning}, {"other", :warning}, {make_ref(), :debug}] do
      fault = %{reason: :bad_message, message: "no"}
      assert {[{:log, ^level, text, _}], _} = hear(up(), {:fault, ref, fault})
      assert text =~ "no (bad_message)"
    end
  end

  test "a call back to a function that is not there is answered" do
    assert {[{:write, {:reply, 5, {:error, %{reason: :unknown_function, message: message}}}}], _} =
             hear(up(), {:callback, 5, make_ref(), "lookup", [], %{}})

    assert message =~ "lookup"
  end

  describe "elements" do
    test "of a stream go to its ref in their list" do
      ref = make_ref()
      assert {[{:deliver, ^ref, {^ref, {:data, [1, 2]}}}], _} = hear(up(), {:data, ref, [1, 2]})
    end

    test "that cannot be read end the stream, over there too" do
      ref = make_ref()
      packet = UnknownAtom.term_to_binary({:data, ref, [UnknownAtom.marker()]}, "datunkno")

      assert {[{:write, {:cancel, ^ref}}, {:answer, ^ref, {:error, error}}], _} =
               Session.packet(up(), packet)

      assert error.message =~ "datunkno"
    end
  end

  describe "a channel" do
    defp with_channel(session, active? \\ false) do
      ref = make_ref()
      task = %Session.Task{function: "f", receiver: self(), inputs: %Session.Inputs{}}
      {ref, Session.register(session, ref, %{task | active?: active?})}
    end

    test "has its outputs sent to its opener, one by one" do
      {me, {ref, session}} = {self(), with_channel(up())}
      outputs = for n <- [1, 2], do: {:deliver, me, {ref, {:data, n}}}
      assert {^outputs, _} = hear(session, {:data, ref, [1, 2]})
    end

    test "that is active asks for as many again" do
      {ref, session} = with_channel(up(), true)
      assert {actions, _} = hear(session, {:data, ref, [1, 2]})
      assert {:write, {:credit, ref, 2}} in actions
    end

    test "goes on after a fault, of which its opener hears" do
      {me, {ref, session}} = {self(), with_channel(up())}
      fault = {:fault, ref, %{reason: :bad_args, message: "no"}}
      assert {[{:deliver, ^me, {^ref, {:fault, error}}}], session} = hear(session, fault)
      assert %Error{reason: :bad_args, function: "f"} = error
      assert Map.has_key?(session.tasks, ref)
    end

    test "lets senders go on when the worker takes more, in order of their numbers" do
      {ref, session} = with_channel(up())
      assert {[{:reply, :a, {:ok, 64}}], session} = Session.await_input(session, ref, 64, :a)
      assert {[], session} = Session.await_input(session, ref, 66, :b)
      assert {[], session} = Session.await_input(session, ref, 65, :c)
      assert {[{:reply, :c, {:ok, 65}}], session} = hear(session, {:credit, ref, 1})
      assert {[{:reply, :b, {:ok, 97}}], _} = hear(session, {:credit, ref, 32})
    end

    test "that ends, however it does, lets no sender wait" do
      {ref, session} = with_channel(up())
      {[], session} = Session.await_input(session, ref, 65, @from)

      for {actions, after_end} <- [
            hear(session, {:result, ref, {:ok, nil}}),
            Session.down(session, Error.new(:worker_down, "gone")),
            Session.forget(session, ref)
          ] do
        assert {:reply, @from, {:error, Error.new(:closed, "the channel has ended")}} in actions
        assert after_end.tasks == %{}

        assert {[{:reply, :late, {:error, %Error{reason: :closed}}}], _} =
                 Session.await_input(after_end, ref, 65, :late)

        assert {[], _} = hear(after_end, {:credit, ref, 1})
      end
    end
  end

  describe "a call back" do
    defp offering(functions) do
      hello = %{protocol: 1, name: "w", version: "1", os_pid: 1, functions: []}
      session = Session.new(%{config: %{}, callbacks: functions})
      assert {[{:write, {:hello, %{callbacks: names}}}], _} = Session.hello(session)
      assert names == Map.keys(functions)
      {_up, session} = hear(session, {:hello, hello})
      session
    end

    test "is made for the task's caller, and ends with the task" do
      ref = make_ref()
      caller = {[self()], [request_id: "r1"]}
      task = %Session.Task{function: "work", caller: caller}
      session = Session.register(offering(%{"f" => {M, :f}}), ref, task)

      assert {[{:callback, request}], session} =
               hear(session, {:callback, 5, ref, "f", [1], %{timeout: 100}})

      expected = %{id: 5, ref: ref, function: {M, :f}, args: [1], timeout: 100, caller: caller}
      assert request == Map.put(expected, :meta, %{})
      assert {actions, _} = hear(session, {:result, ref, {:ok, 1}})
      assert {:ended, ref} in actions
    end

    test "has the metadata of the call, and time without end if none is said" do
      session = offering(%{"f" => {M, :f}})

      for {opts, meta} <- [
            {%{meta: %{"a" => "b"}}, %{"a" => "b"}},
            {%{meta: 1, timeout: -1}, %{}}
          ] do
        assert {[{:callback, request}], _} =
                 hear(session, {:callback, 5, make_ref(), "f", [], opts})

        assert {request.meta, request.timeout} == {meta, :infinity}
      end
    end

    test "that cannot be read is answered" do
      callback = {:callback, 5, make_ref(), "f", [UnknownAtom.marker()], %{}}
      packet = UnknownAtom.term_to_binary(callback, "cbkunkno")

      assert {[{:write, {:reply, 5, {:error, %{message: message}}}}], _} =
               Session.packet(offering(%{"f" => {M, :f}}), packet)

      assert message =~ "cbkunkno"
    end
  end

  test "notifications go to processes, and to nothing else" do
    for to <- [self(), make_ref(), :name] do
      assert {[{:notify, ^to, :news}], _} = hear(up(), {:notify, to, :news})
    end

    assert {[{:log, :debug, text, _}], _} = hear(up(), {:notify, "name", :news})
    assert text =~ "name"
  end

  test "what was dealt with is acknowledged: in batches, and when nothing comes" do
    session = Session.new(%{config: %{}, window: 1_000_000})
    assert {[{:write, {:hello, %{window: 1_000_000}}}], _} = Session.hello(session)

    log = fn size -> :erlang.term_to_binary({:log, :info, String.duplicate("x", size), %{}}) end
    {small, large} = {log.(100), log.(250_000)}
    assert {[{:log, _, _, _}], session} = Session.packet(session, small)
    assert Session.unacknowledged?(session)
    bytes = byte_size(small) + byte_size(large)

    assert {[{:write, {:ack, ^bytes}}, {:log, _, _, _}], session} = Session.packet(session, large)

    refute Session.unacknowledged?(session)
    assert {[], session} = Session.idle(session)
    {_log, session} = Session.packet(session, small)
    bytes = byte_size(small)
    assert {[{:write, {:ack, ^bytes}}], _} = Session.idle(session)
  end

  test "any packet after a ping is a sign of life" do
    {[{:write, {:ping, ping}}], session} = Session.ping(up())
    assert Session.silent?(session)

    {[:ponged], answered} = hear(session, {:pong, ping})
    refute Session.silent?(answered)

    {_log, busy} = hear(session, {:log, :info, "busy", %{}})
    refute Session.silent?(busy)
  end
end
