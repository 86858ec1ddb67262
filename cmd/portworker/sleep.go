package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"portworker/etf"
)

// maxSleep is the longest time.Duration, about 292 years, in milliseconds.
const maxSleep = int64(math.MaxInt64 / time.Millisecond)

func sleep(ctx context.Context, ms int64) (etf.Atom, error) {
	if ms < 0 || ms > maxSleep {
		return "", badArgs("ms", fmt.Sprintf("an integer from 0 to %d", maxSleep), ms)
	}
	timer := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return "ok", nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
