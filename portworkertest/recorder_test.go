package portworkertest_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// recorder is a test that keeps what it is told.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	helpers  map[string]bool
	failures []string
	logs     []string
	cleanups []func()
}

// record runs a test to its end, its cleanups included.
func record(t *testing.T, test func(t testing.TB)) *recorder {
	r := &recorder{TB: t, helpers: make(map[string]bool)}
	r.run(func() { test(r) })
	for _, cleanup := range slices.Backward(r.cleanups) {
		r.run(cleanup)
	}
	return r
}

// run is in a goroutine of its own, which Fatalf ends.
func (r *recorder) run(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

func (r *recorder) Helper() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.helpers[callers()[1].Function] = true
}

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	where := ""
	for _, frame := range callers()[1:] {
		if !r.helpers[frame.Function] {
			where = filepath.Base(frame.File)
			break
		}
	}
	r.failures = append(r.failures, where+": "+fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Helper()
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) > 0
}

func (r *recorder) Log(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logs = append(r.logs, fmt.Sprint(args...))
}

func (r *recorder) log() string { return strings.Join(r.logs, "\n") }

// callers are the frames from the caller's own on.
func callers() []runtime.Frame {
	pcs := make([]uintptr, 50)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	var all []runtime.Frame
	for {
		frame, more := frames.Next()
		all = append(all, frame)
		if !more {
			return all
		}
	}
}
