package dispatch

// A task that waits for something other than the machine, an answer from the
// client say, gives its place in the lane up for that time. So calls that lead
// to further calls cannot fill a lane with tasks that all wait for each other.

// park gives t's place up. Several goroutines of a task may do so at once.
func (t *Task) park() {
	var next *Task
	t.conn.update(func(s *inflight) {
		t.parked++
		next = s.vacate(t)
	})
	t.conn.freeReader(t)
	t.conn.start(next)
}

// unpark waits for a place in the lane again, for the last goroutine that comes
// back. A task that is told to stop goes on without one, for it is to end.
func (t *Task) unpark() {
	var ready chan struct{}
	t.conn.update(func(s *inflight) {
		if t.parked--; t.parked > 0 || t.phase != running || t.placed {
			return
		}
		if t.ready == nil {
			if t.lane.running < t.lane.config.Size {
				s.place(t)
				return
			}
			t.ready = make(chan struct{})
			t.lane.push(t)
		}
		ready = t.ready
	})
	t.awaitPlace(ready)
}

func (t *Task) awaitPlace(ready <-chan struct{}) {
	if ready == nil {
		return
	}
	t.conn.freeReader(t)
	select {
	case <-ready:
	case <-t.ctx.Done():
		t.conn.update(func(*inflight) {
			if !t.placed && t.ready != nil { // still in the queue
				t.lane.remove(t)
				t.ready = nil
			}
		})
	}
}

// Yield lets a waiting task of higher priority have t's place, if there is one,
// and waits for its turn to come again. It returns the cause when the task is to
// stop.
func (t *Task) Yield() error {
	var next *Task
	var ready chan struct{}
	t.conn.update(func(s *inflight) {
		if !t.placed || t.parked > 0 || t.lane.highest() <= level(t.call.Priority) {
			return
		}
		if next = s.vacate(t); next == nil {
			s.place(t)
			return
		}
		ready = make(chan struct{})
		t.ready = ready
		t.lane.push(t)
	})
	t.conn.start(next)
	t.awaitPlace(ready)
	return t.ctx.cause()
}

// highest returns the level of the highest priority that waits, or -1.
func (l *lane) highest() int {
	for i := levelCount - 1; i >= 0; i-- {
		if l.queues[i].head != nil {
			return i
		}
	}
	return -1
}

// place gives t a place in its lane. One that has waited to begin is to be run.
func (s *inflight) place(t *Task) {
	t.placed = true
	t.lane.running++
	if t.phase == waiting {
		t.phase, t.inside = running, true
		s.handlers++
	}
}

// vacate gives t's place to the task whose turn it is, which is then to be
// started.
func (s *inflight) vacate(t *Task) (next *Task) {
	if !t.placed {
		return nil
	}
	t.placed = false
	t.lane.running--
	if t.lane.running < t.lane.config.Size {
		if t.lane.waiting == 0 {
			return nil
		}
		if next = t.lane.pop(s.now()); next != nil {
			s.place(next)
		}
	}
	return next
}

// start lets a task that was given a place go on: with a goroutine, or with the
// one it has. Nil is none.
func (c *Conn) start(t *Task) {
	if t == nil {
		return
	}
	c.mu.Lock()
	ready := t.ready
	t.ready = nil
	c.mu.Unlock()
	if ready != nil {
		close(ready)
		return
	}
	c.launch(t)
}

// launch gives a task that has not begun a goroutine.
func (c *Conn) launch(t *Task) {
	if t.lane.executor == nil {
		go t.run()
		return
	}
	t.lane.executor(t.run)
}
