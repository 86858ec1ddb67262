package test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stillRunning reads the receipt of a cancelled task.
func stillRunning(t *testing.T, f Failure) bool {
	t.Helper()
	details, ok := f.Details.(map[string]any)
	require.True(t, ok, "want a map of details, got %+v", f)
	still, ok := details["still_running"].(bool)
	require.True(t, ok, "want still_running in %v", details)
	return still
}

func TestCancel(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		began := time.Now()
		p.Call(1, "sleep", 60_000)
		p.Send(cancel(1))
		assert.False(t, stillRunning(t, p.Failure(1, "cancelled")))
		assert.Less(t, time.Since(began), time.Second)
	})
}

func TestCancelInTheSameBatch(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Batch(call(1, "sleep", 60_000), cancel(1))
		p.Failure(1, "cancelled")
	})
}

func TestCancelWhatComputes(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call(1, "sum", int64(math.MaxInt32)*1000)
		p.Ping()
		p.Send(cancel(1))
		assert.False(t, stillRunning(t, p.Failure(1, "cancelled")))
	})
}

// A handler that does not listen is found: its caller hears so after the grace,
// with the place where it is.
func TestCancelOfAHandlerThatDoesNotListen(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, debugging, Args("--drain-timeout", "500"))
		p.runaway = true
		p.Call(1, "debug.spin")
		p.until("running", func(n int64) bool { return n >= 1 })
		p.Send(cancel(1))
		f := p.Failure(1, "cancelled")
		assert.True(t, stillRunning(t, f))
		assert.Contains(t, f.Details.(map[string]any)["stack"], ".go:")
	})
}

func TestCancelOfNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call(1, "echo", 1)
		p.Value(1)
		p.Send(cancel(1), cancel("never was"))
		p.Ping()
		p.None("result")
		p.None("fault") // a cancel that comes late is no mistake
	})
}

func TestCancelTwice(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call(1, "sleep", 60_000)
		p.Batch(cancel(1), cancel(1), cancel(1))
		p.Failure(1, "cancelled")
		p.Ping()
		p.None("result")
	})
}

// Every cancel races its task's own end: whichever wins, there is one result.
func TestCancelRacesTheResult(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		const calls = 2000
		for ref := range calls {
			p.Send(call(ref, "sleep", ref%3), cancel(ref))
		}
		for ref := range calls {
			if _, failed := p.Result(ref); failed != nil {
				require.Equal(t, "cancelled", failed.Reason)
			}
		}
	})
}

func TestOwnerDown(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		ours, other := options("owner", "ours"), options("owner", "other")
		p.Send(
			callWith(ours, 1, "sleep", 60_000),
			callWith(ours, 2, "sleep", 60_000),
			callWith(other, 3, "sleep", 60_000),
			call(4, "sleep", 60_000),
			tuple(atom("owner_down"), "ours"),
		)
		p.Failure(1, "cancelled")
		p.Failure(2, "cancelled")
		p.Ping()
		p.None("result")

		p.Send(tuple(atom("owner_down"), "ours"), tuple(atom("owner_down"), "nobody"))
		p.Ping()
		p.None("result")
		p.None("fault")

		p.Send(tuple(atom("owner_down"), "other"), cancel(4))
		p.Failure(3, "cancelled")
		p.Failure(4, "cancelled")
	})
}

// An owner is any term; the usual one is a pid.
func TestOwnerDownOfAPid(t *testing.T) {
	p := Start(t, overETF)
	p.Send(callWith(options("owner", pid), 1, "sleep", 60_000))
	p.Send(tuple(atom("owner_down"), pid))
	p.Failure(1, "cancelled")
}
