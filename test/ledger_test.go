package test

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"sync"

	"portworker/etf"
)

// A ledger holds every scenario to what must be true of each task at all times: one
// result for each call and nothing with its ref after that, no element that
// was not credited, no more input granted than was taken, no callback of a task that
// is over. Refs are compared as bytes, so it also notices a ref that comes back
// in another encoding.
type ledger struct {
	mu         sync.Mutex
	open       map[string][]*account // calls in flight by encoded ref; two when one is a duplicate
	callbacks  map[string]bool       // ids that have been used
	violations []string
	off        bool // nothing is counted
}

// An account is what one call may still say.
type account struct {
	credit int64 // elements
	inputs int64 // inputs sent, less those that were granted anew
}

// channelCredit is how many outputs a channel may send before it is granted any.
const channelCredit = 64

func newLedger() *ledger {
	return &ledger{open: map[string][]*account{}, callbacks: map[string]bool{}}
}

// sent notes a message that is about to be written. What it allows is noted before
// the worker can know, so nothing that is within bounds is ever taken for a breach.
func (l *ledger) sent(c codec, message any) {
	t, ok := message.(etf.Tuple)
	if !ok || len(t) < 3 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.off {
		return
	}
	ref := string(c.term(t[1]))
	switch {
	case t[0] == atom("call") && len(t) > 3:
		l.open[ref] = append(l.open[ref], &account{credit: firstCredit(t)})
	case t[0] == atom("credit"):
		for _, a := range l.open[ref] {
			a.credit = sum(a.credit, whole(t[2]))
		}
	case t[0] == atom("send"):
		for _, a := range l.open[ref] {
			a.inputs++
		}
	}
}

// firstCredit is what a call allows by itself.
func firstCredit(call etf.Tuple) int64 {
	if len(call) > 4 {
		opts, _ := call[4].(etf.Map)
		for _, key := range []any{atom("credit"), "credit"} {
			if n, ok := opts.Get(key); ok {
				return whole(n)
			}
		}
	}
	switch name := text(call[2]); {
	case name == "stateful_worker", name == "compress", name == "decompress", strings.HasPrefix(name, "channel."):
		return channelCredit
	}
	return 0
}

// whole is a count as a script writes it; what is no count allows nothing.
func whole(v any) int64 {
	switch v := v.(type) {
	case int:
		return int64(max(v, 0))
	case int64:
		return max(v, 0)
	case *big.Int:
		if v.Sign() > 0 {
			return math.MaxInt64
		}
	}
	return 0
}

// sum adds two counts, and stays at the most there can be.
func sum(a, b int64) int64 { return min(a, math.MaxInt64-b) + b }

// received checks a message of the worker against what was sent.
func (l *ledger) received(m Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.off {
		return
	}
	switch ref := m.Ref(); m.Tag {
	case "result":
		if len(l.open[ref]) == 0 {
			l.violated("no call waits for %v", m)
			return
		}
		l.close(ref, 0)
	case "fault":
		if last := len(l.open[ref]) - 1; last > 0 { // it refuses the second call, the first lives on
			l.close(ref, last)
		}
	case "progress", "data", "credit":
		l.allowed(m, ref)
	case "callback":
		l.asked(m)
	}
}

// allowed checks what a task says before its result.
func (l *ledger) allowed(m Message, ref string) {
	if len(l.open[ref]) == 0 {
		l.violated("%v has no live call", m)
		return
	}
	for _, a := range l.open[ref] {
		switch m.Tag {
		case "data":
			if m.Count == 0 {
				l.violated("%v brings nothing", m)
			}
			if a.credit -= int64(m.Count); a.credit < 0 {
				l.violated("%v is %d more than credited", m, -a.credit)
			}
		case "credit":
			if a.inputs -= whole(m.At(1)); whole(m.At(1)) == 0 || a.inputs < 0 {
				l.violated("%v grants more than was taken", m)
			}
		}
	}
}

// asked checks that a callback has an id of its own and belongs to a live call.
func (l *ledger) asked(m Message) {
	if len(m.Elements) != 5 {
		l.violated("%v: want {callback, Id, Ref, Name, Args, Opts}", m)
		return
	}
	if _, isInteger := m.At(0).(int64); !isInteger || l.callbacks[m.Ref()] {
		l.violated("%v: want an integer of its own", m)
	}
	l.callbacks[m.Ref()] = true
	if len(l.open[string(m.Elements[1].Bytes)]) == 0 {
		l.violated("%v has no live call", m)
	}
}

func (l *ledger) violated(format string, args ...any) {
	const most = 20 // one mistake is often made many times
	if len(l.violations) < most {
		l.violations = append(l.violations, fmt.Sprintf(format, args...))
	}
}

func (l *ledger) close(ref string, i int) {
	calls := l.open[ref]
	if len(calls) == 1 {
		delete(l.open, ref)
		return
	}
	l.open[ref] = append(calls[:i:i], calls[i+1:]...)
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
