package portworker

import (
	"context"
	"fmt"
	"time"

	"portworker/dispatch"
	"portworker/etf"
)

// CallbackError is a failure of a function on the BEAM: an exception, a throw or
// an exit, with its stacktrace.
type CallbackError = dispatch.CallbackError

// Call runs a function on the BEAM, one that the client has offered by this name,
// and returns its value. It shares the task's deadline, gives the task's place in its
// lane up while it waits, and may lead to further calls here, to any depth.
//
// It returns the cause when ctx or the task is done, [*CallbackError] when the
// function raised, threw or exited, and reason [UnknownFunction] when it is not
// offered. Arguments and the value are converted as those of handlers are.
func Call[Out any](ctx context.Context, name string, args ...any) (Out, error) {
	var out Out
	t, err := taskOf(ctx, "Call")
	if err != nil {
		return out, err
	}
	value, err := t.Ask(ctx, name, args)
	if err != nil {
		return out, err
	}
	if err := etf.Decode(value, &out); err != nil {
		return out, fmt.Errorf("callback %q: value: %w", name, err)
	}
	return out, nil
}

// Notify sends v to a process on the BEAM: to is an etf.Pid, an alias as etf.Ref,
// or a registered name as etf.Atom. Nobody tells whether it arrived.
func Notify(ctx context.Context, to, v any) error {
	t, err := taskOf(ctx, "Notify")
	if err != nil {
		return err
	}
	return t.Notify(ctx, to, v)
}

// Yield lets a waiting task of higher priority in the same lane go first, if there
// is one: call it now and then in a long computation. It returns the cause when the
// task is to stop.
func Yield(ctx context.Context) error {
	t, err := taskOf(ctx, "Yield")
	if err != nil {
		return err
	}
	return t.Yield()
}

// Continue, returned as a handler's error, lets another function of the worker end
// the task, with these arguments. The place in the lane is given up and taken in the
// lane of that function; the deadline goes on. The handler's own value is not used.
func Continue(name string, args ...any) error {
	return &dispatch.Continuation{Name: name, Args: args}
}

// ContinueCallback does the same with a function on the BEAM, which the client has
// offered by this name. No goroutine waits for it.
func ContinueCallback(name string, args ...any) error {
	return &dispatch.Continuation{Name: name, Args: args, Callback: true}
}

// ReplyAfter, returned as a handler's error, ends the task with v after a time. No
// goroutine waits for it, so that a million such tasks cost little; it is cancelled, and
// times out, as a handler that waits.
func ReplyAfter(d time.Duration, v any) error { return &dispatch.Continuation{Value: v, After: d} }

func taskOf(ctx context.Context, what string) (*dispatch.Task, error) {
	if t := dispatch.TaskFrom(ctx); t != nil {
		return t, nil
	}
	return nil, &Error{Reason: Unsupported, Message: what + ": the context belongs to no task: expected a handler's context, or one made from it"}
}
