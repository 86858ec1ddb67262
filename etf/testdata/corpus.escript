#!/usr/bin/env escript
%% Writes corpus.txt beside itself: encoded terms of every kind, one a line, as "accept" or "refuse" (what this OTP's
%% binary_to_term says of it, unused bytes counting as a refusal), a name, and the bytes in hexadecimal.
%% Run with OTP 25: escript corpus.escript
-mode(compile).

main(_) ->
    Lines = [line(Name, Bytes) || {Name, Bytes} <- written() ++ handmade()],
    File = filename:join(filename:dirname(escript:script_name()), "corpus.txt"),
    ok = file:write_file(File, Lines),
    io:format("~b terms~n", [length(Lines)]).

line(Name, Bytes) ->
    Hex = [io_lib:format("~2.16.0b", [B]) || <<B>> <= Bytes],
    [verdict(Bytes), $\s, string:replace(Name, " ", "_", all), $\s, Hex, $\n].

verdict(Bytes) ->
    try binary_to_term(Bytes, [used]) of
        {_, Used} when Used =:= byte_size(Bytes) -> "accept";
        _ -> "refuse"
    catch
        error:badarg -> "refuse"
    end.

%% Terms that this BEAM writes, in each way it can.
written() ->
    lists:append([ways(Name, Term) || {Name, Term} <- terms()]).

ways(Name, Term) ->
    Options = [{"", []}, {" utf8", [{minor_version, 2}]}, {" old", [{minor_version, 0}]}, {" zip", [compressed]}],
    All = [{Name ++ Suffix, term_to_binary(Term, Opts)} || {Suffix, Opts} <- Options],
    [Plain | Others] = dedupe(All),
    [Plain | [Way || {_, Bytes} = Way <- Others, byte_size(Bytes) < 4096]].

%% Drops the ways that write the same bytes as an earlier one.
dedupe([]) -> [];
dedupe([{_, Bytes} = Way | Rest]) -> [Way | dedupe([Other || {_, B} = Other <- Rest, B =/= Bytes])].

terms() ->
    integers() ++ floats() ++ atoms() ++ binaries() ++ lists() ++ tuples() ++ maps() ++ opaque() ++ nested().

integers() ->
    Edges = [0, 1, 9, 10, 127, 128, 255, 256, 257, 65535, 65536] ++
        [(1 bsl Bits) + D || Bits <- [15, 16, 27, 28, 31, 32, 53, 59, 60, 61, 62, 63, 64, 127, 128, 255, 2039, 2040, 2041, 2048,
                                      4096, 20000], D <- [-1, 0, 1]],
    [{io_lib:format("integer ~s~b bits", [sign(N), bits(N)]) ++ io_lib:format(" ~b", [erlang:phash2(N)]), N}
     || E <- Edges, N <- [E, -E]].

sign(N) when N < 0 -> "-";
sign(_) -> "".

bits(N) -> length(integer_to_list(abs(N), 2)).

floats() ->
    [{"float " ++ float_to_list(F, [short]), F}
     || F <- [0.0, -0.0, 1.0, -1.0, 1.5, 0.1, 3.141592653589793, 1.0e22, 1.0e23, 5.0e-324, 2.2250738585072014e-308,
              1.7976931348623157e308, -1.7976931348623157e308, 4503599627370497.5, 1.0e-7, 123456789.125]].

