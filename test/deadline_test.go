package test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestTimeout(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		began := time.Now()
		p.Send(callWith(options("timeout", 100), 1, "sleep", 60_000))
		assert.NotEmpty(t, p.Failure(1, "timeout").Message)
		took := time.Since(began)
		assert.GreaterOrEqual(t, took, 100*time.Millisecond)
		assert.Less(t, took, 2*time.Second)
	})
}

func TestATimeoutThatIsNotReached(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Send(callWith(options("timeout", 60_000), 1, "sleep", 10))
		p.Value(1)
		p.Send(callWith(options("timeout", atom("infinity")), 2, "sleep", 10))
		p.Value(2)
	})
}

func TestATimeoutOfNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Send(callWith(options("timeout", 0), 1, "sleep", 60_000))
		p.Failure(1, "timeout")
	})
}

func TestATimeoutLongerThanTime(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Send(callWith(options("timeout", int64(math.MaxInt64)), 1, "echo", "a"))
		if value, failed := p.Result(1); failed == nil {
			assert.Equal(t, "a", value)
		} else {
			assert.Contains(t, []string{"bad_message", "bad_args"}, failed.Reason)
		}
	})
}

// The result comes at the deadline whether or not the handler listens, and the
// worker still counts what still runs.
func TestTimeoutOfAHandlerThatDoesNotListen(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, debugging, Args("--drain-timeout", "500"))
		p.runaway = true
		began := time.Now()
		p.Send(callWith(options("timeout", 100), 1, "debug.spin"))
		p.Failure(1, "timeout")
		assert.Less(t, time.Since(began), 2*time.Second)
		assert.EqualValues(t, 1, p.count("abandoned"), "want it counted while it spins")
	})
}

// Waiting for a lane comes out of the same budget as running.
func TestADeadlineCountsQueueing(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, Args("--lanes", "cpu=1"))
		long := int64(math.MaxInt32) * 1000
		p.Send(callWith(options("lane", atom("cpu")), 1, "sum", long))
		began := time.Now()
		p.Send(callWith(options("lane", atom("cpu"), "timeout", 200), 2, "sum", long))
		p.Failure(2, "timeout")
		assert.Less(t, time.Since(began), 2*time.Second)
		p.Send(cancel(1))
		p.Failure(1, "cancelled")
	})
}
