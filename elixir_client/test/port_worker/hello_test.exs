defmodule PortWorker.HelloTest do
  use ExUnit.Case, async: true

  alias PortWorker.Hello

  @hello %{
    protocol: 1,
    name: "w",
    version: "1",
    os_pid: 1,
    functions: [],
    limits: %{max_frame: 5}
  }

  defp entry(result) do
    %{name: "f", kind: :function, args: [], result: result, doc: "", lane: :io}
  end

  defp atom?(name) do
    is_atom(String.to_existing_atom(name))
  rescue
    ArgumentError -> false
  end

  test "reads what the worker says of itself" do
    assert {:ok, hello} = Hello.read(@hello)
    assert {hello.name, hello.version, hello.os_pid} == {"w", "1", 1}
    assert Hello.max_frame(hello) == 5
    refute hello.short_calls?
    assert {:ok, %{short_calls?: true}} = Hello.read(Map.put(@hello, :short_calls, true))
  end

  test "a worker that tells no limits has the default ones" do
    assert {:ok, hello} = Hello.read(Map.delete(@hello, :limits))
    assert Hello.max_frame(hello) == 64 * 1024 * 1024
  end

  test "makes the atoms of fields and tags, at any depth, and of nothing else" do
    type =
      {:named, "declared name of a type",
       {:list,
        {:struct,
         [
           {"declared_field", {:optional, :integer}, false},
           {"declared_union",
            {:union,
             [
               "declared_tag",
               {"declared_case", {:tuple, [{:struct, [{"declared_deep", :any, true}]}]}}
             ]}, false}
         ]}}}

    refute atom?("declared" <> "_field")
    assert {:ok, _hello} = Hello.read(%{@hello | functions: [entry(type)]})

    for name <- ~w(_field _union _tag _case _deep), do: assert(atom?("declared" <> name), name)
    refute atom?("declared name" <> " of a type")
  end

  test "makes the atoms of the types that no function shows" do
    hello = Map.put(@hello, :types, [{:struct, [{"declared_beside", :binary, false}]}])
    refute atom?("declared" <> "_beside")
    assert {:ok, _hello} = Hello.read(hello)
    assert atom?("declared" <> "_beside")
  end

  for {name, change, message} <- [
        {"another protocol", %{protocol: 2}, "speaks version 2 of the protocol, expected 1"},
        {"no list of functions", %{functions: :none}, "expected a worker's hello"},
        {"no pid", %{os_pid: "1"}, "expected a worker's hello"}
      ] do
    test "refuses #{name}" do
      assert {:error, error} = Hello.read(Map.merge(@hello, unquote(Macro.escape(change))))
      assert error.message =~ unquote(message)
    end
  end

  test "refuses the hello of a client, which a program that echoes sends back" do
    assert {:error, error} = %{} |> Hello.message(:infinity, []) |> elem(1) |> Hello.read()
    assert error.message =~ "expected a worker's hello, got: %{"
  end

  test "refuses to make atoms without bound" do
    fields = for n <- 1..10_001, do: {"too_many_#{n}", :any, false}
    assert {:error, error} = Hello.read(%{@hello | functions: [entry({:struct, fields})]})
    assert error.message =~ "declares 10001 field names and tags, at most 10000 may be"
    refute atom?("too_many" <> "_1")
  end

  test "refuses a name that can be no atom" do
    long = String.duplicate("x", 256)

    assert {:error, error} =
             Hello.read(%{@hello | functions: [entry({:struct, [{long, :any, false}]})]})

    assert error.message =~ "which can be no atom"
  end
end
