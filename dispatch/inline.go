package dispatch

import "time"

// A goroutine for each task costs several times what a quick handler does: it wakes a
// thread, and each result leaves alone. So the goroutine that reads runs quick handlers itself.
//
// There is one such goroutine at a time: reading is a role. While it is in a handler the task is
// inflight.inline, and the role can be taken from it, under the lock: then the task is
// like any other, its goroutine is the task's, and a new goroutine reads on from where the old one
// was. That is done
//
//   - by the handler's goroutine, before it waits for anything (park, room for output), and
//   - by the watch, when at a tick the handler has been running for a while.
//
// So no handler holds up reading for longer than a tick and that while. Results wait for the
// end of what has been read already, and leave together.

// tick is how often the watch looks at the task that runs inline: each time it wakes a thread, which under
// load takes a processor from somebody.
const tick = 2 * time.Millisecond

// while is how long a task has run at least that is not to keep the reader any longer: many times what a run takes
// that is meant to be inline.
const while = tick / 8

// quietTicks is how many ticks without such a task send the watch to sleep.
const quietTicks = 2

// watch is the state of the one that watches the reader. It is part of the in-flight state.
type watch struct {
	timer *time.Timer
	awake bool
	runs  int64 // how many tasks had begun to run inline by the last tick
	quiet int   // ticks in a row in which none began
}

// mayInline decides whether the reader is to run t itself. It is asked when t has a
// place in its lane.
func (s *inflight) mayInline(t *Task, r *role) bool {
	const short = 10 * time.Millisecond // a deadline that is watched from the start
	fn := t.fn.Load()
	if fn.guard != nil || fn.Kind != KindFunction || fn.index == 0 || t.retry != nil || t.parent != nil ||
		t.lane.name != LaneIO || t.lane.executor != nil {
		return false
	}
	t.measured = true
	if t.call.Timeout > 0 && t.call.Timeout < short {
		return false
	}
	return s.pace(t).allows(t.accepted, r)
}

// inlineCount is how many tasks run inline: one, or none. Those are in no list of tasks.
func (s *inflight) inlineCount() int {
	if s.inline == nil {
		return 0
	}
	return 1
}

// enterInline lets the reader run t.
func (s *inflight) enterInline(t *Task) {
	s.inline = t
	s.inlined++
	if !s.watch.awake {
		s.watch.awake, s.watch.quiet = true, 0
		s.watch.timer.Reset(tick)
	}
}

// runInline runs t in the goroutine that reads, and reports whether that reads on.
func (c *Conn) runInline(t *Task) (reading bool) {
	returned := false
	defer func() {
		if !returned {
			c.freeReader(t)
			c.finish(t, nil, errGoexit)
		}
	}()
	value, err := t.invoke(&t.ctx, t.fn.Load().Run)
	returned = true
	if c.finishInline(t, value, err) {
		if profiling.Load() {
			c.label(unlabelled)
		}
		return true
	}
	c.freeReader(t)
	c.finish(t, value, err)
	return false
}

// finishInline ends a task that has run inline, unless that takes more than the
// reader may do.
func (c *Conn) finishInline(t *Task, value any, err error) (done bool) {
	if isContinuation(err) {
		return false
	}
	var e ending
	if err == nil {
		e = t.succeeded(value)
	} else {
		e = t.failed(asError(err))
	}
	var next *Task
	c.update(func(s *inflight) {
		if s.inline == t && err == nil && c.mayLend(t) {
			c.reader.Lend(e.out)
		}
		if s.inline != t || !c.writer.QueueIfRoom(e.out) {
			e.out.Discard()
			return
		}
		done, s.inline = true, nil
		now := s.now()
		s.pace(t).learnInline(c.ran(now), now)
		next = s.returned(t)
		s.end(t, e.reason, now)
	})
	if done {
		t.ctx.release()
		c.start(next)
	}
	return done
}

// mayLend reports whether nobody will look at the packet of t, which has run inline, but for its result: its
// handler does not keep it, and there is nothing else in it.
func (c *Conn) mayLend(t *Task) bool {
	return t.fn.Load().NoRetain && t.call.Meta == nil && c.users == 1 && c.parser.Done()
}

// freeReader lets another goroutine read, if t runs in the one that does. T is like any
// other task from here.
func (c *Conn) freeReader(t *Task) {
	released := false
	c.update(func(s *inflight) {
		if released = s.inline == t; released {
			now := s.now()
			s.pace(t).slow(now)
			s.outline(now)
		}
	})
	if released {
		go c.read()
	}
}

// outline makes the task that runs inline one like any other. The role of its
// goroutine is to be given to a new one.
func (s *inflight) outline(now time.Duration) {
	t := s.inline
	s.inline = nil
	s.enter(t)
}

// look is the watch: it gives the reader's role to another goroutine when a handler keeps
// the one that has it.
func (c *Conn) look() {
	stuck := false
	c.update(func(s *inflight) {
		w := &s.watch
		if t := s.inline; t != nil {
			now := s.now()
			if stuck = now-t.accepted >= while; stuck {
				s.pace(t).stuck(now)
				s.outline(now)
			}
		}
		if w.quiet++; w.runs != s.inlined || s.inline != nil {
			w.quiet = 0
		}
		w.runs = s.inlined
		if w.awake = w.quiet < quietTicks; w.awake {
			w.timer.Reset(tick)
		}
	})
	if stuck {
		go c.read()
	}
}
