package portworker

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"portworker/dispatch"
)

// RetryPolicy says how often a handler is tried; see [Retry].
type RetryPolicy = dispatch.RetryPolicy

// BreakerPolicy says when calls of a failing function are refused; see [Breaker].
type BreakerPolicy = dispatch.BreakerPolicy

// Executor runs a lane's tasks; see [Config].
type Executor = dispatch.Executor

// NoJitter makes the waits of a [RetryPolicy] exact.
const NoJitter = dispatch.NoJitter

// Retry tries a handler again after failures that say that this may help: see
// [Retryable]. A call's own retry option counts instead of it. A wait takes no place in a lane,
// ends when the task is cancelled, and is not begun when the deadline comes first.
//
// This and the other policies panic, with the function's name, when they make no
// sense.
func Retry(policy RetryPolicy) Option {
	return func(f *dispatch.Function) { f.Policies.Retry = &policy }
}

// Breaker refuses calls with reason circuit_open while the function keeps failing. All calls
// of the worker share the circuit. Its changes are logged, and $stats shows its state.
func Breaker(policy BreakerPolicy) Option {
	return func(f *dispatch.Function) { f.Policies.Breaker = &policy }
}

// Fallback makes a value, or another error, of a failure that is left when retries
// are used up. It is not called for bad arguments, nor for a task that is cancelled or out of
// time. It panics when Out is not what the function returns.
func Fallback[Out any](fn func(ctx context.Context, err error) (Out, error)) Option {
	return func(f *dispatch.Function) {
		if got, want := describe(f.Name, reflect.TypeFor[Out]()).String(), f.Result.String(); got != want {
			panic(fmt.Sprintf("portworker: function %q: its fallback returns %s: expected %s", f.Name, got, want))
		}
		f.Policies.Fallback = func(ctx context.Context, err error) (any, error) {
			out, err := fn(ctx, err)
			return &out, err
		}
	}
}

// FallbackTo runs another function of the worker with the same arguments where [Fallback]
// would be called. That function's own policies and lane do not count. Serving panics when it is not
// there, or takes another number of arguments.
func FallbackTo(name string) Option {
	return func(f *dispatch.Function) { f.Policies.FallbackTo = name }
}

// Hedge starts a handler once more, up to most times, each time it has not returned
// after so long. The first value wins, and the others are cancelled: the handler must bear
// to run twice at once.
func Hedge(after time.Duration, most int) Option {
	return func(f *dispatch.Function) { f.Policies.Hedge = &dispatch.HedgePolicy{After: after, Max: most} }
}

// RateLimit lets attempts begin at that rate, and so many at once after a pause. One that comes too
// early waits without a place in a lane, or fails with reason overloaded when its
// deadline would pass before its turn.
func RateLimit(perSecond float64, burst int) Option {
	return func(f *dispatch.Function) {
		f.Policies.Rate = &dispatch.RateLimit{PerSecond: perSecond, Burst: burst}
	}
}

// TimeLimit bounds each attempt within the task's deadline: its context ends, and a
// failure with reason timeout follows, after which another try may succeed. A handler that ignores
// its context holds its task up until the deadline.
func TimeLimit(limit time.Duration) Option {
	return func(f *dispatch.Function) { f.Policies.TimeLimit = &limit }
}

// Retryable marks an error as one after which another try may succeed, after that
// time if it is given. It reaches the client as retry_after, whether or not there is a
// policy. The error stays what it is for errors.Is and errors.As, and nil stays nil. A panic,
// bad arguments and cancellation are never tried again, marked or not.
func Retryable(err error, after ...time.Duration) error {
	return dispatch.Retryable(err, after...)
}
