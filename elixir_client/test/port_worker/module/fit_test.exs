defmodule PortWorker.Module.FitTest do
  use ExUnit.Case, async: true

  alias PortWorker.Module.Fit

  defp function(args, result, more \\ %{}) do
    Map.merge(%{name: "f", kind: :function, args: args, result: result, doc: "", lane: :io}, more)
  end

  defp tree(leaf) do
    {:named, "tree",
     {:struct, [{"leaf", leaf, false}, {"next", {:optional, {:name, "tree"}}, false}]}}
  end

  test "a worker fits itself, and so does one with more functions, other words and another lane" do
    f = function([:any, tree(:integer)], tree(:binary))
    assert Fit.differences([f], [f]) == []
    assert Fit.differences([f], [%{f | doc: "New.", lane: :cpu}, %{f | name: "g"}]) == []
  end

  test "functions that are missing or of another kind are named" do
    f = function([], :any)

    assert Fit.differences([f, %{f | name: "g"}], [%{f | kind: :stream}]) == [
             "f is a stream, and was a function",
             "g is missing"
           ]
  end

  for {title, old, new, fits?} <- [
        {"less", [:binary, :integer], [:binary], false},
        {"more", [:binary], [:binary, :integer], false},
        {"more that may be left out", [:binary], [:binary, {:optional, :integer}], true},
        {"one that may be nil", [:binary], [{:optional, :binary}], true},
        {"one that may not be nil any more", [{:optional, :binary}], [:binary], false},
        {"anything", [:binary], [:any], true},
        {"something, where it was anything", [:any], [:binary], false},
        {"a float, where it was an integer", [:integer], [:float], true},
        {"an integer, where it was a float", [:float], [:integer], false},
        {"more tags", [{:union, ["a"]}], [{:union, ["a", {"b", :integer}]}], true},
        {"fewer tags", [{:union, ["a", "b"]}], [{:union, ["a"]}], false},
        {"a tag with another value", [{:union, [{"a", :integer}]}], [{:union, [{"a", :binary}]}],
         false},
        {"a key more", [{:struct, []}], [{:struct, [{"a", :integer, false}]}], false},
        {"a key more that may be missing", [{:struct, []}], [{:struct, [{"a", :integer, true}]}],
         true},
        {"a key more that may be nil", [{:struct, []}],
         [{:struct, [{"a", {:optional, :pid}, false}]}], true},
        {"a key less, which is ignored", [{:struct, [{"a", :integer, false}]}], [{:struct, []}],
         true},
        {"a key that may not be missing any more", [{:struct, [{"a", :integer, true}]}],
         [{:struct, [{"a", :integer, false}]}], false},
        {"lists of other elements", [{:list, :integer}], [{:list, :binary}], false},
        {"a longer tuple", [{:tuple, [:pid]}], [{:tuple, [:pid, :pid]}], false}
      ] do
    test "arguments: #{title}" do
      [old, new] = unquote(Macro.escape([old, new]))
      assert Fit.differences([function(old, :any)], [function(new, :any)]) == [] == unquote(fits?)
    end
  end

  for {title, old, new, fits?} <- [
        {"less than it was", {:optional, :integer}, :integer, true},
        {"nil as well", :integer, {:optional, :integer}, false},
        {"anything", :integer, :any, false},
        {"an integer, where it was a float", :float, :integer, false},
        {"fewer tags", {:union, ["a", "b"]}, {:union, ["a"]}, true},
        {"more tags", {:union, ["a"]}, {:union, ["a", "b"]}, false},
        {"a key more", {:struct, []}, {:struct, [{"a", :integer, false}]}, true},
        {"a key less", {:struct, [{"a", {:list, :any}, false}]}, {:struct, []}, false},
        {"a key less that was not always there", {:struct, [{"a", :integer, true}]},
         {:struct, []}, true},
        {"a map from other keys", {:map, :binary, :any}, {:map, :atom, :any}, false}
      ] do
    test "results: #{title}" do
      [old, new] = unquote(Macro.escape([old, new]))
      assert Fit.differences([function([], old)], [function([], new)]) == [] == unquote(fits?)
    end
  end

  test "a type that contains itself is compared all the way" do
    assert Fit.differences([function([], tree(:any))], [function([], tree(:integer))]) == []

    assert [_difference] =
             Fit.differences([function([], tree(:integer))], [function([], tree(:any))])

    assert [_difference] =
             Fit.differences([function([tree(:any)], :any)], [function([tree(:pid)], :any)])
  end

  test "types of the same name in two parts of a function are two types" do
    old = function([tree(:pid), tree(:integer)], tree(:binary))
    assert Fit.differences([old], [old]) == []
    assert [difference] = Fit.differences([old], [%{old | args: [tree(:pid), tree(:pid)]}])
    assert difference =~ "f takes ("
  end

  test "a channel's inputs are arguments, its outputs results" do
    channel = function([], {:union, ["a"]}, %{kind: :channel, input: :integer})
    assert Fit.differences([channel], [%{channel | input: :float}]) == []

    assert Fit.differences([channel], [%{channel | input: :pid}]) == [
             "f takes the input pid(), and took integer()"
           ]
  end

  test "the difference is in Elixir's words" do
    old = function([:binary, :integer], :binary)
    new = function([:binary, {:struct, [{"times", :integer, false}]}], {:list, :binary})

    assert Fit.differences([old], [new]) == [
             "f takes (binary(), %{times: integer()}), and took (binary(), integer())",
             "f gives [binary()], and gave binary()"
           ]
  end
end
