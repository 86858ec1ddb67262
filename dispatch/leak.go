package dispatch

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
)

// A handler that outlives its task costs a goroutine and whatever it holds, for as long as
// it likes. When there are too many, only a new process helps, and the client is
// asked to start one.

// leaking returns how many abandoned handlers there are of each function when they have just
// become more than may be, and nil otherwise.
func (s *inflight) leaking() map[string]int {
	if s.leaks || len(s.abandoned) <= s.config.MaxAbandoned {
		return nil
	}
	s.leaks = true
	functions := make(map[string]int)
	for t := range s.abandoned {
		functions[t.Function()]++
	}
	return functions
}

// gone takes note that nothing of t's runs any longer.
func (s *inflight) gone(t *Task) {
	s.handlers--
	delete(s.abandoned, t)
	s.leaks = s.leaks && len(s.abandoned) > s.config.MaxAbandoned
}

// reportLeak tells of abandoned handlers, and asks once to be replaced. Nil is none.
func (c *Conn) reportLeak(functions map[string]int) {
	if functions == nil {
		return
	}
	names := slices.SortedFunc(maps.Keys(functions), func(a, b string) int {
		return cmp.Or(functions[b]-functions[a], strings.Compare(a, b))
	})
	total := 0
	for i, name := range names {
		total += functions[name]
		names[i] = fmt.Sprintf("%s (%d)", name, functions[name])
	}
	reason := fmt.Sprintf("%d handlers run on after their tasks have ended: %s", total, strings.Join(names, ", "))
	c.logger().Error(reason, slog.Int("abandoned", total))
	if c.logs.greeted.Load() && c.replace.CompareAndSwap(false, true) {
		c.answer(c.codec().Replace(reason, total))
	}
}

// logger logs to the client if it has said hello, and like the rest of the program otherwise.
func (c *Conn) logger() *slog.Logger {
	return slog.New(c.LogHandler(slog.Default().Handler()))
}
