package dispatch

import (
	"time"

	"portworker/protocol"
)

// functionCounts are totals of one function since the connection began.
type functionCounts struct {
	calls, ok, errors int64
	attempts, retries int64
	total, longest    time.Duration
	pace, largePace   pace // the second is that of runs with large arguments
}

// FunctionStats is a function's part of [Stats]. Durations are in milliseconds, from a task's
// arrival to its end.
type FunctionStats struct {
	Calls         int64 // tasks accepted, or handed on by another function
	Running       int64 // of these, not ended yet; those that wait for a place included
	OK            int64
	Errors        int64
	Attempts      int64 // times the handler was begun for tasks that have ended
	Retries       int64 // attempts made because the one before had failed
	TotalDuration int64
	MaxDuration   int64
	Breaker       *BreakerStats // of its circuit breaker, or nil
}

// of returns a function's totals. Those of the worker's own functions are all in the
// first place, which is not shown.
func (s *inflight) of(f *Function) *functionCounts {
	for f.index >= len(s.functions) {
		s.functions = append(s.functions, functionCounts{largePace: pace{large: true}})
	}
	return &s.functions[f.index]
}

// functionStats returns the totals of functions that have been called, or have
// a circuit breaker.
func (s *inflight) functionStats(functions map[string]*Function) map[string]FunctionStats {
	stats := make(map[string]FunctionStats)
	for name, f := range functions {
		n := s.of(f)
		breaker := f.breakerStats()
		if n.calls == 0 && breaker == nil {
			continue
		}
		stats[name] = FunctionStats{
			Calls: n.calls, Running: n.calls - n.ok - n.errors, OK: n.ok, Errors: n.errors,
			Attempts: n.attempts, Retries: n.retries,
			TotalDuration: n.total.Milliseconds(), MaxDuration: n.longest.Milliseconds(),
			Breaker: breaker,
		}
	}
	return stats
}

// historySize is how many ended tasks are remembered.
const historySize = 100

// ended tasks, in a ring.
type history struct {
	entries [historySize]endedTask
	added   int
}

type endedTask struct {
	function, task string
	reason         protocol.Reason // "" for a value
	took           time.Duration
	attempts       int32
	lane           Lane
}

// EndedTask is one of the tasks that ended last, as $history answers it.
type EndedTask struct {
	Function string
	Task     string // the name the call gave it, or ""
	Outcome  string // ok, or the reason of its error
	Duration int64  // milliseconds from its arrival to its end
	Attempts int64  // 0 for one that ended before it began
	Lane     string
}

// remember counts the end of a task in the function that ended it.
func (s *inflight) remember(t *Task, reason protocol.Reason, took time.Duration) {
	fn := t.fn.Load()
	attempts := t.attempts.Load()
	if attempts == 0 && t.phase != waiting {
		attempts = 1
	}
	n := s.of(fn)
	if reason == "" {
		n.ok++
	} else {
		n.errors++
	}
	n.attempts += int64(attempts)
	n.total += took
	n.longest = max(n.longest, took)
	if fn.index > 0 {
		s.history.entries[s.history.added%historySize] = endedTask{fn.Name, t.call.Name, reason, took, attempts, t.lane.name}
		s.history.added++
	}
}

// passed counts that t's function has handed it to another, which has it as a
// task of its own from here.
func (s *inflight) passed(t *Task, to *Function) {
	n := s.of(t.fn.Load())
	n.ok++
	n.attempts += int64(max(1, t.attempts.Swap(0)))
	s.of(to).calls++
}

// last returns the tasks that ended last, the latest first.
func (h *history) last() []EndedTask {
	tasks := make([]EndedTask, min(h.added, historySize))
	for i := range tasks {
		e := &h.entries[(h.added-1-i)%historySize]
		tasks[i] = EndedTask{e.function, e.task, string(or(e.reason, "ok")), e.took.Milliseconds(), int64(e.attempts), string(e.lane)}
	}
	return tasks
}

// History returns the tasks that ended last, at most 100, the latest first.
func (c *Conn) History() (tasks []EndedTask) {
	c.update(func(s *inflight) { tasks = s.history.last() })
	return tasks
}
