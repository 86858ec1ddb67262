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
	call     protocol.Call
	fn       atomic.Pointer[Function]
	lane     *lane
	accepted time.Duration // when, on the connection's clock
	ctx      taskContext
	retry    *RetryPolicy // the call's own, or nil
	attempts atomic.Int32 // made so far; not counted where there are no policies

	out *streaming.Output // of a stream or channel
	in  *streaming.Input  // of a channel

	parent *Task        // the task that started it, or nil
	sink   func(ending) // takes the end of a child; must not block
	label  any          // tells a child's progress from that of others, or nil

	// The rest is guarded by the connection's lock. What is small stands together: a task is
	// made for every call.
	phase      phase
	placed     bool            // it has a place in its lane
	inside     bool            // a goroutine is in its handler
	left       bool            // its goroutine is done, and hedges are not
	lenient    bool            // a value is still welcome after stop
	entered    bool            // it can be found by its ref, its owner and its deadline
	measured   bool            // how long it runs says something about its function
	checked    bool            // whether it keeps its thread is to be seen
	locks      bool            // it does
	parked     int32           // goroutines that wait for something other than the machine
	hedges     int32           // attempts that run beside each other
	deadlineAt int32           // its place among the deadlines, from 1; 0 is none
	handedAs   int64           // the callback that is to end it, if it was handed to the client
	ready      chan struct{}   // closed when it has a place again, or nil
	stop       *protocol.Error // why it was told to stop, or nil
	delay      *time.Timer     // ends a task that was handed to it, or nil
	grace      *time.Timer     // a cancelled handler's, or nil
	queued     links           // in its lane's queue
	sibling    links           // among its owner's tasks
	took       time.Duration   // how long it ran; 0 if that was not measured
}

// links are a task's neighbours in a list of tasks.
type links struct{ prev, next *Task }

type phase uint8

const (
	waiting phase = iota // in its lane's queue
	running              // its handler has been started
	handed               // the client has been asked to end it
	ended                // its result has been queued
)

// Context is done when the task is to stop; context.Cause says why, as a
// [*protocol.Error].
func (t *Task) Context() context.Context { return &t.ctx }

// Function returns the registered name of what runs.
func (t *Task) Function() string { return t.fn.Load().Name }

// Name returns the name the call gave the task, or "".
func (t *Task) Name() string { return t.call.Name }

// Args returns the call's arguments, a list that has passed the scan.
func (t *Task) Args() etf.Raw { return t.call.Args }

// Progress sends {progress, Ref, v}, if the client wants progress. It waits
// while too much output is waiting for the client to read. It returns the
// cause when the task is over, and an error when v cannot be encoded.
func (t *Task) Progress(v any) error {
	if err := t.ctx.cause(); err != nil {
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
	if err := t.reserve(&t.ctx, reserved); err != nil {
		return err
	}
	if t.out != nil {
		t.out.Cut() // what is sent later is not to come before this
	}
	over, inline := false, false
	t.conn.update(func(s *inflight) {
		inline = s.inline == t
		if over = t.over(); !over {
			t.conn.writer.QueueReserved(o, reserved)
		}
	})
	if over {
		t.conn.writer.Unreserve(reserved)
		return t.ctx.cause()
	}
	if !inline { // the reader must not block, and flushes before it waits
		t.conn.writer.Flush()
	}
	return nil
}

// reserve waits for room for n bytes of output. A task that has to wait does not
// keep the reader.
func (t *Task) reserve(ctx context.Context, n int) error {
	if t.conn.writer.TryReserve(n) {
		return nil
	}
	t.conn.freeReader(t)
	return t.conn.writer.Reserve(ctx, n)
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
	defer func() {
		growStack(0)
		t.conn.finish(t, value, err)
	}()
	t.lane.claimThread()
	pprof.SetGoroutineLabels(t.labels())
	if !t.measured {
		value, err = t.perform()
		return
	}
	began := t.conn.state.now()
	value, err = t.perform()
	t.took, t.locks = t.conn.state.now()-began, t.checked && keepsThread()
}

// labels tell a task's goroutines apart in profiles: by function, by the task's name
// if it has one, and, while a profile is taken, by the owner of the call. Goroutines
// that a handler starts inherit them.
func (t *Task) labels() context.Context {
	labels := t.fn.Load().labels
	if t.call.Name != "" {
		labels = pprof.WithLabels(labels, pprof.Labels("task", t.call.Name))
	}
	if t.call.Owner != nil && profiling.Load() {
		labels = callers.label(labels, t.call.Owner)
	}
	return labels
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
