package dispatch_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

// asking is a worker whose handlers ask back, on a CPU lane of one.
func asking(t *testing.T) *fixture {
	f := &fixture{t: t, started: make(chan any, 100), release: make(chan struct{})}
	w := portworker.New(portworker.Config{Limits: portworker.Limits{Processors: 1}})
	cpu := portworker.OnLane(portworker.LaneCPU)
	portworker.Handle(w, "ask", func(ctx context.Context, n int) (int, error) {
		return portworker.Call[int](ctx, "next", n)
	}, cpu)
	portworker.Handle(w, "why", func(ctx context.Context, n int) (string, error) {
		_, err := portworker.Call[int](ctx, "next", n)
		failure, ok := errors.AsType[*portworker.CallbackError](err)
		if !ok {
			return "", err
		}
		return failure.Kind + "|" + failure.Message + "|" + failure.Stack, nil
	}, cpu)
	portworker.Handle(w, "tell", func(ctx context.Context, to etf.Pid) (any, error) {
		return nil, portworker.Notify(ctx, to, "news")
	}, cpu)
	portworker.Handle(w, "go on", func(_ context.Context, n int) (int, error) {
		return 0, portworker.Continue("ask", n+1)
	})
	portworker.Handle(w, "over there", func(_ context.Context, n int) (int, error) {
		return 0, portworker.ContinueCallback("next", n)
	}, cpu)
	portworker.Handle(w, "nowhere", func(context.Context, int) (int, error) { return 0, portworker.Continue("gone") })
	portworker.Handle(w, "yield", func(ctx context.Context, name string) (string, error) {
		f.started <- name
		if name == "low" {
			<-f.release
		}
		err := portworker.Yield(ctx)
		f.started <- name + " again"
		return name, err
	}, cpu)
	f.Peer = portworkertest.Start(t, w)
	return f
}

// asked waits for a callback and returns its ref and argument.
func (f *fixture) asked(ref any) (callback, argument any) {
	f.t.Helper()
	message := f.Next()
	require.Len(f.t, message, 6, "%v", message)
	require.Equal(f.t, []any{atom("callback"), ref, "next"}, []any{message[0], message[2], message[3]})
	return message[1], message[4].([]any)[0]
}

func (f *fixture) reply(callback any, outcome string, v any) {
	f.Send(etf.Tuple{atom("reply"), callback, etf.Tuple{atom(outcome), v}})
}

func TestCallbackReturnsItsValue(t *testing.T) {
	f := asking(t)
	ref := f.Start("ask", nil, 1)
	callback, argument := f.asked(ref)
	assert.Equal(t, int64(1), argument)
	f.reply(callback, "ok", int64(2))
	assert.Equal(t, int64(2), f.Await(ref).Value)
}

func TestCallbacksNestDeeperThanTheLaneIsWide(t *testing.T) {
	f := asking(t)
	const depth = 100
	var refs, callbacks []any
	for i := range depth {
		ref := f.Start("ask", nil, i)
		callback, _ := f.asked(ref)
		refs, callbacks = append(refs, ref), append(callbacks, callback)
	}
	for i := depth - 1; i >= 0; i-- {
		f.reply(callbacks[i], "ok", int64(i))
		assert.Equal(t, int64(i), f.Await(refs[i]).Value)
	}
}

func TestCallbackCarriesWhatIsLeftOfTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := asking(t)
		ref := f.Start("ask", options("timeout", int64(500), "meta", options("trace", "t1")), 1)
		message := f.Next()
		assert.Equal(t, options("timeout", int64(500), "meta", options("trace", "t1")), message[5])
		begun := time.Now()
		f.fails(ref, portworker.Timeout)
		assert.Equal(t, 500*time.Millisecond, time.Since(begun))
		f.reply(message[1], "ok", int64(1)) // finds nobody
		f.Quiet()
	})
}

func TestCallbackThatFails(t *testing.T) {
	cases := map[string]struct {
		sent any
		want string
	}{
		"an exception":       {options("kind", atom("error"), "message", "no such user", "stack", "user.ex:3"), "error|no such user|user.ex:3"},
		"only a message":     {options("message", "no"), "|no|"},
		"something else yet": {atom("noproc"), "|:noproc|"},
	}
	f := asking(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			ref := f.Start("why", nil, 1)
			callback, _ := f.asked(ref)
			f.reply(callback, "error", c.sent)
			assert.Equal(t, c.want, f.Await(ref).Value)
		})
	}
}

