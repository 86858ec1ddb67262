package dispatch

import (
	"context"
	"sync/atomic"
	"time"
)

type taskKey struct{}

// taskContext is the context of a handler: cancelled with the task, with a cause, and aware
// of the deadline that the connection watches. It is a part of its task, and costs nothing more
// until somebody waits for it or derives from it: only then is there a standard context
// behind it.
type taskContext struct {
	task   *Task
	parent context.Context // what a child's descends from; nil for a call of the client's
	over   atomic.Pointer[error]
	real   atomic.Pointer[cancellable]
}

// cancellable is a standard context and how to cancel it.
type cancellable struct {
	context.Context
	cancel context.CancelCauseFunc
}

// done is the cause of a task's context once the task is done.
var done error = context.Canceled

// cancel makes the context done, with that cause unless it has one.
func (c *taskContext) cancel(cause error) { c.cancelWith(&cause) }

// release makes the context of a task done that needs it no longer.
func (c *taskContext) release() { c.cancelWith(&done) }

func (c *taskContext) cancelWith(cause *error) {
	c.over.CompareAndSwap(nil, cause)
	if real := c.real.Load(); real != nil {
		real.cancel(*c.over.Load())
	}
}

// standard returns the context behind this one, which is made here if it has not been needed yet.
// Whoever cancels meanwhile is seen by this, or sees it.
func (c *taskContext) standard() *cancellable {
	if real := c.real.Load(); real != nil {
		return real
	}
	parent := c.parent
	if parent == nil {
		parent = context.Background()
	}
	ctx, cancel := context.WithCancelCause(parent)
	if cause := c.over.Load(); cause != nil {
		cancel(*cause)
	}
	if !c.real.CompareAndSwap(nil, &cancellable{ctx, cancel}) {
		cancel(nil) // another goroutine was faster
	}
	real := c.real.Load()
	if cause := c.over.Load(); cause != nil {
		real.cancel(*cause)
	}
	return real
}

// Done returns a channel that is closed when the task is to stop.
func (c *taskContext) Done() <-chan struct{} { return c.standard().Done() }

// Err says whether the task is to stop.
func (c *taskContext) Err() error {
	switch real := c.real.Load(); {
	case real != nil:
		return real.Err()
	case c.over.Load() != nil:
		return context.Canceled
	case c.parent != nil:
		return c.parent.Err()
	}
	return nil
}

// cause is context.Cause of the context.
func (c *taskContext) cause() error {
	if real := c.real.Load(); real != nil {
		return context.Cause(real)
	}
	if cause := c.over.Load(); cause != nil {
		return *cause
	}
	if c.parent != nil {
		return context.Cause(c.parent)
	}
	return nil
}

// Deadline returns when the task has no time left.
func (c *taskContext) Deadline() (deadline time.Time, bounded bool) {
	if c.parent != nil {
		deadline, bounded = c.parent.Deadline()
	}
	if c.task.call.Timeout == 0 {
		return deadline, bounded
	}
	own := c.task.conn.state.started.Add(c.task.accepted + c.task.call.Timeout)
	if bounded && deadline.Before(own) {
		return deadline, true
	}
	return own, true
}

// Value returns the task, and else what the context behind this one holds: by such a key
// the context package finds what it can cancel.
func (c *taskContext) Value(key any) any {
	switch {
	case key == taskKey{}:
		return c.task
	case key == metaKey{} && c.parent == nil:
		return nil
	}
	return c.standard().Value(key)
}

// TaskFrom returns the task that ctx belongs to, or nil.
func TaskFrom(ctx context.Context) *Task {
	t, _ := ctx.Value(taskKey{}).(*Task)
	return t
}
