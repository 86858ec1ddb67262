#!/usr/bin/env escript
%% -*- erlang -*-
%%! +sbwt none
-mode(compile).
%% Measures term_to_binary/1 and binary_to_term/1 on the files of a directory. It obeys lines on standard input,
%% "decode FILE TIMES" or "encode FILE TIMES", and answers each with the nanoseconds that took. Before that it writes
%% the terms again: what is compared are the bytes that the BEAM sends, with its order of keys and its form of atoms.
%%
%%     otp.escript DIR

main([Dir]) ->
    {ok, Names} = file:list_dir(Dir),
    Files = maps:from_list([{Name, rewrite(filename:join(Dir, Name))} || Name <- Names]),
    io:format("ready~n"),
    obey(Files).

rewrite(File) ->
    {ok, Data} = file:read_file(File),
    Written = term_to_binary(binary_to_term(Data)),
    ok = file:write_file(File, Written),
    Written.

obey(Files) ->
    case io:get_line("") of
        eof -> ok;
        Line ->
            [Operation, Name, Times] = string:lexemes(string:trim(Line), " "),
            Data = maps:get(Name, Files),
            io:format("~b~n", [alone(fun() -> measure(Operation, Data, list_to_integer(Times)) end)]),
            obey(Files)
    end.

%% In a process of its own, whose heap holds nothing else.
alone(Measure) ->
    {Pid, Monitor} = spawn_monitor(fun() -> exit({measured, Measure()}) end),
    receive {'DOWN', Monitor, process, Pid, {measured, Time}} -> Time end.

measure("decode", Data, Times) ->
    timed(fun() -> decode(Data, Times, none) end);
measure("encode", Data, Times) ->
    Term = binary_to_term(Data),
    timed(fun() -> encode(Term, Times, none) end).

%% The last result is returned, since a call whose result nobody wants is left out by the compiler.
decode(_, 0, Last) -> Last;
decode(Data, N, _) -> decode(Data, N - 1, binary_to_term(Data)).

encode(_, 0, Last) -> Last;
encode(Term, N, _) -> encode(Term, N - 1, term_to_binary(Term)).

timed(Run) ->
    Start = erlang:monotonic_time(nanosecond),
    Run(),
    erlang:monotonic_time(nanosecond) - Start.
