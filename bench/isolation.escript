#!/usr/bin/env escript
%% -*- erlang -*-
%% Does one kind of work delay another? The round trip of echo, on the io lane, while the
%% cpu lane is full of sums, while 600 tasks hold the blocking lane, and, for the
%% pitfall, with the sums put on the io lane.
%%
%%     isolation.escript WORKER BENCH_WORKER

main([Worker, Bench]) ->
    io:format("~-44s ~10s ~10s ~10s~n", ["echo, one at a time (ms)", "p50", "p99", "max"]),
    show("nothing else", Worker, 2000, []),
    show("cpu lane full of sums, 200 more waiting", Worker, 2000,
         [{call, {sum, I}, sum, [1000000000000]} || I <- lists:seq(1, 200)]),
    show("blocking lane full, 600 reads", Bench, 2000,
         [{call, {read, I}, block, []} || I <- lists:seq(1, 600)]),
    show("the pitfall: 64 sums on the io lane", Worker, 30,
         [{call, {sum, I}, sum, [1000000000000], #{lane => io}} || I <- lists:seq(1, 64)]).

show(Name, Worker, Count, Load) ->
    Times = lists:sort(alone(fun() -> echoes(Worker, Count, Load) end)),
    At = fun(P) -> lists:nth(max(1, round(length(Times) * P)), Times) / 1000 end,
    io:format("~-44s ~10.3f ~10.3f ~10.3f~n", [Name, At(0.5), At(0.99), At(1.0)]).

echoes(Worker, Count, Load) ->
    Port = open_port({spawn_executable, Worker}, [{packet, 4}, binary]),
    port_command(Port, term_to_binary({hello, #{}})),
    receive {Port, {data, _}} -> ok end,
    [port_command(Port, term_to_binary(Load)) || Load =/= []],
    port_command(Port, term_to_binary({ping, loaded})),
    receive {Port, {data, _}} -> ok end,
    Times = [begin
                 {Time, _} = timer:tc(fun() -> echo(Port, I) end),
                 Time
             end || I <- lists:seq(1, Count)],
    port_close(Port),
    Times.

echo(Port, I) ->
    port_command(Port, term_to_binary({call, I, echo, [I]})),
    receive {Port, {data, Packet}} -> {result, I, {ok, I}} = binary_to_term(Packet) end.

alone(F) ->
    {Pid, Ref} = spawn_monitor(fun() -> exit({result, F()}) end),
    receive {'DOWN', Ref, process, Pid, {result, R}} -> R;
            {'DOWN', Ref, process, Pid, Reason} -> error(Reason)
    end.
