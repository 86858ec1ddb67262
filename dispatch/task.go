package dispatch

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync/atomic"
	"time"

	"portworker/etf"
	"portworker/protocol"
	"portworker/streaming"
)

// Task is one accepted call. A handler reaches it through its context
// ([TaskFrom]).
type Task struct {
	conn     *Conn
	call     *protocol.Call
	fn       atomic.Pointer[Function]
	args     etf.Raw
	lane     *lane
	accepted time.Time
	ctx      context.Context
	cancel   context.CancelCauseFunc
	retry    *RetryPolicy // the call's own, or nil
	attempts atomic.Int32 // made so far; not counted where there are no policies

	out *streaming.Output // of a stream or channel
	in  *streaming.Input  // of a channel

	parent *Task        // the task that started it, or nil
	sink   func(ending) // takes the end of a child; must not block
	label  any          // tells a child's progress from that of others, or nil

	// The rest is guarded by the connection's lock.
	phase      phase
	placed     bool            // it has a place in its lane
	parked     int             // goroutines that wait for something other than the machine
	inside     bool            // a goroutine is in its handler
	handedAs   int64           // the callback that is to end it, if it was handed to the client
	ready      chan struct{}   // closed when it has a place again, or nil
	stop       *protocol.Error // why it was told to stop, or nil
	hedges     int             // attempts that run beside each other
	left       bool            // its goroutine is done, and hedges are not
	lenient    bool            // a value is still welcome after stop
	timer      *time.Timer     // the deadline's, or nil
	delay      *time.Timer     // ends a task that was handed to it, or nil
	grace      *time.Timer     // a cancelled handler's, or nil
	prev, next *Task           // in its lane's queue
}

type phase uint8

const (
	waiting phase = iota // in its lane's queue
	running              // its handler has been started
	handed               // the client has been asked to end it
	ended                // its result has been queued
)

type taskKey struct{}

// taskContext is the context of a handler: cancelled with the task, with a
// cause, and aware of the deadline that the connection watches.
type taskContext struct {
	context.Context
	task *Task
}

func (c *taskContext) Deadline() (time.Time, bool) {
	outer, bounded := c.Context.Deadline() // a child's parent's
	if c.task.call.Timeout == 0 {
		return outer, bounded
	}
	own := c.task.accepted.Add(c.task.call.Timeout)
	if bounded && outer.Before(own) {
		return outer, true
	}
	return own, true
}

func (c *taskContext) Value(key any) any {
	if key == (taskKey{}) {
		return c.task
	}
	return c.Context.Value(key)
}

// TaskFrom returns the task that ctx belongs to, or nil.
func TaskFrom(ctx context.Context) *Task {
	t, _ := ctx.Value(taskKey{}).(*Task)
	return t
}

// Context is done when the task is to stop; context.Cause says why, as a
// [*protocol.Error].
func (t *Task) Context() context.Context { return t.ctx }

// Function returns the registered name of what runs.
func (t *Task) Function() string { return t.fn.Load().Name }

// Name returns the name the call gave the task, or "".
func (t *Task) Name() string { return t.call.Name }

// Args returns the call's arguments, a list that has passed the scan.
func (t *Task) Args() etf.Raw { return t.args }

// Progress sends {progress, Ref, v}, if the client wants progress. It waits
// while too much output is waiting for the client to read. It returns the
// cause when the task is over, and an error when v cannot be encoded.
func (t *Task) Progress(v any) error {
	if err := context.Cause(t.ctx); err != nil {
		return err
	}
	if !t.call.Progress {
		return nil
	}
	for c := t; c != nil; c = c.parent {
		if c.label != nil {
			v = etf.Tuple{c.label, v}
		}
	}
	o, err := t.conn.codec().Progress(t.call.Ref, v)
	if err != nil {
		return fmt.Errorf("encode progress: %w", err)
	}
	return t.emit(o)
}

// emit sends a message of a task that has not ended, once there is room for it.
func (t *Task) emit(o *protocol.Outgoing) error {
	reserved := o.Cost()
	if err := t.conn.writer.Reserve(t.ctx, reserved); err != nil {
		return err
	}
	if t.out != nil {
		t.out.Cut() // what is sent later is not to come before this
	}
	over := false
	t.conn.update(func(*inflight) {
		if over = t.over(); !over {
			t.conn.writer.QueueReserved(o, reserved)
		}
	})
	if over {
		t.conn.writer.Unreserve(reserved)
		return context.Cause(t.ctx)
	}
	t.conn.writer.Flush()
	return nil
}

// over reports whether nothing more may be sent with the task's ref, which for a
// child is that of the task it descends from. The connection's lock is held.
func (t *Task) over() bool {
	for ; t != nil; t = t.parent {
		if t.phase == ended {
			return true
		}
	}
	return false
}

// run is the task's goroutine.
func (t *Task) run() {
	var value any
	err := errGoexit
	defer func() { t.conn.finish(t, value, err) }()
	t.lane.claimThread()
	pprof.SetGoroutineLabels(t.labels())
	value, err = t.perform()
}

// labels tell a task's goroutines apart in profiles: by function, and by the
// task's name if it has one. Goroutines that a handler starts inherit them.
func (t *Task) labels() context.Context {
	labels := t.fn.Load().labels
	if t.call.Name == "" {
		return labels
	}
	return pprof.WithLabels(labels, pprof.Labels("task", t.call.Name))
}

var errGoexit = errors.New("the handler ended its goroutine (runtime.Goexit): expected it to return")

// invoke calls the handler and keeps a panic to the task. It is not inlined, so
// that a goroutine's stack tells its task (see stackOf).
//
//go:noinline
func (t *Task) invoke(ctx context.Context, run func(context.Context, *Task) (any, error)) (value any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	value, err = run(ctx, t)
	runtime.KeepAlive(t) // keeps the receiver where a traceback finds it
	return value, err
}

// panicked makes an error of a panic in this goroutine, or of one that was carried
// here from a stream's.
func panicked(p any) *protocol.Error {
	if carried, ok := p.(*streaming.PanicError); ok {
		return &protocol.Error{Reason: protocol.Panic, Message: fmt.Sprint(carried.Value), Stack: string(carried.Stack)}
	}
	return &protocol.Error{Reason: protocol.Panic, Message: fmt.Sprint(p), Stack: string(debug.Stack())}
}

// outcome says how a task ended whose handler has returned.
func (t *Task) outcome(value any, err error) ending {
	failure := t.stopError()
	if failure == nil || err == nil && t.lenientStop() {
		failure = asError(err)
	}
	if failure == nil {
		return t.succeeded(value)
	}
	return t.failed(failure)
}

// stopError returns what a task that was told to stop, and did, ends with.
func (t *Task) stopError() *protocol.Error {
	t.conn.mu.Lock()
	defer t.conn.mu.Unlock()
	if t.stop == nil {
		return nil
	}
	return withReceipt(t.stop, false, "")
}

func (t *Task) lenientStop() bool {
	t.conn.mu.Lock()
	defer t.conn.mu.Unlock()
	return t.lenient
}

// withReceipt adds to a cancellation whether the handler still runs.
func withReceipt(e *protocol.Error, stillRunning bool, stack string) *protocol.Error {
	receipt := *e
	details := etf.Map{{Key: etf.Atom("still_running"), Value: stillRunning}}
	if stack != "" {
		details = append(details, etf.Pair{Key: etf.Atom("stack"), Value: stack})
	}
	receipt.Details = details
	return &receipt
}
