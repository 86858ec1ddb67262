#!/usr/bin/env escript
%% -*- erlang -*-
%% A million tasks that sleep at once in one worker: what each costs, and that all
%% are answered and all can be cancelled.
%%
%%     million.escript WORKER [COUNT]

main([Worker]) -> main([Worker, "1000000"]);
main([Worker, CountText]) ->
    Count = list_to_integer(CountText),
    Port = open_port({spawn_executable, Worker}, [{packet, 4}, binary]),
    send(Port, {hello, #{config => #{max_running => Count + 1000}}}),
    #{os_pid := Pid} = receive {Port, {data, D}} -> element(2, binary_to_term(D)) end,
    Idle = resident(Pid),
    {Accepting, _} = timer:tc(fun() ->
        batches(Port, Count, fun(I) -> {call, I, '$sleep', [600000]} end),
        send(Port, {ping, accepted}),
        receive {Port, {data, P}} -> {pong, accepted} = binary_to_term(P) end
    end),
    Busy = resident(Pid),
    {Ending, _} = timer:tc(fun() ->
        batches(Port, Count, fun(I) -> {cancel, I} end),
        results(Port, Count)
    end),
    io:format("~b sleeping tasks: ~.1f MiB, ~b bytes each; accepted in ~.1f s, cancelled and answered in ~.1f s~n",
              [Count, (Busy - Idle) / 1048576, (Busy - Idle) div Count, Accepting / 1.0e6, Ending / 1.0e6]),
    port_close(Port).

%% Sends a message for each of 1 to Count, 1,000 in a packet.
batches(_Port, 0, _Message) -> ok;
batches(Port, Count, Message) ->
    N = min(1000, Count),
    send(Port, [Message(I) || I <- lists:seq(Count - N + 1, Count)]),
    batches(Port, Count - N, Message).

results(_Port, 0) -> ok;
results(Port, Left) ->
    receive {Port, {data, D}} ->
        Messages = case binary_to_term(D) of L when is_list(L) -> L; M -> [M] end,
        [{result, _, {error, #{reason := cancelled}}} = M || M <- Messages],
        results(Port, Left - length(Messages))
    end.

send(Port, Term) -> port_command(Port, term_to_binary(Term)).

%% Bytes of memory the process holds.
resident(Pid) ->
    {ok, Status} = file:read_file(io_lib:format("/proc/~b/status", [Pid])),
    {match, [KiB]} = re:run(Status, "VmRSS:\\s+(\\d+) kB", [{capture, [1], list}]),
    list_to_integer(KiB) * 1024.
