package test

import (
	"fmt"
	"sync"

	"portworker/etf"
)

// A flow watches the window: how many bytes of packets have come and are not
// acknowledged. What came is never more than what is on its way and what was
// acknowledged never less than what the worker knows of, so whatever exceeds the window
// here exceeds it there.
type flow struct {
	mu         sync.Mutex
	size       int      // the window in bytes, 0 for none
	packets    []packed // not acknowledged
	violations []string
}

// packed is one packet's payload in bytes, and how many of them no window holds back.
type packed struct{ size, exempt int }

// sent notes a hello that asks for a window.
func (f *flow) sent(message any) {
	t, ok := message.(etf.Tuple)
	if !ok || len(t) != 2 || t[0] != atom("hello") {
		return
	}
	opts, _ := t[1].(etf.Map)
	n, _ := opts.Get(atom("window"))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.size, f.packets = int(whole(n)), nil
}

func (f *flow) arrived(size int, messages []Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.size == 0 {
		return
	}
	came := packed{size: size, exempt: unbound(size, messages)}
	before := f.bound()
	f.packets = append(f.packets, came)
	alone := len(messages) == 1 && before == 0
	if after := f.bound(); after > f.size && after > before && !alone {
		f.violations = append(f.violations, fmt.Sprintf(
			"%d bytes in flight with a window of %d: %d before, and then %.3v", after, f.size, before, messages))
	}
}

// unbound is how much of a packet no window holds back: the messages that are exempt, and
// what it costs to pack others together with them.
func unbound(size int, messages []Message) int {
	bound, others := 0, false
	for _, m := range messages {
		if exempt(m) {
			others = true
		} else {
			bound += m.Size
		}
	}
	switch {
	case bound == 0:
		return size
	case others:
		const alone = 1 // a message in a packet of its own costs one byte more than itself
		return size - min(size, bound+alone)
	}
	return 0
}

// bound is how many bytes in flight the window is to bound.
func (f *flow) bound() int {
	n := 0
	for _, p := range f.packets {
		n += p.size - p.exempt
	}
	return n
}

// exempt tells what never waits for the window: what answers the client itself, and
// the news that a task was stopped or refused.
func exempt(m Message) bool {
	switch m.Tag {
	case "pong", "hello", "fault", "log", "credit":
		return true
	case "result":
		outcome, _ := m.At(1).([]any)
		if len(outcome) != 2 || outcome[0] != "error" {
			return false
		}
		f, err := failure(outcome[1])
		return err == nil && f.Reason != "failed" && f.Reason != "panic"
	}
	return false
}

// acknowledge forgets the oldest n packets, or all there are, and returns their bytes.
func (f *flow) acknowledge(n int) (bytes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n = min(n, len(f.packets))
	for _, p := range f.packets[:n] {
		bytes += p.size
	}
	f.packets = f.packets[n:]
	return bytes
}

// bounded reports whether there is a window.
func (f *flow) bounded() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size > 0
}

// inFlight is what is not acknowledged, in bytes.
func (f *flow) inFlight() (bytes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.packets {
		bytes += p.size
	}
	return bytes
}

func (f *flow) broken() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.violations...)
}
