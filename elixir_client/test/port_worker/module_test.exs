defmodule PortWorker.ModuleTest do
  # It needs compiler options, which are everybody's, and change while tests are loaded.
  use ExUnit.Case, async: false

  alias PortWorker.Build.Description
  alias PortWorker.{ScriptedWorker, TestWorker}

  # Descriptions of this application are for these tests alone.
  @app :portworker_module_test

  @functions [
    %{
      name: "upcase",
      kind: :function,
      args: [:binary],
      result: :binary,
      doc: "Shouts.",
      lane: :io
    },
    %{
      name: "file.find",
      kind: :function,
      args: [:binary, {:optional, {:struct, [{"depth", :integer, true}]}}],
      result: {:list, :binary},
      progress: {:struct, [{"seen", :integer, false}]},
      doc: "",
      lane: :blocking
    },
    %{name: "lines", kind: :stream, args: [:binary], result: :binary, doc: "Lines.", lane: :io},
    %{
      name: "counter",
      kind: :channel,
      args: [:integer],
      input: {:union, ["get", {"add", :integer}]},
      result: :integer,
      doc: "Counts.",
      lane: :io
    },
    %{
      name: "tree",
      kind: :function,
      args: [],
      result: {:named, "node", {:struct, [{"nodes", {:list, {:name, "node"}}, false}]}},
      doc: "A tree.",
      lane: :io
    }
  ]

  setup_all do
    for option <- [:docs, :debug_info] do
      before = Code.get_compiler_option(option)
      Code.put_compiler_option(option, true)
      on_exit(fn -> Code.put_compiler_option(option, before) end)
    end

    :ok
  end

  setup context do
    worker = "worker#{System.unique_integer([:positive])}"
    path = Description.path(@app, worker)
    Description.store(path, Map.get(context, :functions, @functions))
    on_exit(fn -> File.rm(path) end)

    %{
      worker: worker,
      module: Module.concat(__MODULE__, "Client#{System.unique_integer([:positive])}")
    }
  end

  # The module, and its code as it would be on disk.
  defp compile(context, options \\ "") do
    code = """
    defmodule #{inspect(context.module)} do
      use PortWorker, otp_app: #{inspect(@app)}, worker: #{inspect(context.worker)} #{options}
    end
    """

    [{_module, binary}] = Code.compile_string(code, "lib/client.ex")
    binary
  end

  defp one_line(text),
    do: text |> String.split() |> Enum.join(" ") |> String.replace(["( ", " )"], &String.trim/1)

  defp refused(context, options) do
    assert_raise(CompileError, fn -> compile(context, options) end).description
  end

  test "has the functions of the worker", context do
    compile(context)

    assert Enum.sort(context.module.__info__(:functions)) ==
             Enum.sort(
               [__portworker__: 0, child_spec: 1, start_link: 0, start_link: 1] ++
                 [upcase: 1, upcase: 2, upcase!: 1, upcase!: 2, upcase_async: 1, upcase_async: 2] ++
                 for(
                   name <- [:file_find, :file_find!, :file_find_async],
                   arity <- 1..3,
                   do: {name, arity}
                 ) ++
                 [lines_stream: 1, lines_stream: 2, counter_open: 1, counter_open: 2] ++
                 for(name <- [:tree, :tree!, :tree_async], arity <- 0..1, do: {name, arity})
             )
  end

  test "has a spec for each of them", context do
    {:ok, specs} = context |> compile() |> Code.Typespec.fetch_specs()

    texts =
      for {{name, arity}, [spec]} <- specs, into: %{} do
        {{name, arity},
         name
         |> Code.Typespec.spec_to_quoted(spec)
         |> Macro.to_string()
         |> one_line()}
      end

    assert texts[{:upcase, 2}] ==
             "upcase(binary(), keyword()) :: {:ok, binary()} | {:error, PortWorker.Error.t()}"

    assert texts[{:upcase!, 1}] == "upcase!(binary()) :: binary()"
    assert texts[{:upcase_async, 2}] == "upcase_async(binary(), keyword()) :: Task.t()"
    assert texts[{:lines_stream, 1}] == "lines_stream(binary()) :: Enumerable.t(binary())"
    assert texts[{:file_find!, 1}] == "file_find!(binary()) :: [binary()]"

    assert texts[{:file_find!, 3}] =~
             "file_find!(binary(), %{optional(:depth) => integer()} | nil, keyword())"

    assert texts[{:tree!, 0}] == "tree!() :: tree_result_node()"
    without = Keyword.keys(context.module.__info__(:functions)) -- Keyword.keys(Map.keys(texts))
    assert Enum.sort(without) == [:__portworker__, :start_link]
  end

  test "has types for what goes through a channel, and for those that contain themselves",
       context do
    {:ok, types} = context |> compile() |> Code.Typespec.fetch_types()

    texts =
      for {:type, type} <- types, do: type |> Code.Typespec.type_to_quoted() |> Macro.to_string()

    assert Enum.sort(texts) == [
             "counter_input() :: :get | {:add, integer()}",
             "counter_output() :: integer()",
             "tree_result_node() :: %{nodes: [tree_result_node()]}"
           ]
  end

  @node {:named, "node", {:struct, [{"next", {:optional, {:name, "node"}}, false}]}}
  @other {:named, "node", {:list, {:name, "node"}}}

  @tag functions: [
         %{
           name: "f",
           kind: :channel,
           args: [@node, @other],
           input: @node,
           result: @other,
           doc: "",
           lane: :io
         }
       ]
  test "types of the same name in several parts of a function are several types", context do
    {:ok, types} = context |> compile() |> Code.Typespec.fetch_types()

    assert Enum.sort(for {:type, {name, _type, []}} <- types, do: name) ==
             [:f_arg1_node, :f_arg2_node, :f_input, :f_input_node, :f_output, :f_result_node]
  end

  test "has the worker's documentation", context do
    {:ok, {_module, [{_chunk, chunk}]}} = context |> compile() |> :beam_lib.chunks([~c"Docs"])
    {:docs_v1, _line, :elixir, _format, _moduledoc, _meta, docs} = :erlang.binary_to_term(chunk)

    docs =
      for {{:function, name, _arity}, _, _, %{"en" => text}, _} <- docs,
          into: %{},
          do: {name, text}

    assert docs[:upcase] =~ ~r/\AShouts.\n\nCalls "upcase" and waits/
    assert docs[:upcase!] =~ "returns the bare value, or raises"
    assert docs[:file_find] =~ ~r/\AThe function "file.find" of the worker./
    assert docs[:file_find] =~ "Reports to `:on_progress`: `%{seen: integer()}`."
    assert docs[:counter_open] =~ "It takes `:get | {:add, integer()}` and gives `integer()`."
  end

  test "calls the worker of its name, with every argument", context do
    compile(context)
    start_supervised!({PortWorker, ScriptedWorker.listen() ++ [name: context.module]})
    assert_receive {:peer, peer, {:started, _os_pid}}
    ScriptedWorker.echo(peer)

    assert context.module.upcase("a") == {:ok, ["a"]}
    assert context.module.upcase!("a", timeout: 1_000) == ["a"]
    assert Task.await(context.module.upcase_async("a")) == {:ok, ["a"]}
    assert context.module.file_find("a") == {:ok, ["a", nil]}
    assert context.module.file_find("a", %{depth: 1}) == {:ok, ["a", %{depth: 1}]}
    assert context.module.tree() == {:ok, []}
  end

  test "can be stubbed by the configuration, whatever functions it was compiled with", context do
    compile(context)
    Application.put_env(@app, context.module, command: :stub)
    on_exit(fn -> Application.delete_env(@app, context.module) end)
    start_supervised!(context.module)

    PortWorker.Test.stub(context.module, "upcase", &{:ok, String.upcase(&1)})
    PortWorker.Test.stub(context.module, "file.find", fn "a", nil -> {:error, :failed} end)
    PortWorker.Test.stub(context.module, "lines", fn path -> [path, "end"] end)
    PortWorker.Test.stub(context.module, "counter", fn _start -> PortWorker.Test.inputs() end)

    assert context.module.upcase!("a") == "A"
    assert Task.await(context.module.upcase_async("a")) == {:ok, "A"}
    assert {:error, %PortWorker.Error{reason: :failed}} = context.module.file_find("a")
    assert Enum.to_list(context.module.lines_stream("a")) == ["a", "end"]
    assert {:ok, channel} = context.module.counter_open(1)
    assert PortWorker.send(channel, 5) == :ok
    assert PortWorker.recv(channel) == {:ok, 5}
    assert_raise PortWorker.Test.UnexpectedCallError, fn -> context.module.tree() end
  end

  test "a name of its own is another worker's", context do
    compile(context, ", name: #{inspect(context.module)}.Named")

    start_supervised!(
      {PortWorker, ScriptedWorker.listen() ++ [name: Module.concat(context.module, Named)]}
    )

    assert_receive {:peer, peer, {:started, _os_pid}}
    ScriptedWorker.echo(peer)
    assert context.module.upcase!("a") == ["a"]
  end

  test "options choose and rename", context do
    compile(context, ~s(, only: ["upcase", "lines"], except: [:lines], as: [upcase: :shout]))
    assert {:shout, 1} in context.module.__info__(:functions)
    refute Enum.any?(context.module.__info__(:functions), &match?({:lines_stream, _}, &1))
  end

  test "is a child whose options win over the configuration, and that over the module's own",
       context do
    compile(context, ", timeout: 1, heartbeat: 2, window: 100_000")
    Application.put_env(@app, context.module, heartbeat: 3, window: 200_000)

    assert %{id: id, start: {module, :start_link, [[window: 300_000]]}, shutdown: shutdown} =
             context.module.child_spec(window: 300_000)

    assert {id, module} == {context.module, context.module}
    assert shutdown > 5_000

    worker = [command: TestWorker.path(), window: 300_000]
    {:error, error} = context.module.start_link(worker)
    assert error.message =~ "the worker is not the one that"
  end

  for {title, options, text} <- [
        {"an unknown function", ~s(, only: ["x"]),
         ~s(the worker has no function "x"; it has "upcase", "file.find")},
        {"a name that cannot be", ~s(, as: %{"lines" => "1"}),
         ~s("lines" cannot be the Elixir function 1_stream)}
      ] do
    test "refuses #{title}", context do
      assert refused(context, unquote(options)) =~ "use PortWorker: " <> unquote(text)
    end
  end

  for {title, options, text} <- [
        {"names that are none", ", only: \"upcase\"",
         "option :only: expected a list of names of Go functions, got: \"upcase\""},
        {"a new name for nothing", ", as: [:upcase]",
         "option :as: expected a map from names of Go functions to others"},
        {"no name at all", ", name: nil",
         "option :name: expected a name for its process, got: nil"}
      ] do
    test "refuses #{title}", context do
      assert refused(context, unquote(options)) =~ "use PortWorker: " <> unquote(text)
    end
  end

  test "refuses options that are none" do
    code = "defmodule #{inspect(__MODULE__)}.None do\n  use PortWorker, :my_app\nend"
    error = assert_raise(CompileError, fn -> Code.compile_string(code, "lib/none.ex") end)

    assert Exception.message(error) ==
             "lib/none.ex:2: use PortWorker: expected a keyword list of options, got: :my_app"
  end

  test "refuses options that say nothing of a worker", context do
    assert refused(%{context | worker: nil}, "") =~
             "option :worker: expected the worker's name, a string, got: nil"
  end

  test "says what to do about a worker that was not built", context do
    text = refused(%{context | worker: "nobody"}, "")
    assert text =~ ~s(the worker "nobody" of :portworker_module_test has not been built)
    assert text =~ "native/nobody (mix portworker.new nobody makes one)"
    assert text =~ "compilers: [:portworker] ++ Mix.compilers()"
  end

  describe "a worker at run time" do
    defp start(context, hellos) do
      Process.flag(:trap_exit, true)
      options = ScriptedWorker.listen(hello: hellos) ++ [backoff_min: 1, drain_timeout: 1]
      context.module.start_link(options)
    end

    test "starts if it has the functions, and more", context do
      compile(context)
      more = [%{hd(@functions) | name: "new"} | @functions]
      assert {:ok, worker} = start(context, %{functions: more})
      assert Process.whereis(context.module) == worker
    end

    test "is refused with the difference, and not left running", context do
      compile(context)

      changed = [
        %{hd(@functions) | args: [:integer]} | tl(@functions) -- [Enum.at(@functions, 2)]
      ]

      assert {:error, %PortWorker.Error{reason: :unsupported} = error} =
               start(context, %{functions: changed})

      assert error.message ==
               "the worker is not the one that #{inspect(context.module)} was compiled with: " <>
                 "upcase takes (integer()), and took (binary()); lines is missing"

      assert error.details == [
               "upcase takes (integer()), and took (binary())",
               "lines is missing"
             ]

      assert_receive {:peer, _peer, {:started, _os_pid}}
      assert_receive {:peer, _peer, :closed}
      assert Process.whereis(context.module) == nil
    end

    test "is refused when it comes back as another one", context do
      compile(context)

      assert {:ok, worker} =
               start(context, fn count -> %{functions: Enum.drop(@functions, count)} end)

      assert_receive {:peer, peer, {:started, _os_pid}}
      ScriptedWorker.hang_up(peer)
      assert_receive {:EXIT, ^worker, {:gave_up, error}}
      assert error.message =~ "upcase is missing"
    end

    test "needs only the functions that were chosen", context do
      compile(context, ~s(, only: ["lines"]))
      assert {:ok, _worker} = start(context, %{functions: [Enum.at(@functions, 2)]})
    end
  end
end
