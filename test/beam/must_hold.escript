#!/usr/bin/env escript
%%! +sbwt none
%% -*- erlang -*-
%%
%% What the protocol promises, asked of a worker by nothing but Erlang/OTP:
%%
%%     escript must_hold.escript bin/portworker
%%
%% prints a line for each rule and `N passed, N failed`, and its status says the same.
-mode(compile).

-define(PATIENCE, 15000).
-define(HOSTILE_PACKETS, 20000).

main([Worker]) ->
    Scenarios = scenarios(),
    Failed = [Name || {N, {Name, Scenario}} <- lists:zip(lists:seq(1, length(Scenarios)), Scenarios),
                      not run(N, Name, Scenario, filename:absname(Worker))],
    io:format("~b passed, ~b failed~n", [length(Scenarios) - length(Failed), length(Failed)]),
    halt(case Failed of [] -> 0; _ -> 1 end);
main(_) ->
    io:format(standard_error, "usage: escript must_hold.escript WORKER~n", []),
    halt(2).

%% Each scenario has a process of its own, so that one's messages never meet another.
run(N, Name, Scenario, Worker) ->
    {Pid, Monitor} = spawn_monitor(fun() -> put(worker, Worker), Scenario() end),
    receive
        {'DOWN', Monitor, process, Pid, normal} ->
            io:format("ok ~b - ~s~n", [N, Name]),
            true;
        {'DOWN', Monitor, process, Pid, Reason} ->
            failed(N, Name, Reason)
    after 60000 ->
        exit(Pid, kill),
        demonitor(Monitor, [flush]),
        failed(N, Name, timeout)
    end.

failed(N, Name, Reason) ->
    Text = io_lib:format("~0tP", [Reason, 60]),
    io:format("not ok ~b - ~s~n# ~ts~n", [N, Name, lists:flatten(Text)]),
    false.

scenarios() ->
    [{"hello introduces the worker", fun hello/0},
     {"hello decodes with [safe]", fun safe_hello/0},
     {"calls need no hello", fun without_hello/0},
     {"a batch in", fun batch_in/0},
     {"batches out", fun batch_out/0},
     {"awkward terms come back as they went", fun awkward_terms/0},
     {"any term is a ref", fun any_ref/0},
     {"an unknown function", fun unknown_function/0},
     {"wrong argument types", fun bad_args/0},
     {"a duplicate of a live ref", fun duplicate_ref/0},
     {"cancel", fun cancel/0},
     {"cancel of nothing", fun cancel_of_nothing/0},
     {"timeout", fun timeout/0},
     {"progress", fun progress/0},
     {"the owner goes", fun owner_down/0},
     {"a thousand sleeps at once", fun thousand_sleeps/0},
     {"a panic stays in its task", fun panic/0},
     {"a print does not reach the wire", fun print/0},
     {"a busy loop delays no ping", fun spin_and_ping/0},
     {"a closed port ends a busy loop", fun spin_and_close/0},
     {"end of file inside a packet", fun eof_inside_a_packet/0},
     {"a frame too large", fun frame_too_large/0},
     {"frames that are no terms", fun bad_frames/0},
     {"hostile packets harm no call between them", fun hostile/0},
     {"the running limit", fun running_limit/0},
     {"a deadline counts queueing", fun deadline_counts_queueing/0},
     {"config in hello", fun config/0},
     {"unknown config is named", fun unknown_config/0},
     {"strings never become atoms", fun no_atoms/0},
     {"drain", fun drain/0},
     {"SIGTERM drains", fun sigterm/0},
     {"SIGKILL is seen at once", fun sigkill/0},
     {"frames on descriptors 3 and 4", fun spare_descriptors/0},
     {"a compressed term", fun compressed/0}].

%% Rules 1 and 9

