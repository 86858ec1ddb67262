package dispatch

import (
	"context"
	"fmt"

	"portworker/etf"
	"portworker/protocol"
)

// OnError says what the failure of one of a group's tasks does to the others.
type OnError string

// The reactions.
const (
	// CancelAll stops the others; the group's value tells how each ended.
	CancelAll OnError = "cancel_all"
	// WaitAll lets the others go on; the group's value tells how each ended.
	WaitAll OnError = "wait_all"
	// FailFast stops the others, and the first failure is the group's.
	FailFast OnError = "fail_fast"
)

// Until says when a group is over before all its tasks are.
type Until string

// The ends.
const (
	UntilAll     Until = "all"     // when every task has ended
	UntilFirst   Until = "first"   // when one has ended, in whatever way
	UntilFirstOK Until = "success" // when one has ended in a value
)

// Group is a set of tasks that begin and end together: none outlives it.
type Group struct {
	Calls []Spec
	// OnError is CancelAll when empty. It matters with UntilAll only.
	OnError OnError
	// Until is UntilAll when empty.
	Until Until
	// MaxConcurrency is how many run at once; 0 is all.
	MaxConcurrency int
}

// Outcome is how one task of a group ended.
type Outcome struct {
	Index int // of its call
	Value etf.Raw
	Err   *protocol.Error // nil for a value
}

// groupRun is a group under way. It belongs to the goroutine of its parent.
type groupRun struct {
	parent *Task
	group  *Group
	ctx    context.Context
	stop   context.CancelCauseFunc

	next     int // the call to start next
	live     map[int]*Task
	ends     chan Outcome
	outcomes []Outcome // by index
	winner   *Outcome  // of a group that is over with the first
	stopped  bool
}

// RunGroup runs a group as children of t and returns when every one of them has
// ended: all outcomes by index, and the one that decided where one did. It gives
// t's place in its lane up meanwhile. When ctx is done they are all told to stop.
func (t *Task) RunGroup(ctx context.Context, g *Group) (outcomes []Outcome, winner *Outcome) {
	r := &groupRun{parent: t, group: g, live: make(map[int]*Task, len(g.Calls)), ends: make(chan Outcome, len(g.Calls)), outcomes: make([]Outcome, len(g.Calls))}
	r.ctx, r.stop = context.WithCancelCause(ctx)
	defer r.stop(nil)
	t.park()
	defer t.unpark()
	for r.fill(); len(r.live) > 0; r.fill() {
		done := ctx.Done()
		if r.stopped {
			done = nil
		}
		select {
		case o := <-r.ends:
			delete(r.live, o.Index)
			r.ended(o)
		case <-done:
			r.stopAll(asCause(ctx))
		}
	}
	return r.outcomes, r.winner
}

// fill starts calls until as many run as may.
func (r *groupRun) fill() {
	most := r.group.MaxConcurrency
	for r.next < len(r.group.Calls) && (most <= 0 || len(r.live) < most) {
		i := r.next
		r.next++
		if r.stopped {
			r.outcomes[i] = Outcome{Index: i, Err: notStarted}
			continue
		}
		child, err := r.parent.child(r.ctx, r.group.Calls[i], func(e ending) {
			r.ends <- Outcome{Index: i, Value: e.value, Err: e.failure}
		})
		if err != nil {
			r.ended(Outcome{Index: i, Err: err})
			continue
		}
		r.live[i] = child
	}
}

var notStarted = &protocol.Error{Reason: protocol.Cancelled, Message: "not started: the group was over"}

// ended takes note of an outcome, and ends the group where it decides.
func (r *groupRun) ended(o Outcome) {
	r.outcomes[o.Index] = o
	decides := false
	switch r.group.Until {
	case UntilFirst:
		decides = true
	case UntilFirstOK:
		decides = o.Err == nil
	default:
		decides = o.Err != nil && r.group.OnError != WaitAll
	}
	if decides && !r.stopped {
		r.winner = &o
		r.stopAll(&protocol.Error{Reason: protocol.Cancelled, Message: fmt.Sprintf("call %d of the group has ended it", o.Index)})
	}
}

// stopAll tells every task that is left to stop.
func (r *groupRun) stopAll(why *protocol.Error) {
	if r.stopped {
		return
	}
	r.stopped = true
	r.stop(why)
	for _, child := range r.live {
		r.parent.conn.stop(child, why, false)
	}
}
