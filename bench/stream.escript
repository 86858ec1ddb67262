#!/usr/bin/env escript
%% -*- erlang -*-
%%! +sbwt none
%% Streams through a bare port: a worker beside a C program that writes the same
%% packets, in turn.
%%
%%     stream.escript WORKER C_PROGRAM ROUNDS

main([Worker, Program, Rounds]) ->
    N = list_to_integer(Rounds),
    Cases = [{"1 MiB binaries", "MB/s", 400, 1 bsl 20},
             {"64 KiB binaries", "MB/s", 4000, 1 bsl 16}],
    io:format("~-18s ~10s ~10s ~10s   (medians of ~b rounds; min, max)~n", ["", "worker", "C", "ratio", N]),
    [compare(Case, Worker, Program, N) || Case <- Cases],
    Rates = [integers(Worker, 2000000) || _ <- lists:seq(1, N)],
    io:format("~-18s ~10.2f M elements/s  (~.2f, ~.2f)~n",
              ["small integers", median(Rates), lists:min(Rates), lists:max(Rates)]),
    Trips = [round_trips(Worker, 20000) || _ <- lists:seq(1, N)],
    io:format("~-18s ~10.1f k round trips/s, one at a time  (~.1f, ~.1f)~n",
              ["channel", median(Trips), lists:min(Trips), lists:max(Trips)]).

compare({Name, Unit, Count, Size}, Worker, Program, Rounds) ->
    Pairs = [{blobs(Worker, Count, Size), packets(Program, Count, Size)} || _ <- lists:seq(1, Rounds)],
    {Ours, Theirs} = lists:unzip(Pairs),
    Ratios = [O / T || {O, T} <- Pairs],
    io:format("~-18s ~10.1f ~10.1f ~10.2f   ~s (~.2f, ~.2f)~n",
              [Name, median(Ours), median(Theirs), median(Ratios), Unit, lists:min(Ratios), lists:max(Ratios)]).

%% Megabytes a second of a worker's stream, from the first call to the result.
blobs(Worker, Count, Size) ->
    alone(fun() ->
        Port = open_port({spawn_executable, Worker}, [{packet, 4}, binary]),
        port_command(Port, term_to_binary({hello, #{}})),
        receive {Port, {data, _}} -> ok end,
        Time = timed(fun() ->
            port_command(Port, term_to_binary({call, 1, blobs, [Count, Size], #{credit => Count}})),
            elements(Port, Count)
        end),
        port_close(Port),
        Count * Size / Time
    end).

%% The same of a program that writes the packets and knows nothing of calls.
packets(Program, Count, Size) ->
    alone(fun() ->
        Args = [integer_to_list(Count), integer_to_list(Size)],
        Time = timed(fun() ->
            Port = open_port({spawn_executable, Program}, [{packet, 4}, binary, {args, Args}]),
            elements(Port, Count),
            port_close(Port)
        end),
        Count * Size / Time
    end).

%% Millions of elements a second, decoded and counted.
integers(Worker, Count) ->
    alone(fun() ->
        Port = open_port({spawn_executable, Worker}, [{packet, 4}, binary]),
        port_command(Port, term_to_binary({hello, #{}})),
        receive {Port, {data, _}} -> ok end,
        Time = timed(fun() ->
            port_command(Port, term_to_binary({call, 1, integers, [Count], #{credit => 10000}})),
            granted(Port, Count, 10000)
        end),
        port_close(Port),
        Count / Time
    end).

%% Thousands of round trips a second through a channel that sends back what it gets.
round_trips(Worker, Count) ->
    alone(fun() ->
        Port = open_port({spawn_executable, Worker}, [{packet, 4}, binary]),
        port_command(Port, term_to_binary({hello, #{}})),
        receive {Port, {data, _}} -> ok end,
        port_command(Port, term_to_binary({call, 1, mirror, [], #{credit => Count}})),
        Time = timed(fun() ->
            [begin
                 port_command(Port, term_to_binary({send, 1, I})),
                 receive {Port, {data, Packet}} -> {data, 1, [I]} = binary_to_term(Packet) end
             end || I <- lists:seq(1, Count)]
        end),
        port_close(Port),
        Count * 1000 / Time
    end).

elements(_Port, 0) -> ok;
elements(Port, Left) ->
    receive {Port, {data, Packet}} -> elements(Port, Left - count(binary_to_term(Packet))) end.

%% Grants again what has come once half of the credit is used.
granted(_Port, Left, _Open) when Left =< 0 -> ok;
granted(Port, Left, Open) when Open < 5000 ->
    port_command(Port, term_to_binary({credit, 1, 5000})),
    granted(Port, Left, Open + 5000);
granted(Port, Left, Open) ->
    receive {Port, {data, Packet}} ->
        N = count(binary_to_term(Packet)),
        granted(Port, Left - N, Open - N)
    end.

count(Batch) when is_list(Batch) -> lists:sum([count(Message) || Message <- Batch]);
count({data, 1, Elements}) -> length(Elements);
count({result, 1, {ok, _}}) -> 0.

%% In microseconds.
timed(F) -> {Time, _} = timer:tc(F), Time.

%% In a process of its own, whose mailbox and heap are gone afterwards.
alone(F) ->
    {Pid, Ref} = spawn_monitor(fun() -> exit({result, F()}) end),
    receive {'DOWN', Ref, process, Pid, {result, R}} -> R;
            {'DOWN', Ref, process, Pid, Reason} -> error(Reason)
    end.

median(L) -> lists:nth((length(L) + 1) div 2, lists:sort(L)).
