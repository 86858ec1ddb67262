package dispatch

import (
	"fmt"
	"time"

	"portworker/protocol"
)

// inflight is everything a connection has under way. It is changed in
// Conn.update and nowhere else.
type inflight struct {
	asked     Config // as it was set
	config    Config // the same, with defaults filled in
	tasks     map[string]*Task
	owners    map[string]*Task // the first of an owner's tasks, see own
	lanes     [4]lane          // in the order of allLanes
	children  int              // tasks that other tasks have started
	handlers  int              // goroutines that are in a handler
	abandoned map[*Task]struct{}
	pending   map[int64]*callback // callbacks that are not answered
	callbacks int64               // callbacks made so far
	draining  bool                // no new work
	idle      bool                // draining, and nothing is left
	counts    counts
	functions []functionCounts // by Function.index
	history   history
	leaks     bool // more are abandoned than may be
	deadlines deadlines
	inline    *Task // what the reader runs itself, or nil
	inlined   int64 // how many it has
	watch     watch
	started   time.Time // from which the connection's clock counts
}

// counts are totals since the connection began.
type counts struct {
	calls   int64
	ok      int64
	errors  map[protocol.Reason]int64
	refused int64
	faults  int64
}

func newInflight(config Config) inflight {
	s := inflight{
		started:   time.Now(),
		tasks:     make(map[string]*Task),
		owners:    make(map[string]*Task),
		abandoned: make(map[*Task]struct{}),
		pending:   make(map[int64]*callback),
		counts:    counts{errors: make(map[protocol.Reason]int64)},
	}
	for i, name := range allLanes {
		s.lanes[i].name = name
	}
	s.configure(config)
	return s
}

// configure applies a configuration. Tasks that are in stay in.
func (s *inflight) configure(config Config) {
	s.asked, s.config = config, config.withDefaults()
	for i := range s.lanes {
		s.lanes[i].config = s.config.Lanes[s.lanes[i].name]
	}
}

// admit accepts t, and returns it when it is to be started now, or says why it
// is refused. What reads it, if that is who asks, may have to run it.
func (s *inflight) admit(t *Task, r *role) (start *Task, refused *protocol.Error) {
	switch {
	case t.parent == nil && s.tasks[key(t.call.Ref)] != nil:
		return nil, &protocol.Error{Reason: protocol.DuplicateRef, Message: "the ref belongs to a task that has not ended: expected a ref of its own for each call"}
	case t.parent == nil && s.draining: // a child is part of what is to finish
		return nil, &protocol.Error{Reason: protocol.Draining, Message: "the worker is shutting down and takes no new calls"}
	case s.accepted() >= s.config.MaxRunning:
		return nil, overloaded("%d calls are running or waiting: max_running allows no more", s.config.MaxRunning)
	}
	full := t.lane.running >= t.lane.config.Size
	if full && t.lane.waiting >= t.lane.config.Queue {
		return nil, overloaded("%d calls wait in lane %s: its queue holds no more", t.lane.waiting, t.lane.name)
	}
	s.counts.calls++
	s.of(t.fn.Load()).calls++
	if full {
		s.enter(t)
		t.lane.push(t)
		return nil, nil
	}
	s.place(t)
	if r != nil && s.mayInline(t, r) {
		s.enterInline(t)
	} else {
		t.checked = t.measured && !s.pace(t).outside.known()
		s.enter(t)
	}
	return t, nil
}

// enter lets t be found by its ref, its owner and its deadline.
func (s *inflight) enter(t *Task) {
	t.entered = true
	if t.parent == nil {
		s.tasks[key(t.call.Ref)] = t
	} else {
		s.children++
	}
	s.own(t)
	s.deadlines.add(t, s.now())
}

// leave lets t be found no longer.
func (s *inflight) leave(t *Task) {
	if !t.entered {
		return
	}
	if t.parent == nil {
		delete(s.tasks, key(t.call.Ref))
	} else {
		s.children--
	}
	s.disown(t)
	s.deadlines.remove(t)
}

// accepted is what max_running bounds.
func (s *inflight) accepted() int {
	return len(s.tasks) + s.children + len(s.abandoned) + s.inlineCount()
}

// now is the connection's clock.
func (s *inflight) now() time.Duration { return time.Since(s.started) }

// retryHint is what an overloaded caller is told to wait.
const retryHint = 50 * time.Millisecond

func overloaded(format string, args ...any) *protocol.Error {
	return &protocol.Error{Reason: protocol.Overloaded, Message: fmt.Sprintf(format, args...), RetryAfter: retryHint}
}

// returned takes note that t's handler has returned. Its place goes to the next
// task, which is then to be started.
func (s *inflight) returned(t *Task) (next *Task) {
	t.inside = false
	if t.took > 0 {
		p := s.pace(t)
		p.learn(t.took)
		p.locks = p.locks || t.locks
		t.took = 0
	}
	if t.hedges > 0 {
		t.left = true
		s.abandoned[t] = struct{}{}
		return s.vacate(t)
	}
	s.gone(t)
	return s.vacate(t)
}

// end makes t end with reason ("" for a value).
func (s *inflight) end(t *Task, reason protocol.Reason, now time.Duration) {
	s.remember(t, reason, now-t.accepted)
	if t.phase == waiting {
		t.lane.remove(t)
	}
	t.phase = ended
	if t.out != nil {
		t.out.Close()
	}
	if t.handedAs != 0 {
		delete(s.pending, t.handedAs)
	}
	s.leave(t)
	stopTimer(t.grace)
	stopTimer(t.delay)
	if reason == "" {
		s.counts.ok++
	} else {
		s.counts.errors[reason]++
	}
}

// abandon lets t's handler be, which stays counted until it returns. Its place
// in the lane goes to the next task all the same: a handler that will not stop must
// not stop others.
func (s *inflight) abandon(t *Task) (next *Task) {
	if !t.inside {
		return nil
	}
	s.abandoned[t] = struct{}{}
	return s.vacate(t)
}

func stopTimer(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}

// done reports whether shutting down has nothing left to wait for.
func (s *inflight) done() bool {
	return s.draining && s.handlers == 0 && len(s.tasks) == 0
}
