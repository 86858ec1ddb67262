package dispatch

import (
	"bytes"
	"runtime"
	"time"
)

const (
	// A run is swift that costs the reader no more than swiftUnits of what it costs it to give a run
	// away, see role.unit: that much again is spent by those who take it, and to wake them. One is brisk
	// up to briskUnits: the reader does such runs within briskBudget between two waits for input.
	swiftUnits  = 4
	briskUnits  = 20
	briskBudget = 100 * time.Microsecond
	// The unit is kept within what machines differ by: what crowds the reader is not the machine.
	leastUnit = 500 * time.Nanosecond
	mostUnit  = 4 * time.Microsecond
	// lessons is how many runs of a function are seen before the reader does one, and how many of the
	// reader's before these alone say how long they take.
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
	// probes is of how many runs the reader does one all the same that it would rather not: functions
	// become quick, and look slow where runs crowd each other.
	probes   = 64
	mostLate = forgiven / 32
)

// pace is what is known of how long a function's runs take. By it the reader
// decides whether to do one itself.
//
// Runs in goroutines and runs by the reader are judged apart. Those in goroutines crowd each other, which
// makes them look slower than they are and never quicker: they say whether the reader may try, by
// the quickest of them. Its own runs say whether it goes on.
type pace struct {
	outside estimate      // of runs in goroutines: what one of four stays below
	inside  estimate      // of runs by the reader: what three of four stay below
	until   time.Duration // when the reader may do one again, on the connection's clock
	rest    time.Duration // how long it may not after the next time
	good    int           // runs by the reader, counted up to forgiven
	lates   int           // of these, those that took too long
	asked   uint          // how often the reader might have done one
	locks   bool          // it keeps its thread
	large   bool          // its runs have large arguments
}

// estimate follows a quantile of what it is told: a mean would be that of the few runs that the
// system, and not the handler, held up.
type estimate struct {
	value time.Duration
	seen  int // counted up to lessons
}

// learn moves by so many steps to a value above, and by so many to one below: they are to each other
// as the values below to those above. The least of the first few is where it begins, since those are
// slow that are the first of all.
func (e *estimate) learn(took time.Duration, up, down time.Duration) {
	if e.seen < lessons {
		if e.seen == 0 || took < e.value {
			e.value = took
		}
		e.seen++
		return
	}
	step := e.value/32 + 1
	if took > e.value {
		e.value += up * step
	} else {
		e.value -= down * step
	}
}

// low follows what one of four values stays below.
func (e *estimate) low(took time.Duration) { e.learn(took, 1, 3) }

// high follows what three of four values stay below.
func (e *estimate) high(took time.Duration) { e.learn(took, 3, 1) }

// known reports whether there is enough to go by.
func (e *estimate) known() bool { return e.seen >= lessons }

// pace returns what is known of runs like t's.
func (s *inflight) pace(t *Task) *pace {
	n := s.of(t.fn.Load())
	if len(t.call.Args) > largeArgs {
		return &n.largePace
	}
	return &n.pace
}

// learn takes note of a run in a goroutine.
func (p *pace) learn(took time.Duration) { p.outside.low(took) }

// learnInline takes note of a run by the reader.
func (p *pace) learnInline(took, now time.Duration) {
	p.inside.high(took)
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

// slow takes note of a run that has held the reader up. The next time half as many late runs
// are enough.
func (p *pace) slow(now time.Duration) {
	p.rest = min(max(2*p.rest, leastRest), mostRest)
	p.until = now + p.rest
	p.outside.seen, p.good, p.lates = 0, 0, mostLate/2
}

// allows reports whether the reader may do a run.
func (p *pace) allows(now time.Duration, r *role) bool {
	if p.locks || !p.outside.known() || now < p.until {
		return false
	}
	p.asked++
	unit, takes, tried := r.unit(), p.inside.value, p.inside.known()
	if !tried {
		takes = p.outside.value
	}
	switch {
	case tried && takes <= swiftUnits*unit:
		return true
	case takes <= p.brisk(unit):
		return r.spent <= briskBudget
	}
	return p.outside.value <= lateRun && p.asked%probes == 0
}

// brisk is the longest run that the reader does itself, within its budget.
func (p *pace) brisk(unit time.Duration) time.Duration {
	if p.large {
		return largeBrisk
	}
	return briskUnits * unit
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
