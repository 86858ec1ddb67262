#!/usr/bin/env escript
%% A client in plain Erlang, without a library: a port, packets, and the messages of docs/protocol.md.
%%
%%     scripts/run-examples erlang
%%
%% The ref of a call is any term of its caller's. Here it is a reference, so that a receive skips the
%% mailbox from before the call. A packet is one message or a list of them.
-mode(compile).

main([Worker]) ->
    Port = open_port({spawn_executable, Worker}, [{packet, 4}, binary, exit_status]),
    send(Port, {hello, #{protocol => 1}}),
    [{hello, #{name := Name, protocol := 1}}] = messages(Port),
    io:format("hello from ~s~n", [Name]),

    %% A call, and what it reports on its way.
    {ok, #{items := 3, bytes := 11}} = call(Port, process_items, [[<<"one">>, <<"two">>, <<"three">>]]),
    {error, #{reason := bad_args, message := Why}} = call(Port, upcase, [42]),
    io:format("refused: ~s~n", [Why]),

    %% A stream: two elements at first, and one more for each that was taken, until there are seven.
    Taken = stream(Port, range, [1, 1000000], 7),
    io:format("taken: ~w~n", [Taken]),

    %% A task that is cancelled says whether it has stopped.
    Sleep = make_ref(),
    send(Port, [{call, Sleep, sleep, [60000]}, {cancel, Sleep}]),
    {error, #{reason := cancelled, details := #{still_running := false}}} = result(Port, Sleep, []),
    io:format("cancelled~n"),

    %% Asked to drain, the worker ends by itself.
    send(Port, drain),
    receive {Port, {exit_status, Status}} -> io:format("exit status ~b~n", [Status]) end.

call(Port, Name, Args) ->
    Ref = make_ref(),
    send(Port, {call, Ref, Name, Args, #{timeout => 5000}}),
    result(Port, Ref, []).

%% result(Port, Ref, Waiting): the result of one task, showing its progress. Messages that were
%% in the same packet are Waiting.
result(Port, Ref, []) ->
    result(Port, Ref, messages(Port));
result(_Port, Ref, [{result, Ref, Result} | _]) ->
    Result;
result(Port, Ref, [{progress, Ref, #{done := Done, total := Total, item := Item}} | Rest]) ->
    io:format("~b of ~b: ~s~n", [Done, Total, Item]),
    result(Port, Ref, Rest);
result(Port, Ref, [_Other | Rest]) ->
    result(Port, Ref, Rest).

%% The first elements of a stream that would go on.
stream(Port, Name, Args, Count) ->
    Ref = make_ref(),
    send(Port, {call, Ref, Name, Args, #{credit => 2}}),
    Elements = elements(Port, Ref, Count, []),
    send(Port, {cancel, Ref}),
    {error, #{reason := cancelled}} = result(Port, Ref, []),
    Elements.

elements(Port, Ref, Count, Taken) when length(Taken) < Count ->
    New = lists:append([Elements || {data, R, Elements} <- messages(Port), R =:= Ref]),
    [send(Port, {credit, Ref, length(New)}) || New =/= []],
    elements(Port, Ref, Count, Taken ++ New);
elements(_Port, _Ref, Count, Taken) ->
    lists:sublist(Taken, Count).

send(Port, Message) ->
    true = port_command(Port, term_to_binary(Message)).

messages(Port) ->
    receive
        {Port, {data, Packet}} ->
            case binary_to_term(Packet) of
                Batch when is_list(Batch) -> Batch;
                Message -> [Message]
            end;
        {Port, {exit_status, Status}} ->
            error({worker_ended, Status})
    after 5000 ->
        error(no_answer)
    end.
