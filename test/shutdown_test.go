package test

import (
	"math"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The peer's own end requires status 0, and a result for the cancelled tasks.
func TestEndOfFileCancelsWhatRuns(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call(1, "sleep", 60_000)
		p.Call(2, "sum", int64(math.MaxInt32)*1000)
		p.Ping()
		p.CloseStdin()
		assert.Equal(t, 0, p.Wait(5*time.Second))
		p.Failure(1, "cancelled")
		p.Failure(2, "cancelled")
	})
}

func TestEndOfFileRightAfterACall(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		for ref := range 1000 {
			p.Call(ref, "echo", ref)
		}
		p.CloseStdin()
		assert.Equal(t, 0, p.Wait(5*time.Second))
		for ref := range 1000 {
			p.Result(ref)
		}
	})
}

func TestEndOfFileBeforeAnything(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.CloseStdin()
		assert.Equal(t, 0, p.Wait(5*time.Second))
		assert.Empty(t, p.Stderr())
	})
}

func TestEndOfFileWhileAHandlerSpins(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, debugging, Args("--drain-timeout", "500"))
		p.Call(1, "debug.spin")
		p.until("running", func(n int64) bool { return n >= 1 })
		began := time.Now()
		p.CloseStdin()
		assert.Equal(t, 0, p.Wait(5*time.Second))
		assert.Less(t, time.Since(began), 3*time.Second, "want it gone soon after 500 ms")
		_, failed := p.Result(1)
		require.NotNil(t, failed)
		assert.Contains(t, []string{"cancelled", "draining"}, failed.Reason)
	})
}

func TestEndOfFileWithinTheDefaultDrainDeadline(t *testing.T) {
	p := Start(t, overETF, debugging)
	p.Call(1, "debug.spin")
	p.until("running", func(n int64) bool { return n >= 1 })
	p.CloseStdin()
	assert.Equal(t, 0, p.Wait(6*time.Second))
	p.Failure(1, "cancelled")
}

// Nobody reads what the worker still has to say, and it goes all the same.
func TestEndOfFileWhileNobodyReads(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, Unread(), Args("--drain-timeout", "500"))
		p.severed = true
		for ref := range 5000 {
			p.Call(ref, "echo", strings.Repeat("x", 1<<10))
		}
		p.CloseStdin()
		assert.Equal(t, 0, p.Wait(5*time.Second))
	})
}

func TestEndOfFileInsideAPacket(t *testing.T) {
	tests := map[string]string{
		"inside the length":            "\x00\x00",
		"after the length":             "\x00\x00\x00\x0a",
		"inside the packet":            "\x00\x00\x00\x0a\x83\x68",
		"inside one that is too large": "\x7f\xff\xff\xff\x83\x68",
	}
	everywhere(t, func(t *testing.T, via transport) {
		for name, bytes := range tests {
			t.Run(name, func(t *testing.T) {
				p := Start(t, via, Faulty())
				p.Ping()
				p.Write([]byte(bytes))
				p.CloseStdin()
				assert.Equal(t, 1, p.Wait(5*time.Second))
				assert.Len(t, strings.Split(strings.TrimSpace(p.Stderr()), "\n"), 1, "want a line, got %q", p.Stderr())
				assert.NotEmpty(t, strings.TrimSpace(p.Stderr()))
			})
		}
	})
}

func TestEndOfFileInsideAPacketCancelsWhatRuns(t *testing.T) {
	p := Start(t, overETF)
	p.Call(1, "sleep", 60_000)
	p.Ping()
	p.Write([]byte("\x00\x00"))
	p.CloseStdin()
	assert.Equal(t, 1, p.Wait(5*time.Second))
	p.Failure(1, "cancelled")
}

func TestABrokenStdoutIsQuiet(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call(1, "sleep", 60_000)
		p.Ping()
		p.CloseStdout()
		p.Send(ping("who hears this?"))
		assert.Equal(t, 0, p.Wait(5*time.Second))
		assert.Empty(t, p.Stderr())
	})
}

