package dispatch_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

// groups is a worker whose functions end in every way, on a CPU lane of two.
func groups(t *testing.T) *fixture {
	f := &fixture{t: t, started: make(chan any, 1000), release: make(chan struct{})}
	w := portworker.New(portworker.Config{Limits: portworker.Limits{Processors: 2}})
	cpu := portworker.OnLane(portworker.LaneCPU)
	portworker.Handle(w, "double", func(_ context.Context, n int) (int, error) { return 2 * n, nil }, cpu)
	portworker.Handle(w, "fail", func(_ context.Context, why string) (int, error) { return 0, errors.New(why) }, cpu)
	portworker.Handle(w, "wait", f.wait)
	portworker.Handle(w, "after", func(ctx context.Context, ms int) (int, error) {
		select {
		case <-time.After(time.Duration(ms) * time.Millisecond):
			return ms, nil
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	})
	portworker.Handle0(w, "panic", func(context.Context) (any, error) { panic("oh no") })
	portworker.Handle(w, "count", count)
	f.Peer = portworkertest.Start(t, w)
	return f
}

// calls makes a list of {Name, [Arg]} pairs.
func calls(pairs ...any) []any {
	list := []any{}
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, etf.Tuple{pairs[i], []any{pairs[i+1]}})
	}
	return list
}

// reasons renders outcomes as "ok" or the reason.
func reasons(t *testing.T, value any) (list []string) {
	t.Helper()
	for _, outcome := range value.([]any) {
		pair := outcome.(etf.Tuple)
		if pair[0] == atom("ok") {
			list = append(list, "ok")
		} else {
			list = append(list, string(field(t, pair[1], "reason").(etf.Atom)))
		}
	}
	return list
}

func ok(v any) etf.Tuple { return etf.Tuple{atom("ok"), v} }

func TestGroupReturnsResultsInOrder(t *testing.T) {
	f := groups(t)
	value := f.Call("$group", calls("after", 30, "double", 1, "after", 10, "double", 2)).Value
	assert.Equal(t, []any{ok(int64(30)), ok(int64(2)), ok(int64(10)), ok(int64(4))}, value)
}

func TestGroupOnError(t *testing.T) {
	cases := map[string]struct {
		onError string
		want    []string
	}{
		"cancels the others":    {"cancel_all", []string{"cancelled", "failed", "cancelled"}},
		"lets the others go on": {"wait_all", []string{"ok", "failed", "ok"}},
		"is the group's own":    {"fail_fast", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := groups(t)
				result := f.Call("$group", calls("after", 50, "fail", "no", "after", 60), options("on_error", atom(c.onError)))
				if c.want == nil {
					assert.Equal(t, "call 1: no", result.Err.Message)
				} else {
					assert.Equal(t, c.want, reasons(t, result.Value))
				}
				assert.Equal(t, int64(1), field(t, f.Call("$stats").Value, "accepted"), "none outlives the group")
			})
		})
	}
}

func TestGroupRunsSomeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := groups(t)
		begun := time.Now()
		value := f.Call("$group", calls("after", 100, "after", 100, "after", 100, "after", 100), options("max_concurrency", 2)).Value
		assert.Equal(t, []string{"ok", "ok", "ok", "ok"}, reasons(t, value))
		assert.Equal(t, 200*time.Millisecond, time.Since(begun))
	})
}

func TestGroupEndsWithTheFirst(t *testing.T) {
	cases := map[string]struct {
		until string
		calls []any
		want  any
	}{
		"of any kind":      {"first", calls("after", 50, "fail", "no", "after", 60), nil},
		"that ends":        {"first", calls("after", 50, "after", 20, "after", 60), etf.Tuple{int64(1), ok(int64(20))}},
		"that has a value": {"success", calls("fail", "no", "after", 50, "after", 20), etf.Tuple{int64(2), ok(int64(20))}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := groups(t)
				value := f.Call("$group", c.calls, options("until", atom(c.until))).Value
				if c.want != nil {
					assert.Equal(t, c.want, value)
				} else {
					assert.Equal(t, int64(1), value.(etf.Tuple)[0])
				}
				assert.Equal(t, int64(1), field(t, f.Call("$stats").Value, "accepted"))
			})
		})
	}
}

func TestGroupWithoutASuccess(t *testing.T) {
	f := groups(t)
	err := f.Call("$group", calls("fail", "a", "fail", "b"), options("until", atom("success"))).Err
	require.NotNil(t, err)
	assert.Equal(t, "none of 2 calls succeeded", err.Message)
	assert.Equal(t, []string{"failed", "failed"}, reasons(t, err.Details))
}

