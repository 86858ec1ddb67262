#!/usr/bin/env escript
%%! -noinput
%% Judges terms for the Go tests, in packets of a 4-byte length on stdin and stdout.
%% "d" and a term: "a" when binary_to_term accepts it and uses every byte, else "r".
%% "e", a 4-byte length, a term of that length and another: "y" when both are accepted and =:=, else "n".
-mode(compile).

main(_) ->
    loop(open_port({fd, 0, 1}, [binary, eof, {packet, 4}])).

loop(Port) ->
    receive
        {Port, {data, Request}} ->
            port_command(Port, answer(Request)),
            loop(Port);
        {Port, eof} ->
            halt(0)
    end.

answer(<<"d", Term/binary>>) ->
    case decode(Term) of
        {ok, _} -> "a";
        error -> "r"
    end;
answer(<<"e", Size:32, A:Size/binary, B/binary>>) ->
    case {decode(A), decode(B)} of
        {{ok, Term}, {ok, Term}} -> "y";
        _ -> "n"
    end.

decode(Bytes) ->
    try binary_to_term(Bytes, [used]) of
        {Term, Used} when Used =:= byte_size(Bytes) -> {ok, Term};
        _ -> error
    catch
        error:badarg -> error
    end.
