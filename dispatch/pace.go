package dispatch

import (
	"bytes"
	"runtime"
	"time"
)

const (
	// swift is a run that costs the reader no more than to start a goroutine for it.
	swift = 2 * time.Microsecond
	// brisk is the longest run that the reader does itself, within briskBudget between two waits
	// for input.
	brisk       = 10 * time.Microsecond
	briskBudget = 100 * time.Microsecond
	// lessons is how many runs of a function are seen before the reader does one.
	lessons = 8
	// largeArgs is how many bytes of arguments make a run that tells nothing of those with
	// fewer. To read and to answer such a call keeps the reader longer than a brisk run, so
	// that its own run may take largeBrisk, and is late after largeLate.
	largeArgs  = 16 << 10
	largeBrisk = 100 * time.Microsecond
	largeLate  = 500 * time.Microsecond
	// A function that has held the reader up gets goroutines for leastRest, and each
	// time for twice as long, up to mostRest.
	leastRest = 10 * time.Millisecond
	mostRest  = 10 * time.Second
	// forgiven is how many runs halve that again.
	forgiven = 256
	// lateRun is a run that was too long for the reader, and mostLate how many of forgiven may be.
	lateRun = 100 * time.Microsecond
	// probes is of how many runs the reader does one all the same: in goroutines that crowd
	// each other a quick function looks slow.
	probes   = 64
	mostLate = forgiven / 32
)

// pace is what is known of how long a function's runs take. By it the reader
// decides whether to do one itself.
type pace struct {
	estimate time.Duration // what most recent runs stay below
	seen     int           // runs since it was last slow, counted up to lessons
	until    time.Duration // when the reader may do one again, on the connection's clock
	rest     time.Duration // how long it may not after the next time
	good     int           // runs by the reader, counted up to forgiven
	lates    int           // of these, those that took too long
	asked    uint          // how often the reader might have done one
	locks    bool          // it keeps its thread
	large    bool          // its runs have large arguments
}

// pace returns what is known of runs like t's.
func (s *inflight) pace(t *Task) *pace {
	n := s.of(t.fn.Load())
	if len(t.call.Args) > largeArgs {
		return &n.largePace
	}
	return &n.pace
}

// learn takes note of a run. The estimate follows what three of four runs stay below: a
// mean would be that of the few that the system, and not the handler, held up.
func (p *pace) learn(took time.Duration) {
	if p.seen == 0 {
		p.estimate = took
	}
	p.seen = min(p.seen+1, lessons)
	step := p.estimate/32 + 1
	if took > p.estimate {
		p.estimate += 3 * step
	} else {
		p.estimate -= step
	}
}

// learnInline takes note of a run by the reader.
func (p *pace) learnInline(took, now time.Duration) {
	p.learn(took)
	if took > p.latest() {
		p.late(now, 1)
	}
	if p.good++; p.good == forgiven {
		p.good, p.lates, p.rest = 0, 0, p.rest/2
	}
}

// stuck takes note of a run that the watch has found. It may be the system that
// holds it up, so that one of them proves nothing.
func (p *pace) stuck(now time.Duration) { p.late(now, mostLate/2) }

func (p *pace) late(now time.Duration, weight int) {
	if p.lates += weight; p.lates > mostLate {
		p.slow(now)
	}
}

// slow takes note of a run that has held the reader up.
func (p *pace) slow(now time.Duration) {
	p.rest = min(max(2*p.rest, leastRest), mostRest)
	p.until = now + p.rest
	p.seen, p.good, p.lates = 0, 0, 0
}

// allows reports whether the reader may do a run, having spent so much on others.
func (p *pace) allows(now, spent time.Duration) bool {
	if p.locks || p.seen < lessons || now < p.until {
		return false
	}
	p.asked++
	switch {
	case p.estimate <= swift:
		return true
	case p.estimate <= p.brisk():
		return spent <= briskBudget
	}
	return p.estimate <= lateRun && p.asked%probes == 0
}

// brisk is the longest run that the reader does itself, within its budget.
func (p *pace) brisk() time.Duration {
	if p.large {
		return largeBrisk
	}
	return brisk
}

// latest is the longest run that is not too long for the reader.
func (p *pace) latest() time.Duration {
	if p.large {
		return largeLate
	}
	return lateRun
}

// keepsThread reports whether this goroutine is locked to its thread: a handler that
// does so relies on the goroutine's end.
func keepsThread() bool {
	var header [64]byte // goroutine 1 [running, locked to thread]:
	n := runtime.Stack(header[:], false)
	line, _, _ := bytes.Cut(header[:n], []byte("\n"))
	return bytes.Contains(line, []byte("locked to thread"))
}
