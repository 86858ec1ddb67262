package dispatch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"portworker/etf"
	"portworker/protocol"
)

const (
	// maxProfile is the longest a profile may be taken.
	maxProfile = 10 * time.Minute
	// blockRate is how many nanoseconds of waiting make one sample, on average.
	blockRate = 10_000
	// mutexFraction is how many contended locks make one sample, on average.
	mutexFraction = 5
)

// profileKind is how a profile is made: begun and ended for one that takes time, else
// only ended.
type profileKind struct {
	begin func(w io.Writer) error
	end   func(w io.Writer) error
}

// profileKinds are the profiles of https://pkg.go.dev/runtime/pprof that say something
// of a worker.
var profileKinds = map[string]profileKind{
	"cpu": {
		begin: pprof.StartCPUProfile,
		end:   func(io.Writer) error { pprof.StopCPUProfile(); return nil },
	},
	"block": {
		begin: func(io.Writer) error { runtime.SetBlockProfileRate(blockRate); return nil },
		end:   func(w io.Writer) error { runtime.SetBlockProfileRate(0); return writeProfile("block", w) },
	},
	"mutex": {
		begin: func(io.Writer) error { runtime.SetMutexProfileFraction(mutexFraction); return nil },
		end:   func(w io.Writer) error { runtime.SetMutexProfileFraction(0); return writeProfile("mutex", w) },
	},
	"heap":      {end: func(w io.Writer) error { runtime.GC(); return writeProfile("heap", w) }},
	"allocs":    {end: func(w io.Writer) error { return writeProfile("allocs", w) }},
	"goroutine": {end: func(w io.Writer) error { return writeProfile("goroutine", w) }},
}

func writeProfile(name string, w io.Writer) error { return pprof.Lookup(name).WriteTo(w, 0) }

// profiling is set while a profile that takes time is taken: there is one in a process.
var profiling atomic.Bool

// callers are the labels of those who call while a profile is taken.
var callers callerLabels

// callerLabels keeps labels that have been made: to write an owner as text costs more than a quick call,
// which a profile would show as the worker's own time.
type callerLabels struct {
	mu   sync.Mutex
	made map[callerKey]context.Context
}

type callerKey struct {
	labels context.Context
	owner  string
}

// mostCallers bounds what is kept.
const mostCallers = 4096

// label adds the owner of a call to labels.
func (c *callerLabels) label(labels context.Context, owner etf.Raw) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	with, ok := c.made[callerKey{labels, key(owner)}]
	if !ok {
		with = pprof.WithLabels(labels, pprof.Labels("caller", callerLabel(owner)))
		if c.made == nil || len(c.made) >= mostCallers {
			c.made = make(map[callerKey]context.Context)
		}
		c.made[callerKey{labels, string(owner)}] = with
	}
	return with
}

// forget gives up what was kept for a profile.
func (c *callerLabels) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made = nil
}

// callerLabel is the owner of a call in words: a pid with its node, and its numbers as the
// node itself shows them.
func callerLabel(owner etf.Raw) string {
	var pid etf.Pid
	if etf.Decode(owner, &pid) == nil {
		return pid.String()
	}
	return owner.String()
}

// runProfile is $profile: it takes a kind, and milliseconds for kinds that take time, and
// returns gzipped bytes for the pprof tool. A cancelled one stops at once.
func runProfile(ctx context.Context, t *Task) (any, error) {
	kind, duration, err := profileArgs(t.Args())
	if err != nil {
		return nil, &protocol.Error{Reason: protocol.BadArgs, Message: "$profile: " + err.Error()}
	}
	var out bytes.Buffer
	if kind.begin != nil {
		if err := takeProfile(ctx, kind.begin, duration, &out); err != nil {
			return nil, err
		}
		defer func() {
			profiling.Store(false)
			callers.forget()
		}()
	}
	if err := kind.end(&out); err != nil {
		return nil, fmt.Errorf("$profile: %w", err)
	}
	return out.Bytes(), context.Cause(ctx)
}

// takeProfile begins a profile and returns when its time is over, or the task's. The
// caller ends it.
func takeProfile(ctx context.Context, begin func(io.Writer) error, duration time.Duration, out io.Writer) error {
	if !profiling.CompareAndSwap(false, true) {
		return overloaded("$profile: another profile is being taken: there is one at a time in a process")
	}
	if err := begin(out); err != nil {
		profiling.Store(false)
		return fmt.Errorf("$profile: %w", err)
	}
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil
}

// profileArgs reads [Kind] or [Kind, Milliseconds].
func profileArgs(list etf.Raw) (profileKind, time.Duration, error) {
	var none profileKind
	args, err := etf.SplitList(list, nil)
	if err != nil || len(args) == 0 || len(args) > 2 {
		return none, 0, fmt.Errorf("expected a kind and, for cpu, block and mutex, milliseconds")
	}
	var name any
	if err := etf.Decode(args[0], &name); err != nil {
		return none, 0, err
	}
	word, _ := word(name)
	kind, known := profileKinds[word]
	switch {
	case !known:
		names := slices.Sorted(maps.Keys(profileKinds))
		return none, 0, fmt.Errorf("unknown kind %s: expected one of %s", args[0], strings.Join(names, ", "))
	case kind.begin == nil && len(args) == 2:
		return none, 0, fmt.Errorf("%s takes no time: expected no milliseconds", word)
	case kind.begin == nil:
		return kind, 0, nil
	case len(args) == 1:
		return none, 0, fmt.Errorf("%s takes time: expected milliseconds after the kind", word)
	}
	var ms int64
	if err := etf.Decode(args[1], &ms); err != nil || ms < 1 || ms > maxProfile.Milliseconds() {
		return none, 0, fmt.Errorf("milliseconds %s: expected 1 to %d", args[1], maxProfile.Milliseconds())
	}
	return kind, time.Duration(ms) * time.Millisecond, nil
}
