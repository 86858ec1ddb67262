package portworkertest

import (
	"slices"
	"time"

	"portworker/etf"
)

// finish ends the worker when the test ends, and looks at what is left.
func (s *session) finish() {
	s.t.Helper()
	s.update(func() { s.said.closed = true })
	s.cancelAll()
	if left := s.abandoned(); len(left) > 0 {
		for _, h := range left {
			s.t.Errorf("portworkertest: a handler of %q is left running: expected it to return when its context is done; it is at\n%s", h.Function, h.Stack)
		}
		s.hello(etf.Map{{Key: etf.Atom("drain_timeout"), Value: 1}}) // nobody waits for it
	}
	s.end()
	s.awaitCallbacks()
	if s.t.Failed() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.t.Log(s.said.String())
	}
}

// cancelAll cancels the tasks that have not ended, and waits for their ends.
func (s *session) cancelAll() {
	s.t.Helper()
	var live []*task
	s.mu.Lock()
	for _, t := range s.tasks {
		if !t.ended {
			live = append(live, t)
		}
	}
	s.mu.Unlock()
	for _, t := range live {
		if s.send(etf.Tuple{etf.Atom("cancel"), t.ref}) != nil {
			return // the worker has ended
		}
	}
	for _, t := range live {
		if s.wait(patience(), func() bool { return t.ended }) != nil {
			return // the end of the worker, or that it does not come, is told of later
		}
	}
}

// handlerStack is a handler that runs, as $stacks answers it.
type handlerStack struct {
	Function  string
	Abandoned bool
	Stack     string
}

// abandoned returns the handlers that run on after their tasks have ended, and do not return within a second either.
func (s *session) abandoned() []handlerStack {
	s.t.Helper()
	const grace, pause = time.Second, 10 * time.Millisecond
	for range grace / pause {
		var stats struct{ Abandoned int }
		if !s.ask(&stats, "$stats") || stats.Abandoned == 0 {
			return nil
		}
		time.Sleep(pause)
	}
	var all []handlerStack
	s.ask(&all, "$stacks")
	return slices.DeleteFunc(all, func(h handlerStack) bool { return !h.Abandoned })
}

// ask calls one of the worker's own functions, and reports whether it has answered.
func (s *session) ask(out any, name string) bool {
	s.t.Helper()
	s.mu.Lock()
	lost := s.lost
	s.mu.Unlock()
	if lost != nil {
		return false
	}
	t := (&Client{session: s}).start(kindFunction, name, nil)
	if s.wait(patience(), func() bool { return t.ended }) != nil || t.failure != nil {
		return false
	}
	return etf.Decode(t.value, out) == nil
}

// end ends the worker's input and waits for it to return.
func (s *session) end() {
	s.t.Helper()
	s.wire.closeInput()
	guard := time.NewTimer(patience())
	defer guard.Stop()
	select {
	case err := <-s.wire.ended:
		if err != nil {
			s.t.Errorf("portworkertest: the worker ended: %v", err)
		}
		_ = s.wait(patience(), func() bool { return false }) // until everything it said is read
	case <-guard.C:
		s.t.Errorf("portworkertest: the worker has not ended within %v of the end of its input", patience())
	}
	s.wire.release()
}

// awaitCallbacks waits for the test's own functions.
func (s *session) awaitCallbacks() {
	s.t.Helper()
	if s.watch(patience(), func() bool { return len(s.answering) == 0 }) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range s.answering {
		s.t.Errorf("portworkertest: the function that answers callback %q is left running: expected it to return when its context is done", name)
	}
}
