package test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Bounds of the product itself. Each takes the best of several, so that a busy
// machine does not fail what is well within them.
const (
	idleMemory   = 15 << 20
	startToHello = 50 * time.Millisecond
	attempts     = 10
)

func TestAnIdleWorkerIsSmall(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Hello()
		p.Ping()
		assert.Less(t, memory(t, p.Pid(), "VmRSS"), int64(idleMemory))
	})
}

func TestStartToHello(t *testing.T) {
	best := time.Duration(math.MaxInt64)
	for range attempts {
		began := time.Now()
		p := Start(t, overETF)
		p.Hello()
		best = min(best, time.Since(began))
		p.finish()
	}
	t.Logf("start to hello: %v at best", best)
	assert.Less(t, best, startToHello)
}

// A worker that has had many calls is no larger than one that had a few.
func TestMemoryIsBounded(t *testing.T) {
	p := Start(t, overETF)
	const rounds, calls = 30, 1000
	for round := range rounds {
		batch := make([]any, calls)
		for i := range batch {
			batch[i] = call(round*calls+i, "echo", "a call among many")
		}
		p.Batch(batch...)
		for i := range batch {
			p.Value(round*calls + i)
		}
	}
	assert.Less(t, memory(t, p.Pid(), "VmHWM"), int64(64<<20), "bytes at the most")
}