func TestDrain(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Batch(call(1, "sleep", 400), atom("drain"), call(2, "echo", "too late"), ping("still here"))
		p.Failure(2, "draining")
		p.Pong("still here")
		p.Value(1)
		assert.Equal(t, 0, p.Wait(5*time.Second), "and that without end of file")
	})
}

func TestDrainOfAnIdleWorker(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Send(atom("drain"))
		assert.Equal(t, 0, p.Wait(5*time.Second))
		assert.Empty(t, p.Stderr())
	})
}

func TestDrainLetsCancelThrough(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Batch(call(1, "sleep", 60_000), atom("drain"), cancel(1))
		p.Failure(1, "cancelled")
		assert.Equal(t, 0, p.Wait(5*time.Second))
	})
}

// A task that does not finish ends at the drain deadline, and the worker with it.
func TestDrainHasADeadline(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, Args("--drain-timeout", "500"))
		p.Batch(call(1, "sleep", 60_000), atom("drain"))
		_, failed := p.Result(1)
		require.NotNil(t, failed)
		assert.Contains(t, []string{"cancelled", "draining"}, failed.Reason)
		assert.Equal(t, 0, p.Wait(5*time.Second))
	})
}

func TestSignalsDrain(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, via transport) {
				p := Start(t, via)
				p.Call(1, "sleep", 500)
				p.Ping()
				p.Signal(signal)
				p.Value(1)
				assert.Equal(t, 0, p.Wait(5*time.Second))
			})
		})
	}
}

func TestASignalRefusesNewCalls(t *testing.T) {
	p := Start(t, overETF, Args("--drain-timeout", "60000"))
	p.Call("held", "sleep", 60_000)
	p.Ping()
	p.Signal(syscall.SIGTERM)
	for ref := 0; ; ref++ { // the signal comes when it comes
		p.Call(ref, "echo", ref)
		if _, failed := p.Result(ref); failed != nil {
			require.Equal(t, "draining", failed.Reason)
			break
		}
	}
	p.Send(cancel("held"))
	p.Failure("held", "cancelled")
	assert.Equal(t, 0, p.Wait(5*time.Second))
}

// A client that asks for a drain and then closes its end has said all it had to say: so
// frames can be piped in by hand and are answered.
func TestEndOfFileAfterADrainLetsTasksFinish(t *testing.T) {
	p := Start(t, overETF)
	p.Call(1, "sleep", 300)
	p.Send(atom("drain"))
	p.CloseStdin()
	assert.Equal(t, 0, p.Wait(5*time.Second))
	value, failed := p.Result(1)
	require.Nil(t, failed)
	assert.EqualValues(t, "ok", value)
}

// One whose other end is gone as well has died, and waits for nothing.
func TestDeathOfTheClientCutsADrainShort(t *testing.T) {
	p := Start(t, overETF, Args("--drain-timeout", "60000"))
	p.severed = true
	p.Call(1, "sleep", 60_000)
	p.Send(atom("drain"))
	p.Call(2, "echo", 1)
	p.Failure(2, "draining")
	p.CloseStdin()
	p.CloseStdout()
	assert.Equal(t, 0, p.Wait(5*time.Second))
}

func TestAHandlerThatExits(t *testing.T) {
	p := Start(t, overETF, debugging)
	p.severed = true
	p.Call(1, "debug.exit", 3)
	assert.Equal(t, 3, p.Wait(5*time.Second))
}

func TestAFatalErrorOfTheRuntimeEndsTheWorkerWithAStack(t *testing.T) {
	p := Start(t, overETF, debugging)
	p.severed = true
	p.Call(1, "debug.fatal")
	assert.Equal(t, 2, p.Wait(patience))
	assert.Contains(t, p.Stderr(), "concurrent map")
}
