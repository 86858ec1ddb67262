defmodule PortWorker.Module.FunctionsTest do
  use ExUnit.Case, async: true
  doctest PortWorker.Module.Functions

  alias PortWorker.Module.Functions

  defp function(name, kind \\ :function, args \\ []) do
    %{name: name, kind: kind, args: args, result: :any, doc: "", lane: :io}
  end

  defp names(functions, options \\ []) do
    with {:ok, all} <- Functions.all(functions, options(options)),
         do: {:ok, Enum.map(all, & &1.name)}
  end

  defp select(functions, options), do: Functions.select(functions, options(options))

  defp options(options), do: Enum.into(options, %{only: nil, except: [], as: []})

  test "each kind has its forms" do
    assert names([
             function("upcase"),
             function("file.lines", :stream),
             function("counter", :channel)
           ]) ==
             {:ok, [:upcase, :upcase!, :upcase_async, :file_lines_stream, :counter_open]}
  end

  test "a kind of a later version is left out" do
    assert names([function("later", :dance)]) == {:ok, []}
  end

  for {title, functions, text} <- [
        {"two that become one", ["file.lines", "file_lines"],
         ~s("file.lines" and "file_lines" would both be the Elixir function file_lines. ) <>
           ~s(Give it another name with the option as: %{"file_lines" => :another_name}, or leave it out with )},
        {"one that is a form of another", ["upcase", "upcase_async"],
         ~s("upcase" and "upcase_async" would both be the Elixir function upcase_async)},
        {"a word of the language", ["fn"], ~s("fn" cannot be the Elixir function fn)},
        {"one that code is made with", ["unquote"],
         ~s("unquote" cannot be the Elixir function unquote)},
        {"one that a supervisor calls", ["start.link"],
         ~s("start.link" cannot be the Elixir function start_link)},
        {"one that begins with a digit", ["2d"], ~s("2d" cannot be the Elixir function 2d)},
        {"one without a letter", ["+"], ~s("+" cannot be the Elixir function )}
      ] do
    test "refuses #{title}" do
      functions = Enum.map(unquote(functions), &function/1)
      assert {:error, text} = names(functions)
      assert String.starts_with?(text, unquote(text)), text
    end
  end

  test "another name makes a place for it" do
    functions = [function("fn"), function("2d", :stream)]

    assert names(functions, as: %{"fn" => :call_fn, "2d" => "plane"}) ==
             {:ok, [:call_fn, :call_fn!, :call_fn_async, :plane_stream]}
  end

  test "selects by name" do
    [a, b, c] = all = [function("a"), function("b"), function("c.d")]
    assert select(all, []) == {:ok, all}
    assert select(all, only: ["a", :b]) == {:ok, [a, b]}
    assert select(all, except: ["c.d"]) == {:ok, [a, b]}
    assert select(all, only: ["a", "c.d"], except: [:a]) == {:ok, [c]}
  end

  test "a name that is not there is a mistake, in each option" do
    for options <- [[only: [:x]], [except: ["x"]], [as: %{"x" => :y}], [as: [x: :y]]] do
      assert select([function("a"), function("b")], options) ==
               {:error, ~s(the worker has no function "x"; it has "a", "b")}
    end
  end

  test "parameters are called after their types, and optional ones at the end may be left out" do
    args = [
      :binary,
      {:optional, :integer},
      {:struct, []},
      {:optional, :integer},
      {:optional, :any}
    ]

    assert Functions.parameters(function("f", :function, args)) ==
             {[:binary, :integer1, :map, :integer2, :term], 3}

    assert Functions.parameters(function("f")) == {[], 0}
  end
end
