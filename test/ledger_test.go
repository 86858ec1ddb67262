package test

import (
	"fmt"
	"sync"

	"portworker/etf"
)

// A ledger holds every scenario to rule 1: one result for each call, and nothing
// with its ref after that. Refs are compared as bytes, so it also notices a
// ref that comes back in another encoding.
type ledger struct {
	mu         sync.Mutex
	open       map[string]int // calls in flight by encoded ref; 2 when one is a duplicate
	violations []string
	off        bool // nothing is counted
}

func newLedger() *ledger { return &ledger{open: map[string]int{}} }

// sent notes a message that is about to be written.
func (l *ledger) sent(c codec, message any) {
	t, ok := message.(etf.Tuple)
	if !ok || len(t) < 4 || t[0] != atom("call") {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.off {
		l.open[string(c.term(t[1]))]++
	}
}

// received checks a message of the worker against what was called.
func (l *ledger) received(m Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.off {
		return
	}
	switch m.Tag {
	case "result":
		if l.open[m.Ref()] == 0 {
			l.violations = append(l.violations, fmt.Sprintf("no call waits for %v", m))
			return
		}
		l.close(m.Ref())
	case "progress", "data":
		if l.open[m.Ref()] == 0 {
			l.violations = append(l.violations, fmt.Sprintf("%v has no live call", m))
		}
	case "fault":
		if l.open[m.Ref()] > 1 { // it refuses the second call, the first lives on
			l.close(m.Ref())
		}
	}
}

func (l *ledger) close(ref string) {
	if l.open[ref]--; l.open[ref] == 0 {
		delete(l.open, ref)
	}
}

// forget takes back a call that a fault has answered.
func (l *ledger) forget(ref string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, ref)
}

// unanswered is how many calls have had no result.
func (l *ledger) unanswered() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

func (l *ledger) broken() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.violations...)
}
