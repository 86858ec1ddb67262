package examples

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"portworker"
)

// toolkitPolicies have the lines of docs/toolkit.md that register a function, each under the terms of its row. What
// they register counts its calls anew for each caller.
func toolkitPolicies() map[string]func(*portworker.Worker) {
	var (
		attempts atomic.Int64
		first    time.Time
	)
	answer := func(context.Context) (int, error) { return 7, nil }
	broken := func(context.Context) (any, error) { return nil, errBoom }
	lastKnown := func(context.Context, error) (any, error) { return "lastKnown", nil }
	sinceFirst := func(context.Context) (string, error) {
		if first.IsZero() {
			first = time.Now()
		}
		return time.Since(first).String(), nil
	}
	everyOther := func(context.Context) (any, error) {
		n := attempts.Add(1)
		if n%2 == 1 {
			return nil, portworker.Retryable(errBoom)
		}
		return fmt.Sprint("attempt ", n), nil
	}
	everyOtherHangs := func(ctx context.Context) (any, error) {
		n := attempts.Add(1)
		if n%2 == 1 {
			return hangs(ctx)
		}
		return fmt.Sprint("attempt ", n), nil
	}
	return map[string]func(*portworker.Worker){
		"spawn_blocking, asyncio.to_thread": func(w *portworker.Worker) {
			portworker.Handle0(w, "ask", answer, portworker.OnLane(portworker.LaneBlocking))
		},
		"std::thread::spawn": func(w *portworker.Worker) {
			portworker.Handle0(w, "ask", answer, portworker.OnLane(portworker.LaneDedicated))
		},
		"rayon::spawn, ProcessPoolExecutor": func(w *portworker.Worker) {
			portworker.Handle0(w, "ask", answer, portworker.OnLane(portworker.LaneCPU))
		},
		"tower's RateLimit, of a function": func(w *portworker.Worker) {
			portworker.Handle0(w, "ask", sinceFirst, portworker.RateLimit(1, 1))
		},
		"retry: backoff, tenacity": func(w *portworker.Worker) {
			portworker.Handle0(w, "ask", everyOther, portworker.Retry(portworker.RetryPolicy{MaxAttempts: 3}))
		},
		"circuit breaker: :fuse, pybreaker": func(w *portworker.Worker) {
			portworker.Handle0(w, "ask", broken, portworker.Breaker(portworker.BreakerPolicy{Failures: 1}))
		},
		"hedging: tower's Hedge": func(w *portworker.Worker) {
			portworker.Handle0(w, "ask", everyOtherHangs, portworker.Hedge(50*time.Millisecond, 1))
		},
		"tower's Timeout": func(w *portworker.Worker) {
			portworker.Handle0(w, "ask", hangs, portworker.TimeLimit(time.Second))
		},
		"fallback": func(w *portworker.Worker) {
			portworker.Handle0(w, "ask", broken, portworker.Fallback(lastKnown))
		},
	}
}
