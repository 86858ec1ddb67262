package dispatch

import (
	"errors"
	"fmt"
	"time"

	"portworker/etf"
	"portworker/protocol"
)

// cancel tells the task with that ref to stop. A ref that is not live is left
// alone: its result is on the way, or there never was one.
func (c *Conn) cancel(ref etf.Raw) {
	if t := c.lookup(ref); t != nil {
		c.stop(t, &protocol.Error{Reason: protocol.Cancelled, Message: "cancelled by the client"}, false)
	}
}

// ownerDown tells every task of an owner to stop.
func (c *Conn) ownerDown(owner etf.Raw) {
	c.mu.Lock()
	tasks := c.state.ownedBy(owner)
	c.mu.Unlock()
	for _, t := range tasks {
		c.stop(t, &protocol.Error{Reason: protocol.Cancelled, Message: "the owner is gone"}, false)
	}
}

// stop cancels a task: one that waits ends at once, one that runs ends when its
// handler returns, or after the grace. A lenient stop lets a handler that
// returns a value all the same have its result. It does not block.
func (c *Conn) stop(t *Task, why *protocol.Error, lenient bool) {
	var cancelled bool
	c.update(func(s *inflight) {
		switch {
		case t.stop != nil || t.phase == ended:
			return
		case t.phase == waiting || t.phase == handed:
			c.conclude(s, t, t.failed(withReceipt(why, false, "")), 0)
		default:
			t.grace = time.AfterFunc(s.config.CancelGrace, func() { c.giveUp(t, why) })
		}
		t.stop, t.lenient, cancelled = why, lenient, true
	})
	if cancelled {
		t.ctx.cancel(why)
		c.writer.FlushSoon()
	}
}

// giveUp ends a cancelled task whose handler has outlived the grace.
func (c *Conn) giveUp(t *Task, why *protocol.Error) {
	c.mu.Lock()
	over := t.phase == ended
	c.mu.Unlock()
	if over {
		return
	}
	c.endEarly(t, withReceipt(why, true, stackOf(t)))
}

// expire ends a task at its deadline, whatever its handler does.
func (c *Conn) expire(t *Task) {
	why := &protocol.Error{Reason: protocol.Timeout, Message: fmt.Sprintf("not done after %v", t.call.Timeout)}
	c.endEarly(t, why)
	t.ctx.cancel(why)
}

// expireDue ends the tasks whose deadline has passed.
func (c *Conn) expireDue() {
	var due []*Task
	c.update(func(s *inflight) { due = s.deadlines.due(s.now()) })
	for _, t := range due {
		c.expire(t)
	}
}

// endEarly ends a task before its handler has returned, unless it has ended.
func (c *Conn) endEarly(t *Task, why *protocol.Error) {
	e := t.failed(why)
	var next *Task
	var leaks map[string]int
	c.update(func(s *inflight) {
		if t.phase != ended {
			if t.stop == nil {
				t.stop = why
			}
			next = s.abandon(t)
			c.conclude(s, t, e, 0)
			leaks = s.leaking()
		}
	})
	c.start(next)
	c.reportLeak(leaks)
	c.writer.FlushSoon()
}

// finish ends a task whose handler has returned, or hands it on, and starts the
// next in its lane.
func (c *Conn) finish(t *Task, value any, err error) {
	if handover, ok := errors.AsType[*Continuation](err); ok {
		if err = c.handOver(t, handover); err == nil {
			return
		}
	}
	e := t.outcome(value, err)
	// A slow client slows its tasks down. One that is stopped meanwhile waits no
	// longer, and the news of that takes the place of its value: stopping is never held up by
	// a client that does not read, and what nobody waits for is not sent past the window.
	reserved := e.cost()
	if c.writer.Reserve(&t.ctx, reserved) != nil {
		reserved = 0
		if stop := t.stopError(); stop != nil && !t.lenientStop() {
			e = t.failed(stop)
		}
	}
	var next *Task
	var leaks map[string]int
	over := false
	c.update(func(s *inflight) {
		next = s.returned(t)
		leaks = s.leaking() // of what it has left behind
		if over = t.phase == ended; !over {
			c.conclude(s, t, e, reserved)
		}
	})
	if over {
		c.writer.Unreserve(reserved)
	}
	t.ctx.release()
	c.start(next)
	c.reportLeak(leaks)
	c.writer.Flush()
}