atoms() ->
    Names = ["", "a", "ok", "true", "false", "nil", "undefined", "nil ", "Elixir.PortWorker", "with space", "\0",
             lists:duplicate(254, $a), lists:duplicate(255, $b), [16#e9], "caf" ++ [16#e9], lists:duplicate(127, 16#e9),
             lists:duplicate(128, 16#e9), lists:duplicate(255, 16#ff), [16#20ac], lists:duplicate(85, 16#20ac),
             lists:duplicate(86, 16#20ac), lists:duplicate(255, 16#20ac), [16#1f600], lists:duplicate(63, 16#1f600),
             lists:duplicate(64, 16#1f600), lists:duplicate(255, 16#1f600), [16#fffe], [16#ffff], [16#d7ff], [16#e000], [16#10ffff]],
    [{io_lib:format("atom ~b chars ~b", [length(N), erlang:phash2(N)]), list_to_atom(N)} || N <- Names].

binaries() ->
    [{io_lib:format("binary ~b bytes", [N]), binary:copy(<<"x">>, N)} || N <- [0, 1, 63, 64, 65, 255, 256, 4096, 65535, 65536]] ++
        [{"binary of every byte", list_to_binary(lists:seq(0, 255))}, {"binary utf8", <<"größe €"/utf8>>}] ++
        [{io_lib:format("bits ~b", [N]), <<0:3, (-1):(N - 3)>>} || N <- lists:seq(4, 40)] ++
        [{io_lib:format("bits ~b", [N]), <<(-1):N>>} || N <- [1, 2, 3, 2047, 2049]].

lists() ->
    [{"list empty", []}] ++
        [{io_lib:format("list of ~b bytes", [N]), lists:duplicate(N, 7)} || N <- [1, 2, 255, 256, 65534, 65535, 65536]] ++
        [{io_lib:format("list of ~b", [N]), lists:seq(250, 249 + N)} || N <- [1, 2, 7, 255, 256, 257, 1000]] ++
        [{"list improper " ++ Name, List}
         || {Name, List} <- [{"a b", [a | b]}, {"1 2", [1 | 2]}, {"binary", [1, 2 | <<"tail">>]}, {"tuple", [[] | {}]},
                             {"map", [x | #{k => v}]}, {"float", [1 | 1.0]}, {"nested", [[1 | 2] | [3 | 4]]}]] ++
        [{"list mixed", [1, 2.0, three, "four", <<"five">>, {six}, [], #{}, [[]]]},
         {"list of strings", ["hello", "world", ""]}, {"list keyword", [{a, 1}, {b, <<"2">>}]}].

tuples() ->
    [{io_lib:format("tuple of ~b", [N]), list_to_tuple(lists:seq(1, N))} || N <- [0, 1, 2, 254, 255, 256, 257, 1000]] ++
        [{"tuple ok", {ok, <<"value">>}}, {"tuple nested", {{}, {{}, {{}}}}}].

maps() ->
    [{io_lib:format("map of ~b ~s", [N, Kind]), maps:from_list([{Key(I), I} || I <- lists:seq(1, N)])}
     || N <- [0, 1, 2, 32, 33, 100, 500],
        {Kind, Key} <- [{"integers", fun(I) -> I end}, {"binaries", fun integer_to_binary/1}, {"tuples", fun(I) -> {k, I} end},
                        {"floats", fun(I) -> I / 2 end}, {"lists", fun(I) -> [I, I + 300] end}, {"strings", fun integer_to_list/1},
                        {"atoms", fun(I) -> list_to_atom("key_" ++ integer_to_list(I)) end},
                        {"bigs", fun(I) -> I bsl 70 end}, {"maps", fun(I) -> #{I => a, b => I} end}]] ++
        [{"map 1 and 1.0", #{1 => int, 1.0 => float}}, {"map any keys", #{<<"b">> => 1, {t} => 2, [] => 3, [l] => 4, #{} => 5, a => 6, 1.5 => 7,
                                                                        <<1:3>> => 8, self() => 9, make_ref() => 10, fun lists:map/2 => 11}},
         {"map in map", #{a => #{b => #{c => #{}}}}}, {"map as key", #{#{#{a => 1} => 2} => 3, #{#{a => 2} => 2} => 4}},
         {"map atom and binary", #{a => 1, <<"a">> => 2, "a" => 3, 'A' => 4}},
         {"map struct", #{'__struct__' => 'Elixir.User', name => <<"Ann">>, age => 42, tags => [<<"x">>, <<"y">>], email => nil}},
         {"map date time", #{'__struct__' => 'Elixir.DateTime', calendar => 'Elixir.Calendar.ISO', year => 2024, month => 2, day => 29,
                             hour => 23, minute => 59, second => 59, microsecond => {123456, 6}, time_zone => <<"Etc/UTC">>,
                             zone_abbr => <<"UTC">>, utc_offset => 0, std_offset => 0}}].

opaque() ->
    X = 1, Big = 1 bsl 100, Self = self(),
    Funs = [{"plain", fun() -> ok end}, {"one variable", fun() -> X end}, {"arguments", fun(A, B) -> {A, B} end},
            {"environment", fun(A) -> {A, X, Big, Self, <<"bin">>, [a | b]} end}],
    [{"pid self", self()}, {"pid init", whereis(init)}, {"pid spawned", spawn(fun() -> ok end)}, {"port", hd(erlang:ports())},
     {"ref", make_ref()}, {"ref alias", alias()}, {"ref monitor", erlang:monitor(process, self())}] ++
        [{"fun " ++ Name, Fun} || {Name, Fun} <- Funs] ++
        [{"fun nested", fun() -> {element(2, hd(Funs)), fun erlang:self/0} end}] ++
        [{"export " ++ Name, Fun} || {Name, Fun} <- [{"lists map", fun lists:map/2}, {"self", fun erlang:self/0}, {"unknown", fun 'no such':'f un'/255}]] ++
        [{"call envelope", {call, make_ref(), echo, [<<"hi">>, 1], #{timeout => 5000, owner => self()}}},
         {"batch", [{call, make_ref(), <<"sum">>, [1000]}, {cancel, make_ref()}, drain]}].

nested() ->
    [{io_lib:format("nested ~s ~b", [Kind, Depth]), lists:foldl(fun(_, T) -> Wrap(T) end, leaf, lists:seq(1, Depth))}
     || {Kind, Wrap} <- [{"lists", fun(T) -> [T] end}, {"tuples", fun(T) -> {T} end}, {"maps", fun(T) -> #{T => 1} end},
                         {"values", fun(T) -> #{k => T, j => 2} end}],
        Depth <- [5, 100, 999]].

%% Encodings this BEAM reads and does not write, and bytes that are no term.
handmade() -> [{Name, <<131, Bytes/binary>>} || {Name, Bytes} <- identifiers() ++ odd_numbers() ++ odd_atoms() ++ containers() ++ keys()]
        ++ whole().

identifiers() ->
    Nodes = [{"small", <<119, 3, "a@b">>}, {"utf8", <<118, 3:16, "a@b">>}, {"latin1", <<100, 4:16, "a@", 233, "b">>}, {"small latin1", <<115, 3, "a@b">>}],
    [{Name ++ " node " ++ Kind, iolist_to_binary(Make(Node))}
     || {Kind, Node} <- Nodes,
        {Name, Make} <- [{"pid old", fun(N) -> [103, N, <<7:32, 3:32, 1>>] end}, {"pid new", fun(N) -> [88, N, <<7:32, 3:32, 1234567:32>>] end},
                         {"port old", fun(N) -> [102, N, <<7:32, 2>>] end}, {"port new", fun(N) -> [89, N, <<7:32, 99:32>>] end},
                         {"port v4", fun(N) -> [120, N, <<(1 bsl 40):64, 99:32>>] end}, {"ref oldest", fun(N) -> [101, N, <<7:32, 2>>] end},
                         {"ref old 3", fun(N) -> [114, <<3:16>>, N, <<1, 7:32, 8:32, 9:32>>] end}]
             ++ [{io_lib:format("ref ~b words", [W]), fun(N) -> [90, <<W:16>>, N, <<5:32>>, binary:copy(<<7:32>>, W)] end} || W <- [1, 2, 3, 4, 5, 6]]] ++
        [{"pid creation 4", <<103, 119, 1, $a, 7:32, 0:32, 4>>}, {"port creation 4", <<102, 119, 1, $a, 7:32, 4>>},
         {"ref creation 4", <<114, 1:16, 119, 1, $a, 4, 7:32>>}, {"ref old 19 bits", <<114, 1:16, 119, 1, $a, 1, 1:13, 0:19>>},
         {"ref new 32 bits", <<90, 1:16, 119, 1, $a, 1:32, -1:32>>}, {"ref oldest 19 bits", <<101, 119, 1, $a, 1:13, 0:19, 1>>},
         {"pid whose node is a number", <<88, 97, 1, 0:96>>}, {"pid whose node is bad utf8", <<88, 119, 1, 255, 0:96>>},
         {"pid whose node is too long", <<88, 100, 256:16, (binary:copy(<<"n">>, 256))/binary, 0:96>>},
         {"pid cut short", <<88, 119, 1, $a, 0:88>>}, {"ref cut short", <<90, 2:16, 119, 1, $a, 0:64>>}, {"pid of 32 bits", <<88, 119, 1, $a, -1:32, -1:32, -1:32>>},
         {"export 256", <<113, 119, 1, $m, 119, 1, $f, 98, 256:32>>}, {"export -1", <<113, 119, 1, $m, 119, 1, $f, 98, -1:32>>},
         {"export big", <<113, 119, 1, $m, 119, 1, $f, 110, 1, 0, 3>>}, {"export 59 bits", <<113, 119, 1, $m, 119, 1, $f, 110, 8, 0, -1:56, 7>>},
         {"export 60 bits", <<113, 119, 1, $m, 119, 1, $f, 110, 8, 0, 0:56, 8>>}, {"export float", <<113, 119, 1, $m, 119, 1, $f, 70, 0:64>>},
         {"export hidden", <<113, 119, 1, $m, 119, 1, $f, 108, 0:32, 97, 1>>}, {"export long name", <<113, 119, 1, $m, 118, 256:16, (binary:copy(<<"f">>, 256))/binary, 97, 1>>}] ++
        [{"fun " ++ Name, newfun(Module, Index, Uniq, Pid, Free, Count)}
         || {Name, Module, Index, Uniq, Pid, Free, Count} <-
                [{"made", <<119, 1, $m>>, <<97, 1>>, <<97, 2>>, <<88, 119, 1, $a, 7:32, 0:32, 1:32>>, <<97, 5, 97, 6>>, 2},
                 {"old pid", <<100, 1:16, $m>>, <<98, -1:32>>, <<110, 1, 1, 2>>, <<103, 119, 1, $a, 7:32, 0:32, 1>>, <<>>, 0},
                 {"module no atom", <<97, 1>>, <<97, 1>>, <<97, 2>>, <<88, 119, 1, $a, 7:32, 0:32, 1:32>>, <<>>, 0},
                 {"index no integer", <<119, 1, $m>>, <<119, 1, $i>>, <<97, 2>>, <<88, 119, 1, $a, 7:32, 0:32, 1:32>>, <<>>, 0},
                 {"uniq too big", <<119, 1, $m>>, <<97, 1>>, <<110, 8, 0, 0:56, 8>>, <<88, 119, 1, $a, 7:32, 0:32, 1:32>>, <<>>, 0},
                 {"pid no pid", <<119, 1, $m>>, <<97, 1>>, <<97, 2>>, <<97, 3>>, <<>>, 0},
                 {"variables missing", <<119, 1, $m>>, <<97, 1>>, <<97, 2>>, <<88, 119, 1, $a, 7:32, 0:32, 1:32>>, <<97, 5>>, 2},
                 {"variables too many", <<119, 1, $m>>, <<97, 1>>, <<97, 2>>, <<88, 119, 1, $a, 7:32, 0:32, 1:32>>, binary:copy(<<97, 5>>, 256), 256},
                 {"variables most", <<119, 1, $m>>, <<97, 1>>, <<97, 2>>, <<88, 119, 1, $a, 7:32, 0:32, 1:32>>, binary:copy(<<97, 5>>, 255), 255}]] ++
        [{"fun false size", <<112, 3:32, 0, 0:128, 0:32, 0:32, 119, 1, $m, 97, 1, 97, 2, 88, 119, 1, $a, 7:32, 0:32, 1:32>>}].

newfun(Module, Index, Uniq, Pid, Free, Count) ->
    Rest = <<1, 3:128, 4:32, Count:32, Module/binary, Index/binary, Uniq/binary, Pid/binary, Free/binary>>,
    <<112, (byte_size(Rest) + 4):32, Rest/binary>>.

odd_numbers() ->
    [{"big no bytes", <<110, 0, 0>>}, {"big negative zero", <<110, 1, 1, 0>>}, {"big sign 2", <<110, 1, 2, 5>>}, {"big small", <<110, 1, 0, 5>>},
     {"big leading zeros", <<110, 5, 0, 1, 2, 0, 0, 0>>}, {"large big small", <<111, 1:32, 1, 5>>}, {"large big no bytes", <<111, 0:32, 0>>},
     {"large big zeros", <<111, 300:32, 0, 0:2400>>}, {"big cut short", <<110, 3, 0, 1, 2>>}, {"large big cut short", <<111, 300:32, 0, 1>>},
     {"large big false size", <<111, -1:32, 0, 1>>},
     {"nan", <<70, 127, 248, 0:48>>}, {"nan negative", <<70, 255, 255, -1:48>>}, {"infinity", <<70, 127, 240, 0:48>>}, {"minus infinity", <<70, 255, 240, 0:48>>}] ++
        [{"float text " ++ Text, <<99, (list_to_binary(Text))/binary, 0:((31 - length(Text)) * 8)>>}
         || Text <- ["1.5", "-1.5", "+1.5", "1", "1.", ".5", "1e5", "1.0e5", "1.0E5", "1.0e+5", "1.0e-5", "1.0e", "1.0e+", "01.5", "1,5", "1.5x", "nan",
                     "inf", "0x1p3", "1.0e308", "1.0e309", "-1.0e309", "1.0e-400", "-0.0", "--1.5", "1_0.5", "", "-", "1.5e5.5"]] ++
        [{"float text and more", <<99, "1.5", 0, "rubbish", 0:160>>}].

odd_atoms() ->
    [{io_lib:format("atom bytes ~w", [binary_to_list(B)]), <<119, (byte_size(B)), B/binary>>}
     || B <- [<<16#ed, 16#a0, 16#80>>, <<16#ed, 16#bf, 16#bf>>, <<16#f4, 16#90, 16#80, 16#80>>, <<16#c0, 16#80>>, <<16#c1, 16#bf>>,
              <<16#e0, 16#80, 16#80>>, <<16#f0, 16#80, 16#80, 16#80>>, <<255>>, <<195>>, <<"a", 195>>, <<128>>, <<245, 128, 128, 128>>]] ++
        [{io_lib:format("atom ~b chars of ~b", [N, C]), <<118, (byte_size(B)):16, B/binary>>}
         || N <- [255, 256], C <- [$a, 233, 16#20ac, 16#1f600], B <- [unicode:characters_to_binary(lists:duplicate(N, C))]] ++
        [{"atom latin1 255", <<100, 255:16, (binary:copy(<<233>>, 255))/binary>>}, {"atom latin1 256", <<100, 256:16, (binary:copy(<<233>>, 256))/binary>>},
         {"atom small latin1", <<115, 2, 233, 234>>}, {"atom cut short", <<119, 5, "abc">>}].

containers() ->
    [{"list without elements", <<108, 0:32, 106>>}, {"list that is its tail", <<108, 0:32, 97, 1>>}, {"list twice its tail", <<108, 0:32, 108, 0:32, 97, 1>>},
     {"list with string tail", <<108, 1:32, 97, 1, 107, 2:16, 2, 3>>}, {"list with list tail", <<108, 1:32, 97, 1, 108, 1:32, 97, 2, 106>>},
     {"list with improper tail", <<108, 1:32, 97, 1, 108, 1:32, 97, 2, 97, 3>>}, {"list with empty string tail", <<108, 1:32, 97, 1, 107, 0:16>>},
     {"list chain", <<(binary:copy(<<108, 1:32, 97, 1>>, 3000))/binary, 106>>},
     {"string empty", <<107, 0:16>>}, {"string cut short", <<107, 3:16, 1, 2>>}, {"large tuple empty", <<105, 0:32>>}, {"large tuple of 1", <<105, 1:32, 97, 1>>},
     {"tuple false count", <<105, -1:32, 97, 1>>}, {"list false count", <<108, -1:32, 97, 1>>}, {"map false count", <<116, -1:32, 97, 1>>},
     {"tuple without its last", <<104, 3, 97, 1, 97, 2>>}, {"list without tail", <<108, 1:32, 97, 1>>}, {"map without value", <<116, 1:32, 97, 1>>},
     {"bits none", <<77, 0:32, 0>>}, {"bits of nothing", <<77, 0:32, 1>>}, {"bits 0 of a byte", <<77, 1:32, 0, 5>>}, {"bits 8", <<77, 1:32, 8, 5>>},
     {"bits 9", <<77, 1:32, 9, 5>>}, {"bits unused set", <<77, 2:32, 3, 1, 255>>}, {"binary cut short", <<109, 4:32, "abc">>}, {"binary false size", <<109, -1:32, "abc">>},
     {"atom cache reference", <<82, 0>>}, {"fun of R11", <<117, 0:32, 103, 119, 1, $a, 0:72, 119, 1, $m, 97, 1, 97, 1>>}, {"local", <<121, 0:32, 97, 1>>},
     {"compressed inside", <<104, 1, 80, 0:32>>}, {"version twice", <<131, 97, 1>>}, {"nothing", <<>>}, {"trailing", <<97, 1, 97>>}] ++
        [{io_lib:format("tag ~b", [Tag]), <<Tag, 0:128>>} || Tag <- lists:seq(0, 255)].

%% Maps of two keys that may be the same one.
keys() ->
    L = <<119, 13, "nonode@nohost">>,
    [{"keys " ++ Name, <<116, 2:32, A/binary, 97, 7, B/binary, 97, 7>>}
     || {Name, A, B} <-
            [{"1 and 1.0", <<97, 1>>, <<70, 63, 240, 0:48>>}, {"1 wide", <<97, 1>>, <<98, 1:32>>}, {"1 big", <<97, 1>>, <<110, 1, 0, 1>>},
             {"1 large big", <<97, 1>>, <<111, 2:32, 0, 1, 0>>}, {"1 hidden", <<97, 1>>, <<108, 0:32, 97, 1>>}, {"1 and -1", <<97, 1>>, <<98, -1:32>>},
             {"-1 big", <<98, -1:32>>, <<110, 1, 1, 1>>}, {"64 bits", <<110, 8, 0, -1:64>>, <<111, 9:32, 0, -1:64, 0>>}, {"65 bits signs", <<110, 9, 0, -1:64, 1>>, <<110, 9, 1, -1:64, 1>>},
             {"zeros", <<70, 0:64>>, <<70, 128, 0:56>>}, {"zeros nested", <<104, 1, 70, 0:64>>, <<104, 1, 70, 128, 0:56>>}, {"float text", <<70, 63, 248, 0:48>>, <<99, "1.5", 0:224>>},
             {"atom encodings", <<119, 1, $a>>, <<100, 1:16, $a>>}, {"atom latin1", <<119, 2, 195, 169>>, <<115, 1, 233>>}, {"atom long", <<118, 12:16, "abcdefghijkl">>, <<115, 12, "abcdefghijkl">>},
             {"atom and binary", <<119, 1, $a>>, <<109, 1:32, $a>>}, {"atom with zero", <<119, 1, $a>>, <<119, 2, $a, 0>>}, {"binary twice", <<109, 1:32, $a>>, <<109, 1:32, $a>>},
             {"binary and bits", <<109, 1:32, 5>>, <<77, 1:32, 8, 5>>}, {"bits unused", <<77, 1:32, 3, 255>>, <<77, 1:32, 3, 224>>}, {"bits differ", <<77, 1:32, 3, 255>>, <<77, 1:32, 4, 255>>},
             {"bits and binary", <<77, 1:32, 3, 224>>, <<109, 1:32, 224>>}, {"empty binary and bits", <<109, 0:32>>, <<77, 0:32, 0>>},
             {"string and list", <<107, 2:16, 1, 2>>, <<108, 2:32, 97, 1, 98, 2:32, 106>>}, {"list chain", <<108, 1:32, 97, 1, 107, 1:16, 2>>, <<108, 2:32, 97, 1, 97, 2, 106>>},
             {"list and string tail", <<107, 2:16, 1, 2>>, <<108, 1:32, 97, 1, 107, 1:16, 2>>}, {"list and nil", <<106>>, <<108, 0:32, 107, 0:16>>},
             {"list proper and not", <<108, 1:32, 97, 1, 106>>, <<108, 1:32, 97, 1, 97, 2>>}, {"nested list", <<107, 1:16, 1>>, <<108, 1:32, 107, 1:16, 1, 106>>},
             {"tuples", <<104, 1, 97, 1>>, <<105, 1:32, 98, 1:32>>}, {"tuple and list", <<104, 1, 97, 1>>, <<107, 1:16, 1>>}, {"tuple order", <<104, 2, 97, 1, 97, 2>>, <<104, 2, 97, 2, 97, 1>>},
             {"maps", <<116, 1:32, 97, 1, 97, 2>>, <<116, 1:32, 98, 1:32, 97, 2>>}, {"maps in other order", <<116, 2:32, 97, 1, 97, 2, 97, 3, 97, 4>>, <<116, 2:32, 97, 3, 97, 4, 97, 1, 97, 2>>},
             {"maps crossed", <<116, 2:32, 97, 1, 97, 2, 97, 3, 97, 4>>, <<116, 2:32, 97, 1, 97, 4, 97, 3, 97, 2>>}, {"empty map and tuple", <<116, 0:32>>, <<104, 0>>},
             {"pids", <<103, 119, 1, $a, 1:32, 0:32, 1>>, <<88, 100, 1:16, $a, 1:32, 0:32, 1:32>>}, {"pid creations", <<103, 119, 1, $a, 1:32, 0:32, 1>>, <<103, 119, 1, $a, 1:32, 0:32, 2>>},
             {"ports", <<102, 119, 1, $a, 1:32, 1>>, <<89, 119, 1, $a, 1:32, 1:32>>}, {"ports v4", <<120, 119, 1, $a, 1:64, 1:32>>, <<89, 119, 1, $a, 1:32, 1:32>>},
             {"pid and port", <<88, 119, 1, $a, 0:32, 1:32, 1:32>>, <<120, 119, 1, $a, 1:64, 1:32>>},
             {"refs", <<101, 119, 1, $a, 1:32, 1>>, <<90, 1:16, 119, 1, $a, 1:32, 1:32>>}, {"refs old", <<114, 1:16, 119, 1, $a, 1, 1:32>>, <<90, 1:16, 119, 1, $a, 1:32, 1:32>>},
             {"ref zero words", <<90, 2:16, 119, 1, $a, 1:32, 1:32, 0:32>>, <<90, 1:16, 119, 1, $a, 1:32, 1:32>>}, {"ref words", <<90, 2:16, 119, 1, $a, 1:32, 1:32, 2:32>>, <<90, 1:16, 119, 1, $a, 1:32, 1:32>>},
             {"ref local zero words", <<90, 2:16, L/binary, 0:32, 1:32, 0:32>>, <<90, 1:16, L/binary, 0:32, 1:32>>},
             {"exports", <<113, 119, 1, $m, 119, 1, $f, 97, 1>>, <<113, 100, 1:16, $m, 119, 1, $f, 98, 1:32>>}, {"export arities", <<113, 119, 1, $m, 119, 1, $f, 97, 1>>, <<113, 119, 1, $m, 119, 1, $f, 97, 2>>},
             {"export 33 bits", <<113, 119, 1, $m, 119, 1, $f, 97, 1>>, <<113, 119, 1, $m, 119, 1, $f, 110, 5, 0, 1, 0, 0, 0, 1>>}]
            ++ [{"fun " ++ Name, fun_with([]), fun_with(Change)}
                || {Name, Change} <- [{"twice", []}, {"size", [{size, 9}]}, {"arity", [{arity, 2}]}, {"uniq", [{uniq, 9}]}, {"index", [{index, 9}]}, {"module", [{module, $n}]},
                                      {"old index", [{old_index, 9}]}, {"old uniq", [{old_uniq, 9}]}, {"pid", [{pid, 9}]}, {"free", [{free, 9}]}]]] ++
        [{io_lib:format("keys ~b with one twice", [N]), <<116, (N + 1):32, (<< <<98, I:32, 97, 1>> || I <- lists:seq(1, N) >>)/binary, 110, 1, 0, 20, 97, 1>>} || N <- [20, 33, 1000]] ++
        [{io_lib:format("keys ~b all different", [N]), <<116, N:32, (<< <<98, I:32, 97, 1>> || I <- lists:seq(1, N) >>)/binary>>} || N <- [20, 33, 1000]].

fun_with(Change) ->
    Get = fun(Key, Default) -> proplists:get_value(Key, Change, Default) end,
    <<112, (Get(size, 60)):32, (Get(arity, 1)), (Get(uniq, 3)):128, (Get(index, 4)):32, 1:32, 119, 1, (Get(module, $m)), 97, (Get(old_index, 5)), 97, (Get(old_uniq, 6)),
      88, 119, 1, $a, (Get(pid, 7)):32, 0:32, 1:32, 97, (Get(free, 8))>>.

%% Version bytes and compression.
whole() ->
    Zip = zlib:compress(Body = <<108, 50:32, (binary:copy(<<97, 1>>, 50))/binary, 106>>), Size = byte_size(Body),
    [{"no bytes", <<>>}, {"other version", <<130, 97, 1>>}, {"zip", <<131, 80, Size:32, Zip/binary>>}, {"zip size too small", <<131, 80, (Size - 1):32, Zip/binary>>},
     {"zip size too big", <<131, 80, (Size + 1):32, Zip/binary>>}, {"zip false size", <<131, 80, 50000000:32, Zip/binary>>}, {"zip trailing", <<131, 80, Size:32, Zip/binary, 0>>},
     {"zip without checksum", <<131, 80, Size:32, (binary:part(Zip, 0, byte_size(Zip) - 4))/binary>>}, {"zip bad checksum", <<131, 80, Size:32, (binary:part(Zip, 0, byte_size(Zip) - 1))/binary, 0>>},
     {"zip cut short", <<131, 80, Size:32, (binary:part(Zip, 0, 9))/binary>>}, {"zip of nothing", <<131, 80, 0:32, (zlib:compress(<<>>))/binary>>}, {"zip bare", <<131, 80>>},
     {"zip raw", <<131, 80, Size:32, (zlib:zip(Body))/binary>>}, {"zip gzip", <<131, 80, Size:32, (zlib:gzip(Body))/binary>>},
     {"zip trailing inside", <<131, 80, 3:32, (zlib:compress(<<97, 1, 97>>))/binary>>}, {"zip in zip", <<131, 80, 8:32, (zlib:compress(<<80, 2:32, 1, 2, 3>>))/binary>>}].
