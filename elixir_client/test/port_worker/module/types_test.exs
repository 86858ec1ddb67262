defmodule PortWorker.Module.TypesTest do
  use ExUnit.Case, async: true

  alias PortWorker.Module.Types

  @struct {:struct,
           [{"a", :integer, false}, {"b", :binary, true}, {"c", {:optional, :pid}, false}]}
  @tree {:named, "tree", {:struct, [{"left", {:optional, {:name, "tree"}}, false}]}}

  for {type, taken, given} <- [
        {:any, "term()", "term()"},
        {:integer, "integer()", "integer()"},
        {:non_neg_integer, "non_neg_integer()", "non_neg_integer()"},
        {:float, "number()", "float()"},
        {:boolean, "boolean()", "boolean()"},
        {:binary, "binary()", "binary()"},
        {:datetime, "DateTime.t()", "DateTime.t()"},
        {:function, "fun()", "fun()"},
        {nil, "nil", "nil"},
        {:list, "list()", "list()"},
        {:of_a_later_version, "term()", "term()"},
        {{:of_a_later_version, 1}, "term()", "term()"},
        {{:list, :float}, "[number()]", "[float()]"},
        {{:tuple, [:atom]}, "{atom()}", "{atom()}"},
        {{:tuple, [:atom, :pid, :port]}, "{atom(), pid(), port()}", "{atom(), pid(), port()}"},
        {{:map, :binary, :integer}, "%{optional(binary()) => integer()}",
         "%{optional(binary()) => integer()}"},
        {{:optional, :binary}, "binary() | nil", "binary() | nil"},
        {{:union, ["stop", {"add", :integer}, "go"]}, ":stop | {:add, integer()} | :go",
         ":stop | {:add, integer()} | :go"},
        {@struct, "%{:a => integer(), optional(:b) => binary(), optional(:c) => pid() | nil}",
         "%{:a => integer(), optional(:b) => binary(), c: pid() | nil}"},
        {{:struct, []}, "%{}", "%{}"},
        {@tree, "tree()", "tree()"}
      ] do
    test "#{inspect(type)} as it is taken and given" do
      type = unquote(Macro.escape(type))
      assert type |> Types.spec(:taken) |> Macro.to_string() == unquote(taken)
      assert type |> Types.spec(:given) |> Macro.to_string() == unquote(given)
    end
  end

  test "finds the types that contain themselves, wherever they are" do
    assert %{"tree" => {:struct, _}} = Types.named([:integer, {:optional, {:list, @tree}}])
    assert Types.named([@struct, :any]) == %{}
  end
end
