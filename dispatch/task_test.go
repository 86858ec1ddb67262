package dispatch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/etf"
)

func TestCallEndsInItsValue(t *testing.T) {
	f := serve(t, portworker.Limits{})
	assert.Equal(t, "hi", f.Call("echo", "hi").Value)
}

func TestBatchOfCallsIsAnsweredWhole(t *testing.T) {
	f := serve(t, portworker.Limits{})
	var batch []etf.Tuple
	for i := range 100 {
		batch = append(batch, etf.Tuple{atom("call"), int64(i), "echo", []any{int64(i * i)}})
	}
	f.Send(batch...)
	got := make(map[any]any)
	for range batch {
		message := f.Next()
		require.Equal(t, atom("result"), message[0])
		got[message[1]] = message[2]
	}
	for i := range 100 {
		assert.Equal(t, etf.Tuple{atom("ok"), int64(i * i)}, got[int64(i)])
	}
}

func TestProgressComesInOrderAndBeforeTheResult(t *testing.T) {
	f := serve(t, portworker.Limits{})
	result := f.Call("count", 3)
	assert.Equal(t, []any{int64(1), int64(2), int64(3)}, result.Progress)
	assert.Equal(t, int64(3), result.Value)
}

func TestProgressIsLeftOutWhenNobodyWantsIt(t *testing.T) {
	f := serve(t, portworker.Limits{})
	result := f.Await(f.Start("count", options("progress", false), 3))
	assert.Empty(t, result.Progress)
	assert.Equal(t, int64(3), result.Value)
}

func TestPanicFailsItsTaskAlone(t *testing.T) {
	f := serve(t, portworker.Limits{})
	bystander := f.waiting("wait", nil)
	err := f.fails(f.Start("panic", nil), "panic")
	assert.Equal(t, "oh no", err.Message)
	assert.Contains(t, err.Stack, "dispatch_test.serve")

	f.Send(etf.Tuple{atom("cancel"), bystander})
	f.fails(bystander, portworker.Cancelled)
}

func TestGoexitFailsItsTaskAlone(t *testing.T) {
	f := serve(t, portworker.Limits{})
	err := f.fails(f.Start("goexit", nil), portworker.Failed)
	assert.Contains(t, err.Message, "runtime.Goexit")
	assert.Equal(t, "still here", f.Call("echo", "still here").Value)
}

func TestRefusedCalls(t *testing.T) {
	cases := []struct {
		name, function string
		args           any
		opts           etf.Map
		reason         portworker.Reason
		message        string
	}{
		{"unknown function", "nope", []any{}, nil, "unknown_function", `no function "nope"`},
		{"too few arguments", "echo", []any{}, nil, "bad_args", "expected 1 argument (any), got 0"},
		{"too many arguments", "echo", []any{int64(1), int64(2)}, nil, "bad_args", "got 2"},
		{"wrong type", "count", []any{"three"}, nil, "bad_args", `argument 1: expected integer, got binary "three"`},
		{"improper arguments", "echo", etf.ImproperList{Elements: []any{int64(1)}, Tail: int64(2)}, nil, "bad_args", "arguments"},
		{"arguments that are no list", "echo", "x", nil, "bad_message", "expected a list"},
		{"arguments for none", "$stats", []any{int64(1)}, nil, "bad_args", "$stats: expected no arguments"},
		{"unknown lane", "echo", []any{"x"}, options("lane", atom("fast")), "bad_message", `unknown lane "fast"`},
		{"bad timeout", "echo", []any{"x"}, options("timeout", int64(-1)), "bad_message", "expected milliseconds or infinity"},
	}
	f := serve(t, portworker.Limits{})
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ref := int64(-i - 1)
			message := etf.Tuple{atom("call"), ref, c.function, c.args}
			if c.opts != nil {
				message = append(message, c.opts)
			}
			f.Send(message)
			err := f.fails(ref, c.reason)
			assert.Contains(t, err.Message, c.message)
		})
	}
}

func TestRefInUseIsAFaultAndLeavesItsTaskAlone(t *testing.T) {
	f := serve(t, portworker.Limits{})
	ref := f.waiting("wait", nil)
	f.Send(etf.Tuple{atom("call"), ref, "echo", []any{"x"}})
	assert.Equal(t, atom("duplicate_ref"), field(t, f.fault(ref), "reason"))

	// A call that is wrong in another way as well must not end the other task.
	f.Send(etf.Tuple{atom("call"), ref, "nope", []any{}})
	assert.Equal(t, atom("unknown_function"), field(t, f.fault(ref), "reason"))

	f.Send(etf.Tuple{atom("cancel"), ref})
	f.fails(ref, portworker.Cancelled)
	f.Send(etf.Tuple{atom("call"), ref, "echo", []any{"again"}})
	assert.Equal(t, "again", f.Await(ref).Value)
}

func TestDedicatedTaskRunsAndIsCancelled(t *testing.T) {
	f := serve(t, portworker.Limits{})
	ref := f.waiting("thread", nil)
	f.Send(etf.Tuple{atom("cancel"), ref})
	f.fails(ref, portworker.Cancelled)
}

func TestPingIsAnsweredWhileEveryLaneIsFull(t *testing.T) {
	f := serve(t, portworker.Limits{Processors: 1, MaxRunning: 3})
	defer f.letGo()
	f.waiting("stubborn", nil)
	f.Start("stubborn", nil, "queued")
	f.waiting("wait", nil)
	f.Send(etf.Tuple{atom("ping"), "there?"})
	assert.Equal(t, etf.Tuple{atom("pong"), "there?"}, f.Next())
}
