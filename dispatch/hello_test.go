package dispatch_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

func (f *fixture) hello(fields etf.Map) etf.Map {
	f.t.Helper()
	f.Send(etf.Tuple{atom("hello"), fields})
	message := f.Next()
	require.Equal(f.t, atom("hello"), message[0], "%v", message)
	return message[1].(etf.Map)
}

func TestHelloIntroducesTheWorker(t *testing.T) {
	f := serve(t, portworker.Limits{})
	hello := f.hello(options("protocol", int64(1)))
	assert.Equal(t, int64(1), field(t, hello, "protocol"))
	assert.Equal(t, "fixture", field(t, hello, "name"))
	assert.Equal(t, "1", field(t, hello, "version"))
	assert.Equal(t, int64(10_000), field(t, field(t, hello, "limits"), "max_running"))

	functions := field(t, hello, "functions").([]any)
	assert.Equal(t, f.Call("$functions").Value, functions)
	names := make([]any, len(functions))
	for i, entry := range functions {
		names[i] = field(t, entry, "name")
	}
	assert.Equal(t, []any{"count", "echo", "goexit", "panic", "stubborn", "thread", "wait", "wait.cpu"}, names)
	assert.Equal(t, []any{atom("integer")}, field(t, functions[0], "args"))
}

func TestHelloConfigures(t *testing.T) {
	f := serve(t, portworker.Limits{})
	hello := f.hello(options("config", etf.Map{
		{Key: atom("max_running"), Value: int64(7)},
		{Key: "drain_timeout", Value: int64(250)},
		{Key: atom("lanes"), Value: options("cpu", int64(3), "blocking", options("size", int64(5), "queue", int64(6)))},
		{Key: atom("log_level"), Value: atom("debug")},
	}))
	limits := field(t, hello, "limits")
	assert.Equal(t, int64(7), field(t, limits, "max_running"))
	assert.Equal(t, int64(250), field(t, limits, "drain_timeout"))
	assert.Equal(t, atom("debug"), field(t, limits, "log_level"))
	lanes := field(t, limits, "lanes")
	assert.Equal(t, int64(3), field(t, field(t, lanes, "cpu"), "size"))
	assert.Equal(t, int64(6), field(t, field(t, lanes, "blocking"), "queue"))
	assert.Equal(t, int64(7), field(t, field(t, lanes, "io"), "size"), "a default follows what it was made from")
}

func TestHelloTellsWhatCouldNotBeConfigured(t *testing.T) {
	cases := map[string]struct {
		config  etf.Map
		message string
	}{
		"unknown name":    {options("max_runing", int64(1)), `unknown setting "max_runing"`},
		"wrong type":      {options("max_running", "many"), "max_running: expected an integer from 1"},
		"out of bounds":   {options("max_depth", int64(0)), "max_depth: expected an integer from 8 to 10000, got 0"},
		"unknown lane":    {options("lanes", options("gpu", int64(1))), `unknown lane "gpu"`},
		"lanes no map":    {options("lanes", int64(3)), "expected a map of lanes"},
		"unknown level":   {options("log_level", atom("loud")), "expected debug, info, notice, warning or error"},
		"unnamed setting": {etf.Map{{Key: int64(1), Value: int64(1)}}, "name is not an atom or a binary"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := serve(t, portworker.Limits{})
			config := append(options("cancel_grace", int64(77)), c.config...)
			hello := f.hello(options("config", config))
			assert.Equal(t, int64(77), field(t, field(t, hello, "limits"), "cancel_grace"), "the rest holds")
			fault := f.fault(atom("undefined"))
			assert.Equal(t, atom("bad_message"), field(t, fault, "reason"))
			assert.Contains(t, field(t, fault, "message"), c.message)
			assert.Equal(t, "x", f.Call("echo", "x").Value)
		})
	}
}

func TestHelloOfALaterProtocolIsToldWhatIsSpoken(t *testing.T) {
	f := serve(t, portworker.Limits{})
	f.hello(options("protocol", int64(2)))
	assert.Contains(t, field(t, f.fault(atom("undefined")), "message"), "speaks protocol 1")
}

func TestHelloLowersTheLargestFrame(t *testing.T) {
	f := serve(t, portworker.Limits{})
	f.hello(options("config", options("max_frame", int64(1000))))
	f.SendBytes(make([]byte, 1001))
	assert.Equal(t, atom("frame_too_large"), field(t, f.fault(atom("undefined")), "reason"))
	assert.Equal(t, "x", f.Call("echo", "x").Value)
}

func TestHelloDeclaresNamesThatNoFunctionShows(t *testing.T) {
	type report struct{ Half bool }
	type detail struct{ Which string }
	w := portworker.New(portworker.Config{})
	portworker.Handle0(w, "f", func(context.Context) (int, error) { return 0, nil }, portworker.Reports[report]())
	portworker.Declare[detail](w)
	f := &fixture{t: t, Peer: portworkertest.Start(t, w)}
	hello := f.hello(nil)
	function := field(t, hello, "functions").([]any)[0]
	assert.Equal(t, etf.Tuple{atom("struct"), []any{etf.Tuple{"half", atom("boolean"), false}}}, field(t, function, "progress"))
	types := field(t, hello, "types").([]any)
	assert.Contains(t, types, etf.Tuple{atom("struct"), []any{etf.Tuple{"which", atom("binary"), false}}})
	assert.Greater(t, len(types), 1, "the worker's own functions are there as well")
}

func TestResultsAreShortForAClientThatReadsThem(t *testing.T) {
	f := serve(t, portworker.Limits{})
	echo := func(ref any) etf.Tuple {
		f.Send(etf.Tuple{atom("call"), ref, "echo", []any{"x"}})
		return f.Next()
	}
	long := func(ref any) etf.Tuple { return etf.Tuple{atom("result"), ref, etf.Tuple{atom("ok"), "x"}} }
	assert.Equal(t, long(int64(1)), echo(int64(1)), "before any hello")

	f.hello(options("short_results", true))
	assert.Equal(t, etf.Tuple{int64(1), "x"}, echo(int64(1)))
	assert.Equal(t, long("ref"), echo("ref"), "only an integer is told from a tag")
	f.Send(etf.Tuple{atom("call"), int64(2), "nope", []any{}})
	failed := f.Next()
	require.Len(t, failed, 3)
	assert.Equal(t, etf.Tuple{atom("result"), int64(2)}, failed[:2], "an error is as ever")

	f.hello(options())
	assert.Equal(t, long(int64(1)), echo(int64(1)), "as the last hello has it")
}