hello() ->
    Port = open([]),
    Hello = hello(Port, #{protocol => 1}),
    #{protocol := 1, name := Name, version := Version, os_pid := OsPid,
      functions := Functions, limits := #{max_running := 10000, max_frame := 67108864}} = Hello,
    true = is_binary(Name) andalso is_binary(Version),
    {os_pid, OsPid} = erlang:port_info(Port, os_pid),
    [#{name := <<"upcase">>, kind := function, args := [_], result := _, doc := <<_, _/binary>>}] =
        [F || F = #{name := <<"upcase">>} <- Functions],
    {ok, Listed} = run_call(Port, '$functions', []),
    true = lists:sort(Functions) =:= lists:sort(Listed),
    stop(Port).

safe_hello() ->
    Port = open([]),
    send(Port, {hello, #{protocol => 1}}),
    receive {Port, {data, Data}} -> {hello, #{}} = binary_to_term(Data, [safe]) end,
    stop(Port).

without_hello() ->
    Port = open([]),
    {ok, <<"HELLO">>} = run_call(Port, upcase, [<<"hello">>]),
    {ok, <<"HELLO">>} = run_call(Port, <<"upcase">>, [<<"hello">>]),
    stop(Port).

batch_in() ->
    Port = open([]),
    send(Port, [{call, 1, upcase, [<<"a">>]}, {nonsense, 1}, {call, 2, nope, []}, {ping, between},
                {call, 3, upcase, [3]}, {call, 4, upcase, [<<"d">>]}]),
    {ok, <<"A">>} = result(Port, 1),
    {error, #{reason := unknown_function}} = result(Port, 2),
    {error, #{reason := bad_args}} = result(Port, 3),
    {ok, <<"D">>} = result(Port, 4),
    {pong, between} = next(Port, pong),
    {fault, _, #{reason := bad_message, message := <<_, _/binary>>}} = next(Port, fault),
    stop(Port).

%% A worker that is asked for much at once answers in fewer packets than results.
batch_out() ->
    Port = open([]),
    Refs = lists:seq(1, 5000),
    send(Port, [{call, Ref, echo, [Ref]} || Ref <- Refs]),
    Packets = collect(Port, length(Refs), 0),
    true = Packets < length(Refs),
    stop(Port).

collect(_, 0, Packets) -> Packets;
collect(Port, Left, Packets) ->
    receive
        {Port, {data, Data}} ->
            Messages = case binary_to_term(Data) of List when is_list(List) -> List; One -> [One] end,
            [Ref = Value || {result, Ref, {ok, Value}} <- Messages],
            collect(Port, Left - length([1 || {result, _, {ok, _}} <- Messages]), Packets + 1)
    after ?PATIENCE -> error({results_missing, Left})
    end.

awkward_terms() ->
    Port = open([]),
    Terms = terms(),
    true = length(Terms) >= 500,
    Numbered = lists:zip(lists:seq(1, length(Terms)), Terms),
    [send(Port, {call, N, echo, [Term]}) || {N, Term} <- Numbered],
    Wrong = [{N, Term} || {N, Term} <- Numbered, not same({ok, Term}, result(Port, N))],
    [] = Wrong,
    stop(Port).

%% =:= takes -0.0 for 0.0 in this OTP, so a float is also compared as bits.
same({ok, Sent}, {ok, Got}) when is_float(Sent), is_float(Got) -> <<Sent/float>> =:= <<Got/float>>;
same(Sent, Got) -> Sent =:= Got.

any_ref() ->
    Port = open([]),
    Refs = [1, -1, <<>>, a, 'undefined', 1.5, "string", [], {}, {a, [b | c]}, #{<<"k">> => 1}, self(), Port, make_ref(),
            1 bsl 200, <<1:3>>, fun lists:map/2, [alias | make_ref()]],
    [begin
         send(Port, {call, Ref, echo, [N]}),
         {ok, N} = result(Port, Ref)
     end || {N, Ref} <- lists:zip(lists:seq(1, length(Refs)), Refs)],
    stop(Port).

unknown_function() ->
    Port = open([]),
    {error, #{reason := unknown_function, message := Message}} = run_call(Port, 'no.such.function', [1]),
    mentions(Message, <<"no.such.function">>),
    stop(Port).

bad_args() ->
    Port = open([]),
    [begin
         {error, #{reason := bad_args, message := Message}} = run_call(Port, Name, Args),
         mentions(Message, Expected)
     end || {Name, Args, Expected} <-
                [{upcase, [42], <<"binary">>}, {upcase, [hello], <<"binary">>}, {upcase, ["hello"], <<"binary">>},
                 {upcase, [], <<"1">>}, {upcase, [<<"a">>, <<"b">>], <<"1">>},
                 {sleep, [<<"soon">>], <<"integer">>}, {sleep, [1.5], <<"integer">>}, {sleep, [1 bsl 64], <<"integer">>},
                 {process_items, [#{}], <<"list">>}]],
    [begin
         send(Port, {call, Ref, echo, NotArgs}),
         {error, #{reason := _, message := <<_, _/binary>>}} = result(Port, Ref)
     end || {Ref, NotArgs} <- [{1, 42}, {2, {a}}, {3, [a | b]}, {4, <<"args">>}]],
    stop(Port).

duplicate_ref() ->
    Port = open([]),
    send(Port, {call, one, sleep, [60000]}),
    send(Port, {call, one, echo, [again]}),
    {fault, one, #{reason := duplicate_ref}} = next(Port, fault),
    send(Port, {cancel, one}),
    {error, #{reason := cancelled}} = result(Port, one),
    nothing_more(Port),
    send(Port, {call, one, echo, [free]}),
    {ok, free} = result(Port, one),
    stop(Port).

cancel() ->
    Port = open(["--debug-functions"]),
    send(Port, {call, 1, sleep, [60000]}),
    send(Port, {call, 2, sum, [1 bsl 50]}),
    send(Port, {ping, read}),
    {pong, read} = next(Port, pong),
    send(Port, {cancel, 1}),
    send(Port, [{cancel, 2}, {cancel, 2}]),
    {error, #{reason := cancelled, details := #{still_running := false}}} = result(Port, 1),
    {error, #{reason := cancelled, details := #{still_running := false}}} = result(Port, 2),
    send(Port, [{call, 3, 'debug.spin', []}, {ping, spinning}]),
    {pong, spinning} = next(Port, pong),
    running(Port, 1),
    send(Port, {cancel, 3}),
    {error, #{reason := cancelled, details := #{still_running := true, stack := Stack}}} = result(Port, 3),
    true = is_binary(Stack),
    nothing_more(Port),
    stop(Port).

cancel_of_nothing() ->
    Port = open([]),
    send(Port, {cancel, make_ref()}),
    nothing_more(Port),
    stop(Port).

timeout() ->
    Port = open(["--debug-functions"]),
    {Sleep, {error, #{reason := timeout}}} =
        timed(fun() -> send(Port, {call, 1, sleep, [60000], #{timeout => 100}}), result(Port, 1) end),
    {Spin, {error, #{reason := timeout}}} =
        timed(fun() -> send(Port, {call, 2, 'debug.spin', [], #{timeout => 100}}), result(Port, 2) end),
    true = Sleep >= 100 andalso Sleep < 2000 andalso Spin >= 100 andalso Spin < 2000,
    send(Port, {call, 3, sleep, [1], #{timeout => infinity, unknown => option}}),
    {ok, _} = result(Port, 3),
    nothing_more(Port),
    stop(Port).

progress() ->
    Port = open([]),
    send(Port, {call, 1, process_items, [[<<"a">>, <<"b">>, <<"c">>]]}),
    [{progress, 1, _} = next(Port, progress) || _ <- [1, 2, 3]],
    {ok, _} = result(Port, 1),
    send(Port, {call, 2, process_items, [[<<"a">>]], #{progress => false}}),
    {ok, _} = result(Port, 2),
    nothing_more(Port),
    stop(Port).

owner_down() ->
    Port = open([]),
    Owner = self(),
    send(Port, [{call, 1, sleep, [60000], #{owner => Owner}}, {call, 2, sleep, [60000], #{owner => Owner}},
                {call, 3, sleep, [60000], #{owner => other}}, {owner_down, Owner}]),
    {error, #{reason := cancelled}} = result(Port, 1),
    {error, #{reason := cancelled}} = result(Port, 2),
    nothing_more(Port),
    send(Port, {owner_down, other}),
    {error, #{reason := cancelled}} = result(Port, 3),
    stop(Port).

thousand_sleeps() ->
    Port = open([]),
    {ok, _} = run_call(Port, sleep, [1]),
    Refs = lists:seq(1, 1000),
    {Took, _} = timed(fun() ->
        [send(Port, {call, Ref, sleep, [200]}) || Ref <- Refs],
        [{ok, _} = result(Port, Ref) || Ref <- Refs]
    end),
    true = Took >= 200,
    less_than(1000, Took),
    stop(Port).

panic() ->
    Port = open(["--debug-functions"]),
    {error, #{reason := panic, message := Message, stack := Stack}} = run_call(Port, 'debug.panic', [<<"boom">>]),
    mentions(Message, <<"boom">>),
    mentions(Stack, <<".go:">>),
    {ok, alive} = run_call(Port, echo, [alive]),
    stop(Port).

%% Rules 3 and 4

print() ->
    Port = open(["--debug-functions"]),
    [begin
         {ok, _} = run_call(Port, 'debug.print', [<<"printed by a handler, as it should be">>]),
         {ok, N} = run_call(Port, echo, [N])
     end || N <- lists:seq(1, 20)],
    stop(Port).

spin_and_ping() ->
    Port = open(["--debug-functions", "--drain-timeout", "500"]),
    send(Port, {call, 1, 'debug.spin', []}),
    running(Port, 1),
    Times = [element(1, timed(fun() -> send(Port, {ping, N}), {pong, N} = next(Port, pong) end)) || N <- lists:seq(1, 20)],
    less_than(50, lists:min(Times)),
    {ok, still} = run_call(Port, echo, [still]),
    stop(Port).

spin_and_close() ->
    Port = open(["--debug-functions"]),
    send(Port, {call, 1, 'debug.spin', []}),
    running(Port, 1),
    {os_pid, OsPid} = erlang:port_info(Port, os_pid),
    {Took, _} = timed(fun() -> stop(Port), gone(OsPid, 8) end),
    less_than(6500, Took).

eof_inside_a_packet() ->
    Script = "printf '\\000\\000\\000\\012\\203h' | " ++ get(worker) ++ " 2>&1 >/dev/null; echo status $?",
    [Line, "status 1"] = string:lexemes(os:cmd("sh -c '" ++ string:replace(Script, "'", "'\\''", all) ++ "'"), "\n"),
    true = length(Line) > 10.

%% Rule 2

frame_too_large() ->
    Port = open(["--max-frame", "65536"]),
    {ok, 1} = run_call(Port, echo, [1]),
    port_command(Port, binary:copy(<<131>>, 1000000)),
    {fault, undefined, #{reason := frame_too_large, message := <<_, _/binary>>}} = next(Port, fault),
    {ok, 2} = run_call(Port, echo, [2]),
    stop(Port).

bad_frames() ->
    Port = open([]),
    {ok, first} = run_call(Port, echo, [first]),
    Frames = [<<>>, <<131>>, <<130, 97, 1>>, <<131, 255>>, <<"hello world\n">>,
              <<131, 108, 255, 255, 255, 255>>, <<131, 105, 255, 255, 255, 255>>, <<131, 116, 255, 255, 255, 255>>,
              <<131, 109, 255, 255, 255, 255>>, <<131, 111, 255, 255, 255, 255, 0>>,
              <<131, 104, 2, 119, 2, 195, 40, 97, 1>>,
              iolist_to_binary([131, binary:copy(<<104, 1>>, 1000000)]),
              iolist_to_binary([131, binary:copy(<<108, 0, 0, 0, 1>>, 1000000)]),
              <<131, 80, 255, 255, 255, 255, (zlib:compress(binary:copy(<<0>>, 1000000)))/binary>>,
              <<(term_to_binary({ping, 1}))/binary, 0>>,
              term_to_binary(42), term_to_binary({}), term_to_binary({<<"ping">>, 1}), term_to_binary({ping}),
              term_to_binary({ping, 1, 2}), term_to_binary([{ping, 1} | 2]),
              term_to_binary(#{call => 1})],
    [begin
         port_command(Port, Frame),
         case next(Port, fault) of
             {fault, _, #{reason := bad_frame, message := <<_, _/binary>>}} -> ok;
             {fault, _, #{reason := bad_message, message := <<_, _/binary>>}} -> ok
         end,
         {ok, N} = run_call(Port, echo, [N])
     end || {N, Frame} <- lists:zip(lists:seq(1, length(Frames)), Frames)],
    port_command(Port, term_to_binary({call, short})),
    {error, #{reason := bad_message}} = result(Port, short),
    nothing_more(Port),
    stop(Port).

hostile() ->
    rand:seed(exsss, {2026, 1, 1}),
    Port = open([]),
    %% A pid of elsewhere: this node refuses to decode most mutants of its own.
    Pid = binary_to_term(<<131, 88, 119, 13, "far@elsewhere", 80:32, 0:32, 5:32>>),
    Good = [term_to_binary(T) || T <- [{call, 1, echo, [{a, <<"b">>, [1.5, #{k => v}], Pid}]},
                                       {call, 2, upcase, [<<"x">>], #{timeout => 1000, owner => Pid}},
                                       {cancel, 1}, {ping, {1, 2}}, {credit, 1, 5}, {send, 1, x}, {close, 1},
                                       {owner_down, Pid}, {reply, 1, {ok, 2}}, {ack, 10},
                                       [{ping, 1}, {call, 3, echo, [1]}]]],
    Refs = lists:append([
        begin
            port_command(Port, bad_packet(Good)),
            case N rem 20 of
                0 ->
                    send(Port, {call, {good, N, of_this_test}, echo, [N]}),
                    [N];
                _ -> []
            end
        end || N <- lists:seq(1, ?HOSTILE_PACKETS)]),
    [{ok, N} = result(Port, {good, N, of_this_test}) || N <- Refs],
    stop(Port).

bad_packet(Good) ->
    case rand:uniform(4) of
        1 -> rand:bytes(rand:uniform(200) - 1);
        2 -> [131, rand:bytes(rand:uniform(100))];
        _ -> mutate(lists:nth(rand:uniform(length(Good)), Good), rand:uniform(4))
    end.

mutate(Binary, 0) -> Binary;
mutate(<<>>, _) -> <<>>;
mutate(Binary, Times) ->
    At = rand:uniform(byte_size(Binary)) - 1,
    <<Before:At/binary, Byte, After/binary>> = Binary,
    Mutant = case rand:uniform(4) of
                 1 -> <<Before/binary, (Byte bxor (1 bsl (rand:uniform(8) - 1))), After/binary>>;
                 2 -> <<Before/binary, (rand:uniform(256) - 1), After/binary>>;
                 3 -> <<Before/binary, After/binary>>;
                 4 -> Before
             end,
    mutate(Mutant, Times - 1).

compressed() ->
    Port = open([]),
    Text = binary:copy(<<"compress me ">>, 10000),
    port_command(Port, term_to_binary({call, 1, echo, [Text]}, [compressed])),
    {ok, Text} = result(Port, 1),
    stop(Port).

%% Rules 6, 7, 9 and 10

running_limit() ->
    Port = open(["--max-running", "2"]),
    send(Port, [{call, 1, sleep, [60000]}, {call, 2, sleep, [60000]}, {call, 3, echo, [x]}]),
    {error, #{reason := overloaded}} = result(Port, 3),
    send(Port, [{cancel, 1}, {cancel, 2}]),
    {error, #{reason := cancelled}} = result(Port, 1),
    {error, #{reason := cancelled}} = result(Port, 2),
    {ok, x} = run_call(Port, echo, [x]),
    stop(Port).

deadline_counts_queueing() ->
    Port = open(["--lanes", "cpu=1"]),
    send(Port, {call, 1, sum, [1 bsl 50], #{lane => cpu}}),
    {Took, {error, #{reason := timeout}}} =
        timed(fun() -> send(Port, {call, 2, sum, [10], #{lane => cpu, timeout => 200}}), result(Port, 2) end),
    true = Took >= 200,
    less_than(2000, Took),
    send(Port, {cancel, 1}),
    {error, #{reason := cancelled}} = result(Port, 1),
    stop(Port).

config() ->
    Port = open(["--max-running", "7"]),
    #{limits := #{max_running := 2, max_frame := 100000, drain_timeout := 1500}} =
        hello(Port, #{protocol => 1, config => #{max_running => 2, max_frame => 100000, drain_timeout => 1500}}),
    send(Port, [{call, 1, sleep, [60000]}, {call, 2, sleep, [60000]}, {call, 3, echo, [x]}]),
    {error, #{reason := overloaded}} = result(Port, 3),
    stop(Port).

unknown_config() ->
    Port = open([]),
    #{limits := #{max_running := 3}} =
        hello(Port, #{protocol => 1, config => #{max_running => 3, max_runing => 4, log_level => shouting}}),
    {fault, undefined, #{reason := bad_message, message := Message}} = next(Port, fault),
    mentions(Message, <<"max_runing">>),
    mentions(Message, <<"log_level">>),
    {ok, on} = run_call(Port, echo, [on]),
    stop(Port).

%% Every answer decodes with [safe] where only what the test itself names is known.
no_atoms() ->
    Port = open(["--debug-functions"]),
    [begin
         send(Port, {call, N, Name, Args}),
         receive {Port, {data, Data}} -> binary_to_term(Data, [safe]) after ?PATIENCE -> error(nothing) end
     end || {N, Name, Args} <- [{1, upcase, [<<"never an atom before">>]}, {2, <<"never a function before">>, []},
                                {3, 'debug.panic', [<<"never a panic before">>]}, {4, <<"file.digest">>, [<<"/never/a/file">>]},
                                {5, echo, [#{<<"never a key before">> => <<"nor a value">>}]}]],
    stop(Port).

%% The end

drain() ->
    Port = open([]),
    send(Port, [{call, 1, sleep, [300]}, drain, {call, 2, echo, [late]}, {ping, here}]),
    {error, #{reason := draining}} = result(Port, 2),
    {pong, here} = next(Port, pong),
    {ok, _} = result(Port, 1),
    0 = status(Port).

sigterm() ->
    Port = open([]),
    send(Port, [{call, 1, sleep, [400]}, {ping, here}]),
    {pong, here} = next(Port, pong),
    {os_pid, OsPid} = erlang:port_info(Port, os_pid),
    os:cmd(io_lib:format("kill -TERM ~b", [OsPid])),
    {ok, _} = result(Port, 1),
    0 = status(Port).

sigkill() ->
    Port = open([]),
    send(Port, [{call, 1, sleep, [60000]}, {ping, here}]),
    {pong, here} = next(Port, pong),
    {os_pid, OsPid} = erlang:port_info(Port, os_pid),
    os:cmd(io_lib:format("kill -KILL ~b", [OsPid])),
    137 = status(Port).

spare_descriptors() ->
    Port = open(["--descriptors", "3,4", "--debug-functions"], [nouse_stdio]),
    {ok, _} = run_call(Port, 'debug.print', [<<"printed to the real stdout">>]),
    {ok, <<"HELLO">>} = run_call(Port, upcase, [<<"hello">>]),
    send(Port, drain),
    0 = status(Port).

%% A port and its mailbox. Messages of a batch wait in the process dictionary.

open(Args) -> open(Args, []).

%% What a worker says on stderr belongs to a person, and none is here.
open(Args, Options) ->
    put(inbox, []),
    Quiet = ["-c", "exec \"$0\" \"$@\" 2>/dev/null", get(worker) | Args],
    open_port({spawn_executable, "/bin/sh"}, [{packet, 4}, binary, exit_status, {args, Quiet} | Options]).

send(Port, Term) -> port_command(Port, term_to_binary(Term)).

hello(Port, Options) ->
    send(Port, {hello, Options}),
    {hello, Map} = next(Port, hello),
    Map.

run_call(Port, Name, Args) ->
    Ref = make_ref(),
    send(Port, {call, Ref, Name, Args}),
    result(Port, Ref).

result(Port, Ref) ->
    {result, _, Outcome} =
        await(Port, {result, Ref}, fun({result, R, _}) -> R =:= Ref; (_) -> false end),
    case Outcome of
        {ok, _} -> Outcome;
        {error, #{reason := Reason, message := Message}} when is_atom(Reason), is_binary(Message) -> Outcome
    end.

next(Port, Tag) -> await(Port, Tag, fun(Message) -> element(1, Message) =:= Tag end).

%% await takes the first message that matches, of those that wait and those to come.
await(Port, What, Match) ->
    {Others, Rest} = lists:splitwith(fun(Message) -> not Match(Message) end, get(inbox)),
    case Rest of
        [Message | Later] ->
            put(inbox, Others ++ Later),
            Message;
        [] ->
            put(inbox, Others ++ arrived(Port, What)),
            await(Port, What, Match)
    end.

arrived(Port, What) ->
    receive
        {Port, {data, Data}} ->
            case binary_to_term(Data) of
                Messages when is_list(Messages) -> Messages;
                Message -> [Message]
            end;
        {Port, {exit_status, Status}} -> error({no, What, worker_ended_with, Status})
    after ?PATIENCE -> error({no, What, {have, lists:sublist(get(inbox), 5)}})
    end.

%% Nothing but answers to pings comes, and nobody has left anything behind.
nothing_more(Port) ->
    send(Port, {ping, '$end'}),
    await(Port, pong, fun(Message) -> Message =:= {pong, '$end'} end),
    [] = [Message || Message <- get(inbox), not lists:member(element(1, Message), [log, pong])].

%% running waits until so many calls run; the one that asks is not meant.
running(Port, Calls) ->
    {ok, #{running := N}} = run_call(Port, '$stats', []),
    N >= Calls orelse running(Port, Calls).

status(Port) ->
    receive
        {Port, {exit_status, Status}} -> Status;
        {Port, {data, _}} -> status(Port)
    after ?PATIENCE -> error(no_exit_status)
    end.

stop(Port) -> port_close(Port).

gone(OsPid, Seconds) ->
    "0\n" = os:cmd(io_lib:format("timeout ~b tail --pid=~b -s 0.05 -f /dev/null; echo $?", [Seconds, OsPid])).

timed(Fun) ->
    Began = erlang:monotonic_time(millisecond),
    Value = Fun(),
    {erlang:monotonic_time(millisecond) - Began, Value}.

less_than(Bound, Milliseconds) ->
    Milliseconds < Bound orelse error({took, Milliseconds, ms, bound, Bound}).

mentions(Text, Word) ->
    binary:match(Text, Word) =/= nomatch orelse error({Text, does_not_mention, Word}).

%% Terms that are easily got wrong.

terms() ->
    rand:seed(exsss, {5, 0, 0}),
    Leaves = leaves(),
    Leaves ++ [grow(Leaves, 5) || _ <- lists:seq(1, 300)].

leaves() ->
    lists:append([
        integers(), floats(), atoms(), binaries(), lists_and_tuples(), maps(), opaque()]).

integers() ->
    Edges = [1 bsl N || N <- [0, 7, 8, 15, 16, 26, 27, 28, 31, 32, 47, 59, 60, 62, 63, 64, 127, 128, 255, 256, 2039, 2040, 2048, 100000]],
    lists:append([[E, -E, E - 1, -E + 1, E + 1, -E - 1] || E <- Edges]).

floats() ->
    [0.0, -0.0, 0.1, -0.1, 1.0, 1.0e308, -1.0e308, 5.0e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 9007199254740993.0,
     3.141592653589793].

atoms() ->
    [a, '', ' ', true, false, nil, undefined, null, 'Elixir.Enum', 'with\nnewline', 'é', 'ÿ', 'žluťoučký', '日本語',
     binary_to_atom(binary:copy(<<"日"/utf8>>, 255)), list_to_atom(lists:duplicate(255, $a)), list_to_atom(lists:duplicate(255, 233))].

binaries() ->
    [<<>>, <<0>>, <<255, 254>>, <<"text">>, <<"žluť"/utf8>>, binary:copy(<<"x">>, 255), binary:copy(<<"x">>, 256),
     binary:copy(<<"x">>, 65), binary:copy(<<0>>, 70000), <<1:1>>, <<0:1>>, <<5:3>>, <<127:7>>, <<1, 2:2>>, <<1:9>>, <<0:65535>>,
     binary:part(binary:copy(<<"sub">>, 100), 7, 200)].

lists_and_tuples() ->
    [[], [[]], [[], [[]]], [0], [255], [256], "string", "", [1 | 2], [1, 2 | <<"tail">>], [[] | []], [a | {b}], [[a | b] | c],
     lists:seq(1, 255), lists:seq(0, 255), lists:duplicate(65535, 7), lists:duplicate(65536, 7), lists:duplicate(70000, 300),
     [$a, 1.0], [1, 2, 300], [{a, 1}, {a, 2}], [true, false, nil],
     {}, {{}}, {1}, {[]}, {a, {b, {c}}}, list_to_tuple(lists:seq(1, 255)), list_to_tuple(lists:seq(1, 256)),
     list_to_tuple(lists:duplicate(70000, x)), nest(fun(T) -> [T] end, 400), nest(fun(T) -> {T} end, 400),
     nest(fun(T) -> #{T => T} end, 12), nest(fun(T) -> [a | T] end, 3000)].

nest(Wrap, Times) -> lists:foldl(fun(_, T) -> Wrap(T) end, end_of_it, lists:seq(1, Times)).

maps() ->
    [#{}, #{a => 1}, #{<<"a">> => 1}, #{a => 1, <<"a">> => 2, "a" => 3, {a} => 4, [a] => 5, 1 => 6, 1.0 => 7, #{} => 8},
     #{undefined => undefined}, #{nil => nil}, #{true => false}, #{self() => make_ref()}, #{[] => []}, #{<<>> => <<>>},
     maps:from_list([{N, N * N} || N <- lists:seq(1, 32)]), maps:from_list([{N, N} || N <- lists:seq(1, 33)]),
     maps:from_list([{integer_to_binary(N), N} || N <- lists:seq(1, 5000)]),
     #{'__struct__' => 'Elixir.DateTime', year => 2026, utc_offset => 0}, #{1 bsl 70 => -(1 bsl 70)}, #{<<1:3>> => <<1:5>>},
     #{#{a => 1} => #{b => #{c => []}}}].

%% Processes, ports, references and funs of here and elsewhere.
opaque() ->
    Free = make_ref(),
    Node = <<119, 13, "far@elsewhere">>,
    [self(), spawn(fun() -> ok end), make_ref(), erlang:alias(), hd(erlang:ports()), monitor(process, self()),
     fun lists:map/2, fun erlang:'+'/2, fun() -> ok end, fun(X) -> {X, Free} end, fun opaque/0,
     [make_ref() || _ <- lists:seq(1, 20)], {self(), make_ref()}] ++
    [binary_to_term(<<131, Term/binary>>) || Term <- [
         <<88, Node/binary, 80:32, 1:32, 1600000000:32>>, <<88, Node/binary, 16#FFFFFFF:32, 8191:32, 7:32>>,
         <<90, 1:16, Node/binary, 9:32, 5:32>>, <<90, 3:16, Node/binary, 9:32, 1:32, 2:32, 3:32>>,
         <<90, 5:16, Node/binary, 9:32, 1:32, 2:32, 3:32, 4:32, 5:32>>,
         <<89, Node/binary, 5:32, 9:32>>, <<120, Node/binary, 5:64, 9:32>>]].

grow(Leaves, Depth) ->
    case rand:uniform(6) of
        _ when Depth =:= 0 -> small(Leaves);
        1 -> small(Leaves);
        2 -> [grow(Leaves, Depth - 1) || _ <- lists:seq(1, rand:uniform(4))];
        3 -> list_to_tuple([grow(Leaves, Depth - 1) || _ <- lists:seq(1, rand:uniform(4))]);
        4 -> maps:from_list([{grow(Leaves, Depth - 1), grow(Leaves, Depth - 1)} || _ <- lists:seq(1, rand:uniform(4))]);
        5 -> [grow(Leaves, Depth - 1) | small(Leaves)];
        6 -> rand:bytes(rand:uniform(40))
    end.

%% small is a leaf that may stand many times in one term.
small(Leaves) ->
    Leaf = lists:nth(rand:uniform(length(Leaves)), Leaves),
    case erts_debug:flat_size(Leaf) of
        Size when Size < 500 -> Leaf;
        _ -> small(Leaves)
    end.
