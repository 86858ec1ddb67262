package dispatch_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

// attempt is what a scripted handler does the nth time it is run.
type attempt func(ctx context.Context) (string, error)

var errFlaky = errors.New("flaky")

func returns(v string) attempt                { return func(context.Context) (string, error) { return v, nil } }
func failsWith(err error) attempt             { return func(context.Context) (string, error) { return "", err } }
func goexits(context.Context) (string, error) { runtime.Goexit(); return "", nil }

func panics(context.Context) (string, error) { panic("oh no") }

// flaky fails in a way that says that another try may succeed.
func flaky(context.Context) (string, error) { return "", portworker.Retryable(errFlaky) }

// hangs waits for its context.
func hangs(ctx context.Context) (string, error) {
	<-ctx.Done()
	return "", context.Cause(ctx)
}

// takes returns v after that time, or when its context is done.
func takes(d time.Duration, v string) attempt {
	return func(ctx context.Context) (string, error) {
		select {
		case <-time.After(d):
			return v, nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// scripted is a worker with one function, "act", on the CPU lane: its nth run does what the
// nth attempt says, and all runs after the last do what that one did. "other" returns its argument from
// the same lane, which has one place.
type scripted struct {
	*fixture
	runs atomic.Int32
}

func script(t *testing.T, opts []portworker.Option, attempts ...attempt) *scripted {
	s := &scripted{fixture: &fixture{t: t}}
	w := portworker.New(portworker.Config{Limits: portworker.Limits{Processors: 1}})
	act := func(ctx context.Context) (string, error) {
		n := int(s.runs.Add(1))
		return attempts[min(n, len(attempts))-1](ctx)
	}
	portworker.Handle0(w, "act", act, append(opts, portworker.OnLane(portworker.LaneCPU))...)
	portworker.Handle0(w, "instead", func(context.Context) (string, error) { return "instead", nil })
	portworker.Handle(w, "other", func(_ context.Context, v string) (string, error) { return v, nil }, portworker.OnLane(portworker.LaneCPU))
	s.Peer = portworkertest.Start(t, w)
	return s
}

// hello has the worker send log messages.
func (s *scripted) hello() {
	s.Send(etf.Tuple{atom("hello"), options()})
	assert.Equal(s.t, atom("hello"), s.Next()[0])
}

// change waits for the log record of a circuit breaker.
func (s *scripted) change(level, from, to string) {
	s.t.Helper()
	m := s.Next()
	assert.Equal(s.t, atom("log"), m[0])
	assert.Equal(s.t, atom(level), m[1])
	for key, want := range map[string]string{"function": "act", "from": from, "to": to} {
		got, _ := m[3].(etf.Map).Get(key)
		assert.Equal(s.t, want, got, key)
	}
}

// stats returns what $stats has of the function.
func (s *scripted) stats() etf.Map {
	s.t.Helper()
	functions := field(s.t, s.Call("$stats").Value, "functions").(etf.Map)
	act, ok := functions.Get("act")
	assert.True(s.t, ok, "%v", functions)
	return act.(etf.Map)
}