func TestCallbackWithAValueOfAnotherType(t *testing.T) {
	f := asking(t)
	ref := f.Start("ask", nil, 1)
	callback, _ := f.asked(ref)
	f.reply(callback, "ok", "two")
	assert.Contains(t, f.fails(ref, portworker.Failed).Message, `callback "next": value: expected integer`)
}

func TestCallbackThatIsNotOffered(t *testing.T) {
	f := asking(t)
	f.hello(options("callbacks", []any{"other"}))
	err := f.fails(f.Start("ask", nil, 1), portworker.UnknownFunction)
	assert.Contains(t, err.Message, `callback "next"`)
}

func TestCancelEndsATaskThatWaitsForACallback(t *testing.T) {
	f := asking(t)
	ref := f.Start("ask", nil, 1)
	f.asked(ref)
	f.Send(etf.Tuple{atom("cancel"), ref})
	f.fails(ref, portworker.Cancelled)
}

func TestReplyToNobody(t *testing.T) {
	f := asking(t)
	f.reply(int64(99), "ok", int64(1))
	f.Quiet()
	f.reply("x", "ok", int64(1))
	assert.Contains(t, field(t, f.fault("x"), "message"), "expected the CallbackRef")
}

func TestNotify(t *testing.T) {
	f := asking(t)
	pid := etf.Raw("\x58\x77\x01n\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00")
	f.Send(etf.Tuple{atom("call"), "r", "tell", []any{pid}})
	message := f.Next()
	assert.Equal(t, []any{atom("notify"), "news"}, []any{message[0], message[2]})
	assert.IsType(t, etf.Pid{}, message[1])
	assert.Nil(t, f.Await("r").Err)
}

func TestContinueEndsTheTaskElsewhere(t *testing.T) {
	f := asking(t)
	ref := f.Start("go on", nil, 1)
	callback, argument := f.asked(ref)
	assert.Equal(t, int64(2), argument)
	f.reply(callback, "ok", int64(3))
	assert.Equal(t, int64(3), f.Await(ref).Value)
}

func TestContinueNowhere(t *testing.T) {
	f := asking(t)
	assert.Contains(t, f.fails(f.Start("nowhere", nil, 1), portworker.UnknownFunction).Message, `no function "gone"`)
}

func TestContinueOverThere(t *testing.T) {
	for name, c := range map[string]struct {
		outcome string
		v       any
	}{"with a value": {"ok", "any value"}, "with a failure": {"error", options("message", "no")}} {
		t.Run(name, func(t *testing.T) {
			f := asking(t)
			ref := f.Start("over there", nil, 1)
			callback, _ := f.asked(ref)
			f.reply(callback, c.outcome, c.v)
			result := f.Await(ref)
			if c.outcome == "ok" {
				assert.Equal(t, c.v, result.Value)
			} else {
				assert.Contains(t, result.Err.Message, "no")
			}
		})
	}
}

func TestTaskThatIsOverThereCanBeStopped(t *testing.T) {
	for name, stop := range map[string]string{"by its deadline": "timeout", "by the client": "cancelled"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := asking(t)
				ref := f.Start("over there", options("timeout", int64(1000)), 1)
				callback, _ := f.asked(ref)
				synctest.Wait()
				if stop == "cancelled" {
					f.Send(etf.Tuple{atom("cancel"), ref})
				}
				f.fails(ref, portworker.Reason(stop))
				f.reply(callback, "ok", int64(1))
				f.Quiet()
				assert.Equal(t, int64(0), field(t, f.Call("$stats").Value, "abandoned"))
			})
		})
	}
}

func TestYieldLetsAHigherPriorityGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := asking(t)
		low := f.Start("yield", options("priority", atom("low")), "low")
		assert.Equal(t, "low", <-f.started)
		high := f.Start("yield", options("priority", atom("high")), "high")
		synctest.Wait()
		close(f.release)
		for _, want := range []string{"high", "high again", "low again"} {
			assert.Equal(t, want, <-f.started)
		}
		assert.Equal(t, "high", f.Await(high).Value)
		assert.Equal(t, "low", f.Await(low).Value)
	})
}
