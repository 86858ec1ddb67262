#!/usr/bin/env escript
%%! -noinput
%% Judges terms for the Go tests. A request is a packet of pairs of terms, each term after its length in 4 bytes; the
%% answer has a byte for each pair: "r" when binary_to_term refuses the first or leaves bytes of it unused, else "a"
%% when the second is empty, else "y" or "n", whether both are =:=.
-mode(compile).

main(_) ->
    loop(open_port({fd, 0, 1}, [binary, eof, {packet, 4}])).

loop(Port) ->
    receive
        {Port, {data, Request}} ->
            port_command(Port, [judge(A, B) || <<N:32, A:N/binary, M:32, B:M/binary>> <= Request]),
            loop(Port);
        {Port, eof} ->
            halt(0)
    end.

judge(A, B) ->
    case {decode(A), B} of
        {error, _} -> $r;
        {{ok, _}, <<>>} -> $a;
        {Accepted, _} ->
            case decode(B) of
                Accepted -> $y;
                _ -> $n
            end
    end.

decode(Bytes) ->
    try binary_to_term(Bytes, [used]) of
        {Term, Used} when Used =:= byte_size(Bytes) -> {ok, Term};
        _ -> error
    catch
        error:badarg -> error
    end.
