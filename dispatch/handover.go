package dispatch

import (
	"errors"
	"fmt"
	"time"

	"portworker/etf"
	"portworker/protocol"
)

// Continuation is what a handler returns, as its error, to let another function
// end its task. The handler's own value is not used.
type Continuation struct {
	Name string
	Args []any
	// Callback says that Name is a function of the client's.
	Callback bool
	// Value ends the task after the time in After, without another function, where
	// Name is empty.
	Value any
	After time.Duration
}

// Error makes a continuation something a handler can return. It is seen only
// by those who mistake it for a failure.
func (c *Continuation) Error() string { return fmt.Sprintf("continue with %q", c.Name) }

// handOver gives t, whose handler has returned, to the function that is to end
// it. The place in the lane is free at once; the deadline, the ref and
// everything else stay. An error is how the task ends instead.
func (c *Conn) handOver(t *Task, to *Continuation) error {
	if err := t.ctx.cause(); err != nil {
		return err
	}
	switch {
	case to.Callback:
		return c.handToClient(t, to)
	case to.Name == "":
		return c.handToTimer(t, to)
	}
	fn := c.options.Registry.find(to.Name)
	if fn == nil {
		return &protocol.Error{Reason: protocol.UnknownFunction, Message: "continue: " + unknownFunction(to.Name)}
	}
	if from := t.fn.Load(); fn.Kind != from.Kind {
		return fmt.Errorf("continue: %s is a %s, and cannot end a %s", fn.Name, fn.Kind, from.Kind)
	}
	args := to.Args
	if args == nil {
		args = []any{}
	}
	list, err := etf.Append(nil, args)
	if err != nil {
		return fmt.Errorf("continue: encode arguments: %w", err)
	}
	var next *Task
	var start, stopped bool
	c.update(func(s *inflight) {
		if stopped = t.stop != nil && t.phase != ended; stopped {
			return
		}
		next = s.returned(t)
		if t.phase == ended {
			return
		}
		t.call.Args = list
		s.passed(t, fn)
		t.fn.Store(fn)
		i, _ := laneIndex(fn.Lane)
		t.lane, t.phase = &c.state.lanes[i], waiting
		if start = t.lane.running < t.lane.config.Size; start {
			s.place(t)
		} else {
			t.lane.push(t) // it was accepted once; its queue does not refuse it now
		}
	})
	if stopped {
		return errStopped
	}
	c.start(next)
	if start {
		c.start(t)
	}
	return nil
}

// errStopped is why a task is not handed over that was told to stop meanwhile. How it
// ends is said by what stopped it.
var errStopped = errors.New("told to stop")

// handToClient lets the answer to a callback be the task's result. No goroutine
// waits for it.
func (c *Conn) handToClient(t *Task, to *Continuation) error {
	stopped := false
	c.update(func(*inflight) {
		if stopped = t.stop != nil && t.phase != ended; !stopped && t.phase == running {
			t.phase = handed
		}
	})
	if stopped {
		return errStopped
	}
	id, err := t.ask(&t.ctx, to.Name, to.Args, func(r *protocol.Reply) { c.endWith(t, to.Name, r) })
	if err != nil {
		c.update(func(*inflight) {
			if t.phase == handed {
				t.phase = running
			}
		})
		return err
	}
	var next *Task
	c.update(func(s *inflight) {
		next = s.returned(t)
		if t.handedAs = id; t.phase == ended {
			delete(s.pending, id)
		}
	})
	c.start(next)
	return nil
}

// handToTimer ends a task after a time. Nothing waits for it but the timer.
func (c *Conn) handToTimer(t *Task, to *Continuation) error {
	e := t.succeeded(to.Value)
	var next *Task
	stopped := false
	c.update(func(s *inflight) {
		if stopped = t.stop != nil && t.phase != ended; stopped {
			return
		}
		if t.phase == running {
			t.phase = handed
			t.delay = time.AfterFunc(to.After, func() { c.endHanded(t, e) })
		}
		next = s.returned(t)
	})
	if stopped {
		return errStopped
	}
	c.start(next)
	return nil
}

// endHanded ends a task that was handed over. It does not wait.
func (c *Conn) endHanded(t *Task, e ending) {
	c.update(func(s *inflight) {
		if t.phase != ended {
			c.conclude(s, t, e, 0)
		}
	})
	t.ctx.release()
	c.writer.FlushSoon()
}

// endWith ends a task with a reply of the client's. It is called by the reading
// goroutine and does not wait.
func (c *Conn) endWith(t *Task, name string, r *protocol.Reply) {
	e := t.succeeded(r.Value)
	if !r.OK {
		e = t.failed(asError(callbackError(name, r.Value)))
	}
	c.endHanded(t, e)
}