func TestGroupIsRefused(t *testing.T) {
	cases := map[string]struct {
		args    []any
		reason  portworker.Reason
		message string
	}{
		"no arguments":       {nil, portworker.BadArgs, "expected a list of calls"},
		"calls that are not": {[]any{"x"}, portworker.BadArgs, "calls: expected a list"},
		"a call that is not": {[]any{[]any{int64(1)}}, portworker.BadArgs, "call 0: 1: expected {Name, Args}"},
		"a bad option":       {[]any{calls("double", 1), options("on_error", atom("ignore"))}, portworker.BadArgs, "expected cancel_all, wait_all or fail_fast"},
		"too many calls":     {[]any{calls("double", 1, "double", 2), options("max_tasks", 1)}, portworker.Overloaded, "task limit exceeded: 2 calls"},
		"nothing to race":    {[]any{[]any{}, options("until", atom("first"))}, portworker.BadArgs, "expected one at least"},
	}
	f := groups(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := f.Call("$group", c.args...).Err
			require.NotNil(t, err)
			assert.Equal(t, c.reason, err.Reason)
			assert.Contains(t, err.Message, c.message)
		})
	}
}

func TestCallsOfAGroupThatCannotBeMade(t *testing.T) {
	f := groups(t)
	value := f.Call("$group", []any{
		etf.Tuple{"nope", []any{}},
		etf.Tuple{"double", []any{int64(1)}, options("lane", atom("fast"))},
		etf.Tuple{"double", []any{int64(1)}},
	}, options("on_error", atom("wait_all"))).Value
	assert.Equal(t, []string{"unknown_function", "bad_message", "ok"}, reasons(t, value))
}

func TestGroupEndsWithItsDeadlineOrItsCancellation(t *testing.T) {
	for name, reason := range map[string]portworker.Reason{"deadline": portworker.Timeout, "cancellation": portworker.Cancelled} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := groups(t)
				ref := f.Start("$group", options("timeout", int64(100)), calls("wait", "a", "wait", "b"))
				<-f.started
				<-f.started
				if reason == portworker.Cancelled {
					f.Send(etf.Tuple{atom("cancel"), ref})
				}
				f.fails(ref, reason)
				synctest.Wait()
				stats := f.Call("$stats").Value
				assert.Equal(t, int64(1), field(t, stats, "accepted"))
				assert.Equal(t, int64(0), field(t, stats, "abandoned"))
			})
		})
	}
}

func TestProgressOfAGroupTellsTheCall(t *testing.T) {
	f := groups(t)
	result := f.Call("$group", calls("count", 1, "count", 1), options("max_concurrency", 1))
	assert.Equal(t, []any{etf.Tuple{int64(0), int64(1)}, etf.Tuple{int64(1), int64(1)}}, result.Progress)
}

func TestGroupsNestDeeperThanTheLaneIsWide(t *testing.T) {
	f := groups(t)
	inner := any(calls("double", 1, "double", 2))
	for range 20 {
		inner = []any{etf.Tuple{"$group", []any{inner}, options("lane", atom("cpu"))}}
	}
	assert.Nil(t, f.Call("$group", inner).Err)
}

// Any tree of groups, with any mix of ends, leaves exactly one result and nothing
// else behind.
func TestTreesOfGroups(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			f := groups(t)
			ref := f.Start("$group", options("timeout", int64(rapid.IntRange(1, 80).Draw(rt, "budget"))), tree(rt, 3))
			if rapid.Bool().Draw(rt, "cancelled") {
				f.Send(etf.Tuple{atom("cancel"), ref})
			}
			for message := f.Next(); message[0] != atom("result"); message = f.Next() {
				require.Equal(t, atom("progress"), message[0])
			}
			synctest.Wait()
			stats := f.Call("$stats").Value
			assert.Equal(t, int64(1), field(t, stats, "accepted"))
			assert.Equal(t, int64(0), field(t, stats, "abandoned"))
			f.Quiet()
		})
	})
}

// tree draws a group's calls, and its options.
func tree(rt *rapid.T, depth int) []any {
	var list []any
	for range rapid.IntRange(0, 4).Draw(rt, "calls") {
		switch kind := rapid.IntRange(0, 6).Draw(rt, "kind"); {
		case kind == 0 && depth > 0:
			opts := options("on_error", atom(rapid.SampledFrom([]string{"cancel_all", "wait_all", "fail_fast"}).Draw(rt, "on error")),
				"until", atom(rapid.SampledFrom([]string{"all", "first", "success"}).Draw(rt, "until")),
				"max_concurrency", rapid.IntRange(0, 2).Draw(rt, "at once"))
			list = append(list, etf.Tuple{"$group", []any{tree(rt, depth-1), opts}})
		case kind == 1:
			list = append(list, etf.Tuple{"fail", []any{"no"}})
		case kind == 2:
			list = append(list, etf.Tuple{"panic", []any{}})
		case kind == 3:
			list = append(list, etf.Tuple{"after", []any{int64(100)}, options("timeout", int64(5))})
		case kind == 4:
			list = append(list, etf.Tuple{"count", []any{int64(2)}})
		default:
			list = append(list, etf.Tuple{"after", []any{int64(rapid.IntRange(0, 50).Draw(rt, "ms"))}})
		}
	}
	if list == nil {
		list = []any{}
	}
	return list
}
