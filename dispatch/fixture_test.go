package dispatch_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a worker whose handlers do what a test tells them.
type fixture struct {
	*portworkertest.Peer
	t       *testing.T
	started chan any      // the argument of each handler that has started to wait
	release chan struct{} // closed, lets stubborn handlers go
}

// serve starts a worker with these limits.
func serve(t *testing.T, limits portworker.Limits) *fixture {
	f := &fixture{t: t, started: make(chan any, 100), release: make(chan struct{})}
	w := portworker.New(portworker.Config{Name: "fixture", Version: "1", Limits: limits})
	portworker.Handle(w, "echo", func(_ context.Context, v etf.Raw) (etf.Raw, error) { return v, nil })
	portworker.Handle(w, "wait", f.wait)
	portworker.Handle(w, "wait.cpu", f.wait, portworker.OnLane(portworker.LaneCPU))
	portworker.Handle(w, "thread", f.wait, portworker.OnLane(portworker.LaneDedicated))
	portworker.Handle(w, "stubborn", f.stubborn, portworker.OnLane(portworker.LaneCPU))
	portworker.Handle0(w, "panic", func(context.Context) (any, error) { panic("oh no") })
	portworker.Handle0(w, "goexit", func(context.Context) (any, error) { runtime.Goexit(); return nil, nil })
	portworker.Handle(w, "count", count)
	f.Peer = portworkertest.Start(t, w)
	return f
}

// wait returns when its task is told to stop.
func (f *fixture) wait(ctx context.Context, v any) (any, error) {
	f.started <- v
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// stubborn takes no notice of its context.
func (f *fixture) stubborn(_ context.Context, v any) (any, error) {
	f.started <- v
	<-f.release
	return v, nil
}

// count reports 1 to n and returns n.
func count(ctx context.Context, n int) (int, error) {
	for i := range n {
		if err := portworker.Progress(ctx, i+1); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// waiting starts a task and returns when its handler waits.
func (f *fixture) waiting(name string, opts etf.Map) any {
	f.t.Helper()
	ref := f.Start(name, opts, "x")
	<-f.started
	return ref
}

// letGo ends stubborn handlers, at the latest when the test ends.
func (f *fixture) letGo() { close(f.release) }

// fails waits for the task to end in an error with that reason.
func (f *fixture) fails(ref any, reason portworker.Reason) *portworker.Error {
	f.t.Helper()
	result := f.Await(ref)
	require.NotNil(f.t, result.Err, "got value %v", result.Value)
	assert.Equal(f.t, reason, result.Err.Reason, "%v", result.Err)
	return result.Err
}

// fault waits for a fault with that ref and returns its error.
func (f *fixture) fault(ref any) etf.Map {
	f.t.Helper()
	message := f.Next()
	require.Equal(f.t, etf.Atom("fault"), message[0], "%v", message)
	require.Equal(f.t, ref, message[1], "%v", message)
	return message[2].(etf.Map)
}

func atom(name string) etf.Atom { return etf.Atom(name) }

// options makes a map of atom keys.
func options(pairs ...any) etf.Map {
	var m etf.Map
	for i := 0; i < len(pairs); i += 2 {
		m = append(m, etf.Pair{Key: atom(pairs[i].(string)), Value: pairs[i+1]})
	}
	return m
}

func field(t *testing.T, m any, name string) any {
	t.Helper()
	fields, ok := m.(etf.Map)
	require.True(t, ok, "%v is no map", m)
	v, ok := fields.Get(atom(name))
	require.True(t, ok, "%v has no %s", m, name)
	return v
}
