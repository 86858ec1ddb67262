#!/usr/bin/env escript
%%! +sbwt none
%% -*- erlang -*-
%%
%% What the protocol promises, asked of a worker by nothing but Erlang/OTP:
%%
%%     escript must_hold.escript bin/portworker [FIXTURE]
%%
%% prints a line for each rule and `N passed, N failed`, and its status says the same. FIXTURE
%% is the worker of ../fixture, whose functions ask their client; without it, that is left out.
%% PORTWORKER_TEST_STREAMS is how many streams are opened and left, 100000 if not set.
-mode(compile).

-define(PATIENCE, 15000).
-define(HOSTILE_PACKETS, 20000).

main([Worker | Fixture]) when length(Fixture) =< 1 ->
    Scenarios = [{Name, Scenario, Worker} || {Name, Scenario} <- scenarios()] ++
                [{Name, Scenario, Path} || {Name, Scenario} <- fixture_scenarios(), Path <- Fixture],
    Failed = [Name || {N, {Name, Scenario, Path}} <- lists:zip(lists:seq(1, length(Scenarios)), Scenarios),
                      not run(N, Name, Scenario, filename:absname(Path))],
    io:format("~b passed, ~b failed~n", [length(Scenarios) - length(Failed), length(Failed)]),
    halt(case Failed of [] -> 0; _ -> 1 end);
main(_) ->
    io:format(standard_error, "usage: escript must_hold.escript WORKER [FIXTURE]~n", []),
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
     {"a compressed term", fun compressed/0},
     {"with credit n, never more than n elements", fun credit_rule/0},
     {"nor under cancel, half-close and the owner's death", fun credit_under_stops/0},
     {"ten thousand streams at once", fun ten_thousand_streams/0},
     {"a hundred thousand streams that are left leave nothing", fun streams_left/0},
     {"a stateful worker", fun stateful_worker/0},
     {"inputs that are not taken are told", fun inputs_not_taken/0},
     {"a flood stays within the window", fun window_flood/0}].

fixture_scenarios() ->
    [{"a callback and its failures", fun callback/0},
     {"callbacks reenter to any depth", fun callbacks_reenter/0},
     {"callbacks end with their task", fun callbacks_cancelled/0},
     {"notify reaches pids and aliases", fun notify/0},
     {"continuations here and there", fun continuations/0}].

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

%% Rules 12 and 13, and channels

