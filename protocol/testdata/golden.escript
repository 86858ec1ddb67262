#!/usr/bin/env escript
%% Writes golden.txt beside itself: frames as a BEAM writes them, length included.
%%
%%     escript protocol/testdata/golden.escript
%%
%% A line is the side that sends the frame, its name and its bytes in hex; the
%% line before it is the term. Frames of the client are in the encoding this BEAM
%% chooses itself; frames of the worker are in the newer one (UTF-8 atoms), which
%% is what a worker sends and what OTP 26 and later choose.

main([]) ->
    Name = filename:join(filename:dirname(escript:script_name()), "golden.txt"),
    Head = io_lib:format("% Made by golden.escript on OTP ~s. Do not edit.~n", [erlang:system_info(otp_release)]),
    ok = file:write_file(Name, [Head | [line(Frame) || Frame <- client() ++ worker()]]).

line({Side, Name, Term}) -> line({Side, Name, Term, options(Side)});
line({Side, Name, Term, Options}) ->
    Packet = term_to_binary(Term, Options),
    Term =:= binary_to_term(Packet) orelse error(Name),
    Frame = <<(byte_size(Packet)):32, Packet/binary>>,
    io_lib:format("~n% ~0tp~n~s ~s ~s~n", [Term, Side, Name, [io_lib:format("~2.16.0b", [B]) || <<B>> <= Frame]]).

options(client) -> [{minor_version, 1}];
options(worker) -> [{minor_version, 2}].

client() ->
    Ref = list_to_ref("#Ref<0.1.2.3>"),
    Pid = list_to_pid("<0.100.0>"),
    Long = binary:copy(<<"abc">>, 100),
    [{client, hello, {hello, #{protocol => 1}}},
     {client, hello_config, {hello, #{protocol => 1, log_level => warning, window => 0, callbacks => [],
                                      config => #{max_running => 100, lanes => #{cpu => 2}}}}},
     {client, call, {call, 1, echo, [<<"hi">>]}},
     {client, call_utf8_atoms, {call, 1, echo, [<<"hi">>]}, [{minor_version, 2}]},
     {client, call_binary_name, {call, 1, <<"file.digest">>, [<<"/etc/hosts">>, <<"sha256">>]}},
     {client, call_reference, {call, Ref, echo, [ok]}},
     {client, call_string_args, {call, 7, sum, [100]}},
     {client, call_no_args, {call, 8, <<"$stats">>, []}},
     {client, call_options, {call, 2, sleep, [1000], #{timeout => 500, owner => Pid, progress => false}}},
     {client, call_all_options, {call, {Pid, 9}, sleep, [1000],
        #{timeout => infinity, priority => critical, lane => blocking, owner => Pid, credit => 10,
          retry => #{max => 3}, name => <<"nap">>, meta => #{<<"traceparent">> => <<"00-1-2-03">>},
          progress => true, unknown => ignored}}},
     {client, call_kept, [{call, 1, echo, [<<"hi">>], #{timeout => 500, keep => 7}}, {2, echo, [<<"hi">>], 7}]},
     {client, call_compressed, {call, 3, echo, [Long]}, [compressed, {minor_version, 1}]},
     {client, cancel, {cancel, 2}},
     {client, cancel_reference, {cancel, Ref}},
     {client, owner_down, {owner_down, Pid}},
     {client, ping, {ping, now}},
     {client, drain, drain},
     {client, drain_tuple, {drain}},
     {client, hello_window, {hello, #{window => 65536, callbacks => [price]}}},
     {client, call_stream, {call, 4, range, [1, 100], #{credit => 2}}},
     {client, call_channel, {call, 4, stateful_worker, [10], #{input_credit => true}}},
     {client, credit, {credit, 4, 16}},
     {client, send, {send, 4, {line, <<"x">>}}},
     {client, close, {close, 4}},
     {client, reply, {reply, 5, {ok, done}}},
     {client, reply_error, {reply, 5, {error, noproc}}},
     {client, reply_raised, {reply, 5, {error, #{kind => error, message => <<"no price">>}}}},
     {client, ack, {ack, 65536}},
     {client, batch, [{call, 1, echo, [a]}, {cancel, 2}, {ping, 3}]},
     {client, empty_batch, []},
     {client, unknown_tag, {launch, 1}},
     {client, call_too_short, {call, 1, echo}}].

worker() ->
    Ref = list_to_ref("#Ref<0.1.2.3>"),
    Pid = list_to_pid("<0.100.0>"),
    [{worker, hello, {hello, #{protocol => 1, name => <<"demo">>, version => <<"1.0.0">>, os_pid => 4711,
        functions => [#{name => <<"echo">>, kind => function, args => [any], result => any,
                        doc => <<"returns its argument">>, lane => io}],
        limits => #{max_running => 10000}}}},
     {worker, result, {result, 1, {ok, <<"hi">>}}},
     {worker, result_reference, {result, Ref, {ok, ok}}},
     {worker, short_result, {1, <<"hi">>}},
     {worker, failure, {result, 1, {error, #{reason => unknown_function, message => <<"no function \"nope\"">>}}}},
     {worker, overloaded, {result, 1, {error, #{reason => overloaded, message => <<"busy">>, retry_after => 50}}}},
     {worker, cancelled, {result, 2, {error, #{reason => cancelled, message => <<"cancelled by the client">>,
        details => #{still_running => false}}}}},
     {worker, panic, {result, 2, {error, #{reason => panic, message => <<"oops">>, stack => <<"goroutine 7">>}}}},
     {worker, progress, {progress, 2, 50}},
     {worker, data, {data, 4, [1, <<"two">>]}},
     {worker, input_credit, {credit, 4, 32}},
     {worker, callback, {callback, 5, 4, <<"price">>, [<<"EUR">>], #{timeout => 500}}},
     {worker, notify, {notify, Pid, done}},
     {worker, log, {log, info, <<"started">>, #{<<"function">> => <<"sleep">>}}},
     {worker, replace, {replace, #{reason => <<"3 handlers run on">>, abandoned => 3}}},
     {worker, pong, {pong, now}},
     {worker, fault, {fault, undefined, #{reason => bad_message, message => <<"unknown">>}}},
     {worker, fault_ref, {fault, 2, #{reason => duplicate_ref, message => <<"in use">>}}},
     {worker, batch, [{result, 1, {ok, a}}, {progress, 2, 51}, {pong, 3}]}].
