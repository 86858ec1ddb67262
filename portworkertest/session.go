package portworkertest

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"portworker/etf"
)

// Kinds of functions, as the worker's hello has them.
const (
	kindFunction = "function"
	kindStream   = "stream"
	kindChannel  = "channel"
)

// session is the state of a connection. A goroutine of its own receives, and the test waits for changes.
type session struct {
	t    testing.TB
	wire *wire

	sending sync.Mutex // held for a write, which waits for the worker to read

	mu        sync.Mutex
	changed   chan struct{}     // closed, and replaced, with each change
	lost      error             // why nothing more comes, or nil
	kinds     map[string]string // of functions, by name; nil before the hello, and not changed later
	refs      int64
	tasks     map[int64]*task
	callbacks map[string]callback
	answering map[int64]string // names of callbacks that run, by their refs
	notices   []notice
	pongs     int
	said      conversation
}

func newSession(t testing.TB) *session {
	return &session{
		t:         t,
		changed:   make(chan struct{}),
		tasks:     make(map[int64]*task),
		callbacks: make(map[string]callback),
		answering: make(map[int64]string),
		said:      conversation{began: time.Now()},
	}
}

// update changes the state and lets everyone who waits look at it.
func (s *session) update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.changed)
	s.changed = make(chan struct{})
}

// wait returns nil once ready, which is called with the lock held, is true, and an error when that did not come in
// time, or the worker has ended first.
func (s *session) wait(most time.Duration, ready func() bool) error {
	var ok bool
	var lost error
	if !s.watch(most, func() bool { ok, lost = ready(), s.lost; return ok || lost != nil }) {
		return fmt.Errorf("it did not come within %v", most)
	}
	if ok {
		return nil
	}
	return lost
}

// watch calls stop, with the lock held, after each change until it is true, and reports whether that
// was in time.
func (s *session) watch(most time.Duration, stop func() bool) bool {
	guard := time.NewTimer(most)
	defer guard.Stop()
	for {
		s.mu.Lock()
		stopped, changed := stop(), s.changed
		s.mu.Unlock()
		if stopped {
			return true
		}
		select {
		case <-changed:
		case <-guard.C:
			return false
		}
	}
}

// await is wait that fails the test; what says what for.
func (s *session) await(what string, most time.Duration, ready func() bool) {
	s.t.Helper()
	if err := s.wait(most, ready); err != nil {
		s.t.Fatalf("portworkertest: waited for %s: %v", what, err)
	}
}

// send writes one message.
func (s *session) send(tuple etf.Tuple) error {
	term, err := etf.Append([]byte{etf.Version}, tuple)
	if err != nil {
		return err
	}
	s.sending.Lock()
	defer s.sending.Unlock()
	s.mu.Lock()
	s.said.add(fromTest, term[1:])
	s.mu.Unlock()
	if err := s.wire.write(term); err != nil {
		return fmt.Errorf("the worker has ended: %w", err)
	}
	return nil
}

// mustSend is send that fails the test.
func (s *session) mustSend(tuple etf.Tuple) {
	s.t.Helper()
	if err := s.send(tuple); err != nil {
		s.t.Fatalf("portworkertest: send %v: %v", tuple[0], err)
	}
}

// hello tells the worker which callbacks there are, and settings.
func (s *session) hello(config etf.Map) {
	s.t.Helper()
	s.mu.Lock()
	names := slices.AppendSeq([]string{}, maps.Keys(s.callbacks))
	s.mu.Unlock()
	slices.Sort(names)
	about := etf.Map{{Key: etf.Atom("protocol"), Value: 1}, {Key: etf.Atom("callbacks"), Value: names}}
	if config != nil {
		about = append(about, etf.Pair{Key: etf.Atom("config"), Value: config})
	}
	s.mustSend(etf.Tuple{etf.Atom("hello"), about})
}

// barrier returns when everything has come that the worker had said before.
func (s *session) barrier() {
	s.t.Helper()
	s.mu.Lock()
	want := s.pongs + 1
	s.mu.Unlock()
	s.mustSend(etf.Tuple{etf.Atom("ping"), want})
	s.await("a pong", patience(), func() bool { return s.pongs >= want })
}

// receive takes in what the worker says, until its end.
func (s *session) receive() {
	for {
		packet, err := s.wire.read()
		var messages []message
		if err == nil {
			messages, err = split(packet)
		}
		if err != nil {
			s.update(func() { s.lost = endOf(err) })
			_, _ = io.Copy(io.Discard, s.wire.recv)
			return
		}
		for _, m := range messages {
			s.update(func() { s.take(m) })
		}
	}
}

func endOf(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the worker has ended")
	}
	return err
}

// take acts on one message; the lock is held.
func (s *session) take(m message) {
	s.said.addMessage(fromWorker, m)
	if len(m) < 2 {
		return
	}
	tag, _, _ := etf.ReadAtom(m[0])
	switch {
	case tag == "hello":
		s.introduced(m[1])
	case tag == "pong":
		s.pongs++
	case tag == "notify" && len(m) == 3:
		s.notices = append(s.notices, notice{to: m[1], value: m[2]})
	case tag == "callback" && len(m) == 6:
		s.asked(m)
	case len(m) == 3:
		if ref, _, ok := etf.ReadInt(m[1]); ok && s.tasks[ref] != nil {
			s.tasks[ref].take(tag, m[2])
		}
	}
}

// introduced reads the kinds of the worker's functions from its first hello.
func (s *session) introduced(about etf.Raw) {
	if s.kinds != nil {
		return
	}
	var hello struct {
		Functions []struct {
			Name string   `etf:"name"`
			Kind etf.Atom `etf:"kind"`
		} `etf:"functions"`
	}
	if err := etf.Decode(about, &hello); err != nil {
		s.lost = fmt.Errorf("the worker's hello: %w", err)
		return
	}
	s.kinds = make(map[string]string)
	for _, f := range hello.Functions {
		s.kinds[f.Name] = string(f.Kind)
	}
}

// decode reads a value that the test expects to be a T.
func decode[T any](s *session, value etf.Raw, what string) T {
	s.t.Helper()
	var out T
	if err := etf.Decode(value, &out); err != nil {
		s.t.Fatalf("portworkertest: %s is %v: expected %v: %v", what, value, reflect.TypeFor[T](), err)
	}
	return out
}
