package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"portworker"
	"portworker/etf"
)

// maxSleep is the longest time.Duration, about 292 years, in milliseconds.
const maxSleep = int64(math.MaxInt64 / time.Millisecond)

// sleep leaves the waiting to the worker, so that a million sleepers are no million
// goroutines.
func sleep(_ context.Context, ms int64) (etf.Atom, error) {
	if ms < 0 || ms > maxSleep {
		return "", badArgs("ms", fmt.Sprintf("an integer from 0 to %d", maxSleep), ms)
	}
	return "", portworker.ReplyAfter(time.Duration(ms)*time.Millisecond, etf.Atom("ok"))
}
