package main

import (
	"context"
	"log/slog"
	"time"

	"portworker"
)

// searches are the handlers of docs/debugging.md: two that compute, one that is stuck.
func searches(w *portworker.Worker) {
	portworker.Handle(w, "count_primes", countPrimes, portworker.OnLane(portworker.LaneCPU),
		portworker.Doc("Counts the primes below n."))
	portworker.Handle(w, "collatz", collatz, portworker.OnLane(portworker.LaneCPU),
		portworker.Doc("The longest Collatz sequence that begins below n."))
	portworker.Handle(w, "stuck", stuck, portworker.Doc("Takes no notice of its context for so many milliseconds."))
}

func countPrimes(ctx context.Context, below int) (int, error) {
	count := 0
	for n := 2; n < below; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return count, context.Cause(ctx)
		}
		if isPrime(n) {
			count++
		}
	}
	slog.InfoContext(ctx, "counted", "below", below, "primes", count)
	return count, nil
}

func collatz(ctx context.Context, below int) (int, error) {
	longest := 0
	for start := 1; start < below; start++ {
		if start%1024 == 0 && ctx.Err() != nil {
			return longest, context.Cause(ctx)
		}
		longest = max(longest, collatzLength(start))
	}
	return longest, nil
}

func collatzLength(n int) int {
	length := 1
	for ; n != 1; length++ {
		if n%2 == 0 {
			n /= 2
		} else {
			n = 3*n + 1
		}
	}
	return length
}

func stuck(_ context.Context, ms int) (string, error) {
	time.Sleep(time.Duration(ms) * time.Millisecond)
	return "done at last", nil
}
