package test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHello(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		greeting := p.Hello()
		assert.EqualValues(t, 1, greeting["protocol"])
		assert.EqualValues(t, p.Pid(), greeting["os_pid"])
		assert.NotEmpty(t, greeting["name"])
		assert.NotEmpty(t, greeting["version"])

		limits, ok := greeting["limits"].(map[string]any)
		require.True(t, ok, "want limits in %v", greeting)
		assert.EqualValues(t, 10_000, limits["max_running"])
		assert.EqualValues(t, 64<<20, limits["max_frame"])

		functions := functionsByName(t, greeting["functions"])
		for _, name := range []string{
			"echo", "upcase", "sleep", "sum", "process_items", "file.digest", "file.grep", "image.thumbnail",
		} {
			f := functions[name]
			require.NotNil(t, f, "no %s in %v", name, functions)
			assert.Equal(t, "function", f["kind"], name)
			assert.IsType(t, []any{}, f["args"], name)
			assert.Contains(t, f, "result", name)
			assert.NotEmpty(t, f["doc"], name)
		}
		assert.NotContains(t, functions, "debug.panic", "debugging is asked for, not given")
	})
}

func TestHelloListsDebugFunctionsWhenAskedFor(t *testing.T) {
	p := Start(t, overETF, debugging)
	functions := functionsByName(t, p.Hello()["functions"])
	for _, name := range []string{"debug.panic", "debug.print", "debug.spin", "debug.exit", "debug.fatal"} {
		assert.Contains(t, functions, name)
	}
}

// A client that decodes hello with [safe] meets no atom it may not know: names,
// documents and the words of types are binaries.
func TestHelloKeepsNamesOutOfTheAtomTable(t *testing.T) {
	p := Start(t, overETF)
	p.Send(hello())
	m := p.Expect("hello")
	for _, name := range []string{"upcase", "file.digest", "process_items"} {
		assert.NotContains(t, string(m.Elements[0].Bytes), string(overETF.codec.term(atom(name))))
		assert.Contains(t, string(m.Elements[0].Bytes), string(overETF.codec.term(name)))
	}
}

func TestHelloOfAnotherVersion(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Send(tuple(atom("hello"), options("protocol", 1, "a_key_of_the_future", tuple(1, 2))))
		p.Expect("hello")
		p.None("fault")
	})
}

func TestHelloOfTheWrongShape(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Send(tuple(atom("hello"), "a map, please"))
		assert.NotEmpty(t, p.Fault("bad_message").Message)
		p.Call(1, "upcase", "still here")
		assert.Equal(t, "STILL HERE", p.Value(1))
	})
}

func TestCallsWithoutHello(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call(1, "upcase", "hello")
		assert.Equal(t, "HELLO", p.Value(1))
		p.None("hello")
	})
}

func TestFunctionsIsWhatHelloLists(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call(1, "$functions")
		assert.Equal(t, functionsByName(t, p.Hello()["functions"]), functionsByName(t, p.Value(1)))
	})
}

func TestStats(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		before := p.count("running")
		p.Call(1, "sleep", 60_000)
		p.Call(2, "sleep", 60_000)
		p.until("running", func(n int64) bool { return n == before+2 })
		p.Send(cancel(1), cancel(2))
		p.Failure(1, "cancelled")
		p.Failure(2, "cancelled")
		p.until("running", func(n int64) bool { return n == before })
		assert.Positive(t, p.count("goroutines"))
	})
}

func TestNamesOfTheWorkerAreReserved(t *testing.T) {
	p := Start(t, overETF)
	p.Call(1, "$nonsense")
	assert.Contains(t, p.Failure(1, "unknown_function").Message, "$nonsense")
	p.Call(2, "$stats", "an argument too many")
	p.Failure(2, "bad_args")
}

func functionsByName(t *testing.T, v any) map[string]map[string]any {
	t.Helper()
	entries, ok := v.([]any)
	require.True(t, ok, "want a list of functions, got %v", v)
	byName := map[string]map[string]any{}
	for _, e := range entries {
		entry, ok := e.(map[string]any)
		require.True(t, ok, "want a map, got %v", e)
		byName[entry["name"].(string)] = entry
	}
	return byName
}