credit_rule() ->
    Port = open([]),
    send(Port, {call, s, range, [1, 1000]}),
    running(Port, 1),
    nothing_more(Port),
    send(Port, {credit, s, 5}),
    [1, 2, 3, 4, 5] = elements(Port, s, 5),
    nothing_more(Port),
    [send(Port, {credit, s, 1}) || _ <- lists:seq(1, 95)],
    true = lists:seq(6, 100) =:= elements(Port, s, 95),
    nothing_more(Port),
    [send(Port, {credit, s, 1 bsl 62}) || _ <- lists:seq(1, 5)],
    true = lists:seq(101, 1000) =:= elements(Port, s, 900),
    {ok, nil} = result(Port, s),
    send(Port, [{credit, s, 10}, {credit, never_was, 10}, {close, s}, {close, never_was}]),
    send(Port, {call, f, fibonacci, [5], #{credit => 5}}),
    [0, 1, 1, 2, 3] = elements(Port, f, 5),
    {ok, nil} = result(Port, f),
    nothing_more(Port),
    stop(Port).

credit_under_stops() ->
    Port = open([]),
    Owner = self(),
    Refs = lists:seq(1, 2000),
    lists:foreach(
        fun(Ref) ->
            {Name, Args} = case Ref rem 2 of 0 -> {range, [1, 1 bsl 60]}; 1 -> {stateful_worker, []} end,
            send(Port, {call, Ref, Name, Args, #{credit => 3, owner => Owner}}),
            Ref rem 2 =:= 1 andalso [send(Port, {send, Ref, get_current}) || _ <- lists:seq(1, 8)],
            send(Port, {credit, Ref, 2}),
            case Ref rem 3 of
                0 -> send(Port, {cancel, Ref});
                1 -> send(Port, {close, Ref});
                2 -> ok
            end,
            send(Port, {credit, Ref, 1})
        end, Refs),
    send(Port, {owner_down, Owner}),
    Account = drink(Port, maps:from_keys(Refs, 6), fun(Left) -> map_size(Left) =:= 0 end),
    0 = map_size(Account),
    stop(Port).

ten_thousand_streams() ->
    Port = open(["--max-running", "20000"]),
    Refs = lists:seq(1, 10000),
    send(Port, [{call, Ref, fibonacci, [], #{credit => 3}} || Ref <- Refs]),
    Dry = fun(Left) -> lists:all(fun(Credit) -> Credit =:= 0 end, maps:values(Left)) end,
    Used = drink(Port, maps:from_keys(Refs, 3), Dry),
    nothing_more(Port),
    send(Port, [{credit, Ref, Ref rem 4} || Ref <- Refs, Ref rem 4 > 0]),
    UsedAgain = drink(Port, maps:map(fun(Ref, 0) -> Ref rem 4 end, Used), Dry),
    nothing_more(Port),
    send(Port, [{cancel, Ref} || Ref <- Refs]),
    #{} = drink(Port, UsedAgain, fun(Left) -> map_size(Left) =:= 0 end),
    nothing_more(Port),
    stop(Port).

streams_left() ->
    Port = open([]),
    {ok, #{goroutines := Base}} = run_call(Port, '$stats', []),
    Streams = list_to_integer(os:getenv("PORTWORKER_TEST_STREAMS", "100000")),
    [leave_streams(Port, Round) || Round <- lists:seq(1, Streams div 1000)],
    idle(Port, Base + 4),
    nothing_more(Port),
    {messages, []} = process_info(self(), messages),
    stop(Port).

leave_streams(Port, Round) ->
    Refs = [{Round, N} || N <- lists:seq(1, 1000)],
    send(Port, [{call, Ref, range, [1, 4], #{credit => 2, owner => Round}} || Ref <- Refs]),
    Used = drink(Port, maps:from_keys(Refs, 2), fun(Left) -> lists:sum(maps:values(Left)) =:= 0 end),
    case Round rem 2 of
        0 -> send(Port, [{cancel, Ref} || Ref <- Refs]);
        1 -> send(Port, {owner_down, Round})
    end,
    drink(Port, Used, fun(Left) -> map_size(Left) =:= 0 end).

%% idle waits until the worker has nothing of all it was asked.
idle(Port, Goroutines) ->
    case run_call(Port, '$stats', []) of
        {ok, #{accepted := Accepted, abandoned := 0, goroutines := N}} when Accepted =< 1, N =< Goroutines -> ok;
        {ok, _} -> idle(Port, Goroutines)
    end.

%% drink reads until the streams are as wanted: Left is what each that has not ended may still
%% send. One that sends more, or after its end, fails.
drink(Port, Left, Enough) ->
    case Enough(Left) of
        true -> Left;
        false ->
            receive
                {Port, {data, Data}} ->
                    Messages = case binary_to_term(Data) of List when is_list(List) -> List; One -> [One] end,
                    drink(Port, lists:foldl(fun sip/2, Left, Messages), Enough);
                {Port, {exit_status, Status}} -> error({worker_ended_with, Status})
            after ?PATIENCE -> error({streams_left, map_size(Left), lists:sum(maps:values(Left))})
            end
    end.

sip({data, Ref, [_ | _] = Elements}, Left) ->
    #{Ref := Credit} = Left,
    case Credit - length(Elements) of
        Rest when Rest >= 0 -> Left#{Ref := Rest};
        Rest -> error({Ref, sent, -Rest, more_than, credited})
    end;
sip({result, Ref, Outcome}, Left) ->
    case Outcome of {ok, nil} -> ok; {error, #{reason := cancelled}} -> ok end,
    {_, Others} = maps:take(Ref, Left),
    Others;
sip({fault, Ref, #{reason := Reason}}, Left) when Reason =:= bad_message; Reason =:= overloaded ->
    true = Ref rem 2 =:= 1, % an input that came after the end
    Left.

stateful_worker() ->
    Port = open([]),
    send(Port, {call, w, stateful_worker, []}),
    Say = fun(Command) -> send(Port, {send, w, Command}), [Answer] = elements(Port, w, 1), Answer end,
    {updated, #{old_value := 0, new_value := 5} = Map} = Say({add, #{value => 5}}),
    2 = map_size(Map),
    {updated, #{old_value := 5, new_value := 15}} = Say({multiply, #{<<"value">> => 3}}),
    {current, #{value := 15}} = Say(get_current),
    Big = 1 bsl 200,
    {updated, #{old_value := 15, new_value := Big}} = Say({add, #{value => Big - 15}}),
    {shutting_down, #{final_value := Big}} = Say(shutdown),
    {ok, nil} = result(Port, w),
    send(Port, [{call, v, stateful_worker, [7]}, {send, v, get_current}, {close, v}]),
    [{current, #{value := 7}}] = elements(Port, v, 1),
    {ok, nil} = result(Port, v),
    nothing_more(Port),
    stop(Port).

inputs_not_taken() ->
    Port = open([]),
    send(Port, {call, w, stateful_worker, []}),
    [begin
         send(Port, {send, w, Input}),
         {fault, w, #{reason := bad_args, message := <<_, _/binary>>}} = next(Port, fault)
     end || Input <- [explode, {add, 5}, {add, #{value => <<"5">>}}, add, {add, #{}}, 5, [add]]],
    send(Port, {send, w, get_current}),
    [{current, #{value := 0}}] = elements(Port, w, 1),
    %% No output is asked for: one input is under way, or will be, and 64 wait.
    send(Port, {call, full, stateful_worker, [], #{credit => 0}}),
    [send(Port, {send, full, {add, #{value => 1}}}) || _ <- lists:seq(1, 100)],
    Lost = length([next(Port, fault) || _ <- lists:seq(1, 35)]),
    send(Port, [{credit, full, 1000}, {close, full}]),
    send(Port, {ping, read}),
    {ok, nil} = result(Port, full),
    Taken = length([1 || {data, full, Answers} <- get(inbox), _ <- Answers]),
    More = length([1 || {fault, full, #{reason := overloaded}} <- get(inbox)]),
    100 = Lost + More + Taken,
    put(inbox, []),
    send(Port, {call, f, sleep, [60000]}),
    [begin
         send(Port, {send, Ref, 1}),
         {fault, Ref, #{reason := bad_message}} = next(Port, fault)
     end || Ref <- [f, never_was, full]],
    stop(Port).

%% A client that reads and does not acknowledge is sent no more than the window; as it
%% acknowledges, the rest comes.
window_flood() ->
    Port = open([]),
    Window = 1 bsl 20,
    Calls = 200,
    send(Port, {hello, #{protocol => 1, window => Window}}),
    Binary = binary:copy(<<"x">>, 64 bsl 10),
    [send(Port, {call, N, echo, [Binary]}) || N <- lists:seq(1, Calls)],
    send(Port, {call, s, sleep, [60000]}),
    %% What just does not fit is missing, and neither a pong nor news of a cancel is held back.
    Full = unacked(Port, 0, Window - byte_size(Binary) - 200),
    send(Port, [{ping, full}, {cancel, s}]),
    {pong, full} = next(Port, pong),
    {error, #{reason := cancelled}} = result(Port, s),
    true = Full =< Window,
    send(Port, {ack, Full + 200}),
    Rest = Calls - length([1 || {result, _, {ok, _}} <- get(inbox)]),
    sip_window(Port, Rest, Window),
    stop(Port).

%% unacked reads packets until that many bytes have come.
unacked(_, Bytes, Enough) when Bytes >= Enough -> Bytes;
unacked(Port, Bytes, Enough) ->
    receive
        {Port, {data, Data}} ->
            put(inbox, get(inbox) ++ case binary_to_term(Data) of List when is_list(List) -> List; One -> [One] end),
            unacked(Port, Bytes + byte_size(Data), Enough)
    after ?PATIENCE -> error({no_more_than, Bytes, Enough})
    end.

sip_window(_, 0, _) -> ok;
sip_window(Port, Results, Window) ->
    receive
        {Port, {data, Data}} ->
            send(Port, {ack, byte_size(Data)}),
            {messages, Waiting} = process_info(self(), messages),
            true = lists:sum([byte_size(D) || {_, {data, D}} <- Waiting]) =< Window,
            Messages = case binary_to_term(Data) of List when is_list(List) -> List; One -> [One] end,
            sip_window(Port, Results - length([1 || {result, _, {ok, _}} <- Messages]), Window)
    after ?PATIENCE -> error({results_missing, Results})
    end.

%% Callbacks

callback() ->
    Port = open([]),
    send(Port, {call, 1, ask, [<<"lookup">>, [{key, 1}, self()]], #{timeout => 60000, meta => #{<<"trace">> => <<"1">>}}}),
    {callback, Id, 1, <<"lookup">>, [{key, 1}, Self], #{timeout := Left, meta := #{<<"trace">> := <<"1">>}}} = next(Port, callback),
    true = Self =:= self() andalso is_integer(Id) andalso Left > 0 andalso Left =< 60000,
    send(Port, {reply, Id, {ok, {found, [1 | 2]}}}),
    {ok, {found, [1 | 2]}} = result(Port, 1),
    [begin
         send(Port, {call, 2, 'ask.caught', [<<"f">>, []]}),
         {callback, Asked, 2, <<"f">>, [], _} = next(Port, callback),
         send(Port, {reply, Asked, {error, Error}}),
         {ok, #{typed := true, kind := Kind, message := Message, stack := Stack}} = result(Port, 2)
     end || {Error, Kind, Message, Stack} <-
                [{#{kind => error, message => <<"boom">>, stack => <<"a.ex:1">>}, <<"error">>, <<"boom">>, <<"a.ex:1">>},
                 {#{kind => throw, message => <<"ball">>}, <<"throw">>, <<"ball">>, <<>>},
                 {#{message => <<"plain">>}, <<>>, <<"plain">>, <<>>}]],
    #{protocol := 1} = hello(Port, #{protocol => 1, callbacks => [f, <<"g">>]}),
    {error, #{reason := unknown_function}} = run_call(Port, ask, [<<"h">>, []]),
    nothing_more(Port),
    stop(Port).

callbacks_reenter() ->
    Port = open(["--lanes", "cpu=1"]),
    Depth = 50,
    send(Port, {call, Depth, reenter, [Depth], #{lane => cpu}}),
    Ids = [begin
               {callback, Id, D, <<"again">>, [Below], _} = next(Port, callback),
               Below = D - 1,
               send(Port, {call, Below, reenter, [Below], #{lane => cpu}}),
               {D, Id}
           end || D <- lists:seq(Depth, 1, -1)],
    [begin
         {ok, Value} = result(Port, D - 1),
         send(Port, {reply, Id, {ok, Value}})
     end || {D, Id} <- lists:reverse(Ids)],
    {ok, Depth} = result(Port, Depth),
    nothing_more(Port),
    stop(Port).

callbacks_cancelled() ->
    Port = open([]),
    Ids = [begin
               send(Port, {call, N, Name, [<<"f">>, []], #{owner => self()}}),
               element(2, next(Port, callback))
           end || {N, Name} <- [{1, ask}, {2, 'continue.callback'}]],
    send(Port, {owner_down, self()}),
    {error, #{reason := cancelled}} = result(Port, 1),
    {error, #{reason := cancelled}} = result(Port, 2),
    send(Port, {call, 3, ask, [<<"f">>, []], #{timeout => 50}}),
    Late = element(2, next(Port, callback)),
    {error, #{reason := timeout}} = result(Port, 3),
    [send(Port, {reply, Id, {ok, late}}) || Id <- [Late, Late, 1 bsl 60 | Ids]],
    nothing_more(Port),
    stop(Port).

notify() ->
    Port = open([]),
    [begin
         {ok, true} = run_call(Port, notify, [To, {hello, To}]),
         {notify, To, {hello, To}} = next(Port, notify)
     end || To <- [self(), erlang:alias(), a_registered_name]],
    stop(Port).

continuations() ->
    Port = open(["--lanes", "cpu=1"]),
    {ok, done} = run_call(Port, continue, [<<"echo">>, [done]]),
    {ok, <<"done">>} = run_call(Port, countdown, [1000]),
    send(Port, {call, 1, 'continue.callback', [<<"f">>, [{x}]], #{lane => cpu}}),
    {callback, Id, 1, <<"f">>, [{x}], _} = next(Port, callback),
    send(Port, {call, 2, echo, [room], #{lane => cpu}}),
    {ok, room} = result(Port, 2),
    send(Port, {reply, Id, {ok, {from, there}}}),
    {ok, {from, there}} = result(Port, 1),
    nothing_more(Port),
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

%% elements takes the next N elements of a stream, and there are to be no more.
elements(_, _, 0) -> [];
elements(Port, Ref, N) when N > 0 ->
    {data, _, Elements} = await(Port, {data, Ref}, fun({data, R, _}) -> R =:= Ref; (_) -> false end),
    Elements ++ elements(Port, Ref, N - length(Elements)).

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
