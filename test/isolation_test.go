package test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPrintDoesNotReachTheWire(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, debugging)
		p.Call(1, "debug.print", "hello from a handler\n")
		p.Value(1)
		p.Call(2, "echo", "frames only")
		assert.Equal(t, "frames only", p.Value(2))
		p.CloseStdin()
		assert.Equal(t, 0, p.Wait(patience))
		assert.Contains(t, p.Stderr(), "hello from a handler")
	})
}

// What prints before main has begun reaches descriptor 1 and no further when the
// frames go elsewhere.
func TestAPrintInInitDoesNotReachSpareDescriptors(t *testing.T) {
	p := Start(t, overSpare, fixture(t), Env("FIXTURE_PRINT_IN_INIT=1"))
	p.Call(1, "echo", "frames only")
	assert.Equal(t, "frames only", p.Value(1))
}

func TestAChildOfAHandlerHoldsNoneOfTheWire(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Call(1, "spawn")
		child := watch(t, int(p.Value(1).(int64)))
		t.Cleanup(child.kill)
		for _, target := range descriptors(t, child.pid) {
			assert.NotContains(t, []string{inode(t, p.stdin), inode(t, p.stdout)}, target)
		}
		p.CloseStdin()
		assert.Equal(t, 0, p.Wait(patience))
		select {
		case <-p.drained:
		case <-time.After(patience):
			assert.Fail(t, "the child holds the worker's output open")
		}
	})
}

// A child that prints writes to stderr, like everything that is not a frame.
func TestAChildsPrintDoesNotReachTheWire(t *testing.T) {
	p := Start(t, overETF, fixture(t))
	p.Call(1, "shell", "echo from a child")
	p.Value(1)
	p.Call(2, "shell", "cat; echo the end of its stdin")
	p.Value(2)
	p.CloseStdin()
	assert.Equal(t, 0, p.Wait(patience))
	assert.Contains(t, p.Stderr(), "from a child")
	assert.Contains(t, p.Stderr(), "the end of its stdin")
}

func TestABusyLoopDelaysNoPing(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, debugging, Args("--drain-timeout", "500"))
		p.runaway = true
		p.Call(1, "debug.spin")
		p.until("running", func(n int64) bool { return n >= 1 })
		best := time.Duration(math.MaxInt64)
		for range 20 {
			began := time.Now()
			p.Ping()
			best = min(best, time.Since(began))
		}
		assert.Less(t, best, 50*time.Millisecond)
		p.Call(2, "echo", "and no call")
		assert.Equal(t, "and no call", p.Value(2))
	})
}

// Cancel, owner_down and ping overtake what waits for the CPU.
func TestControlOvertakesABusyLane(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		const calls = 200
		onCPU := options("lane", atom("cpu"), "owner", "us")
		for ref := range calls {
			p.Send(callWith(onCPU, ref, "sum", int64(math.MaxInt32)*1000))
		}
		p.Ping()
		p.Send(cancel(calls - 1))
		p.Failure(calls-1, "cancelled")
		p.Send(tuple(atom("owner_down"), "us"))
		for ref := range calls - 1 {
			p.Failure(ref, "cancelled")
		}
	})
}

// A peer that reads nothing while it writes far more than both pipes hold is
// read all the same, and finds everything when it does read.
func TestReadingNeverWaitsForWriting(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, Unread())
		const pings, size = 6000, 4 << 10
		body := strings.Repeat("p", size)
		p.Call("asleep", "sleep", 60_000)
		for i := range pings {
			p.Send(ping(fmt.Sprint(i, body)))
		}
		p.Send(cancel("asleep"))
		p.Read()
		for i := range pings {
			p.Pong(fmt.Sprint(i, body))
		}
		p.Failure("asleep", "cancelled")
	})
}

func TestLogsReachTheWire(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Send(hello("log_level", atom("info")))
		p.Expect("hello")
		p.Call(1, "log", "warning", "the disk is nearly full")
		p.Value(1)
		m := p.expect("the record", func(m Message) bool {
			return m.Tag == "log" && m.At(1) == "the disk is nearly full"
		})
		assert.Equal(t, "warning", m.At(0))
		fields, ok := m.At(2).(map[string]any)
		require.True(t, ok, "want a map in %v", m)
		assert.EqualValues(t, 93, fields["percent"])

		p.Call(2, "log", "debug", "not asked for")
		p.Value(2)
		p.Ping()
		p.None("log")
	})
}

// Invalid UTF-8 and long lines have crashed loggers on the other side.
func TestLogsAreCleanAndBounded(t *testing.T) {
	p := Start(t, overETF, fixture(t))
	p.Send(hello("log_level", atom("info")))
	p.Expect("hello")
	p.Call(1, "log", "warning", "caf\xe9 "+strings.Repeat("x", 1<<20))
	p.Value(1)
	text, ok := p.Expect("log").At(1).(string)
	require.True(t, ok)
	assert.Equal(t, text, strings.ToValidUTF8(text, ""), "want valid UTF-8")
	assert.Less(t, len(text), 1<<17)
}

// descriptors lists what a process has open.
func descriptors(t *testing.T, pid int) []string {
	t.Helper()
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	require.NoError(t, err)
	require.NotEmpty(t, links)
	var targets []string
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil {
			targets = append(targets, target)
		}
	}
	return targets
}

// inode names a pipe the way /proc does, the same from both of its ends.
func inode(t *testing.T, f *os.File) string {
	t.Helper()
	conn, err := f.SyscallConn()
	require.NoError(t, err)
	var target string
	require.NoError(t, conn.Control(func(fd uintptr) {
		target, err = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	}))
	require.NoError(t, err)
	return target
}
