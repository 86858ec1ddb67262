package test

import (
	"math"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// sized is how much of something a scenario does. An environment variable makes it
// more or less.
func sized(t *testing.T, variable string, usual int) int {
	t.Helper()
	value, set := os.LookupEnv(variable)
	if !set {
		return usual
	}
	n, err := strconv.Atoi(value)
	require.NoError(t, err, variable)
	return n
}

// few is a number of elements or messages for a transport: all of it for the one that a
// BEAM uses, and a part for the others.
func few(via transport, n int) int {
	if via == overETF {
		return n
	}
	return n / 10
}

// Ten thousand streams at once have a little credit each, then a little more, and none
// ever sends beyond it.
func TestTenThousandStreamsAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, Args("--max-running", "20000"))
		const streams = 10_000
		calls := make([]any, streams)
		for ref := range calls {
			calls[ref] = callWith(options("credit", 2), ref, "fibonacci")
		}
		p.Batch(calls...)
		p.elements(2 * streams)
		p.until("running", func(n int64) bool { return n >= streams })
		grants := make([]any, streams)
		for ref := range grants {
			grants[ref] = credit(ref, 1+ref%3)
		}
		p.Batch(grants...)
		p.elements(streams + streams/3*3)
		p.Ping()
		p.None("data")
		cancels := make([]any, streams)
		for ref := range cancels {
			cancels[ref] = cancel(ref)
		}
		p.Batch(cancels...)
		_, stopped := p.results(streams)
		assert.Equal(t, streams, stopped)
		assert.Less(t, memory(t, p.Pid(), "VmHWM"), int64(256<<20), "bytes at the most")
	})
}

// elements takes n elements of whatever streams.
func (p *Peer) elements(n int) {
	p.t.Helper()
	for got := 0; got < n; {
		got += p.Expect("data").Count
	}
}

// Streams that are opened, read a little and left in any of the ways there are leave
// nothing behind; see also what the end of every scenario checks.
func TestStreamsThatAreLeftLeaveNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		const round = 1000
		rounds := few(via, sized(t, "PORTWORKER_TEST_STREAMS", 100_000)) / round
		var peak int64
		for i := range rounds {
			p.leaveStreams(round, i)
			if i == rounds/4 {
				peak = memory(t, p.Pid(), "VmHWM")
			}
		}
		p.until("running", func(n int64) bool { return n <= 1 })
		stats := p.Stats()
		assert.LessOrEqual(t, stats["accepted"], int64(1), "this one is $stats")
		assert.Zero(t, stats["abandoned"])
		assert.Less(t, memory(t, p.Pid(), "VmHWM"), int64(128<<20), "bytes at the most")
		const garbage = 16 << 20 // what the worker lets lie before it collects
		assert.Less(t, memory(t, p.Pid(), "VmHWM"), peak+peak/4+garbage, "bytes at the most, after all and after a quarter")
	})
}

// leaveStreams opens n streams, takes an element or two of each, and leaves them in a way
// that depends on the round.
func (p *Peer) leaveStreams(n, round int) {
	p.t.Helper()
	calls, leave := make([]any, n), make([]any, 0, n)
	opts := options("credit", 2, "owner", round)
	for ref := range calls {
		calls[ref] = callWith(opts, ref, "range", 1, 4)
		switch round % 3 {
		case 0:
			leave = append(leave, cancel(ref))
		case 1:
			leave = append(leave, credit(ref, 1), credit(ref, 1))
		}
	}
	if round%3 == 2 {
		leave = append(leave, ownerDown(round))
	}
	p.Batch(calls...)
	p.elements(2 * n)
	p.Batch(leave...)
	for ended := 0; ended < n; {
		m := p.expect("end of a stream", func(m Message) bool { return m.Tag == "result" || m.Tag == "data" })
		if m.Tag == "result" {
			ended++
		}
	}
}

// The same of channels and of tasks that asked and were stopped.
func TestChannelsAndCallbacksThatAreLeftLeaveNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		const round = 500
		for range few(via, sized(t, "PORTWORKER_TEST_CHANNELS", 10_000)) / round {
			out, leave := []any{}, []any{}
			for ref := range round {
				out = append(out, call(ref, "channel.echo"), send(ref, "x"), call(round+ref, "ask", "f", list()),
					call(2*round+ref, "continue.callback", "f", list()))
				leave = append(leave, cancel(round+ref), cancel(2*round+ref))
				if ref%2 == 0 {
					leave = append(leave, halfClose(ref))
				} else {
					leave = append(leave, cancel(ref))
				}
			}
			p.Batch(out...)
			p.elements(round)
			for range 2 * round {
				p.Expect("callback")
			}
			p.Batch(leave...)
			p.results(3 * round)
		}
		assert.Less(t, memory(t, p.Pid(), "VmHWM"), int64(128<<20), "bytes at the most")
	})
}

// A consumer that grants a little at a time costs the worker no memory, however many
// elements there are.
func TestASlowConsumerOfMillions(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		n := few(via, sized(t, "PORTWORKER_TEST_ELEMENTS", 10_000_000))
		const grant = 5_000
		p.Call(1, "range", 1, n)
		for got := 0; got < n; {
			p.Send(credit(1, grant))
			for received := 0; received < min(grant, n-got); {
				received += p.Expect("data").Count
			}
			got += min(grant, n-got)
		}
		assert.Empty(t, p.Ended(1))
		assert.Less(t, memory(t, p.Pid(), "VmHWM"), int64(slowCeiling), "bytes at the most")
	})
}

// unreadBytes is how much of the worker's output is in the pipe.
func (p *Peer) unreadBytes() int {
	p.t.Helper()
	conn, err := p.stdout.SyscallConn()
	require.NoError(p.t, err)
	var n int
	require.NoError(p.t, conn.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }))
	require.NoError(p.t, err)
	return n
}

// slowCeiling is what a worker may take whose consumer is slow.
const slowCeiling = 48 << 20

// One that grants everything and reads nothing finds everything when it does read, and
// the worker has not made it before.
func TestAConsumerThatDoesNotRead(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, Unread())
		const n = 1_000_000
		p.Send(callWith(options("credit", int64(math.MaxInt64)), 1, "range", 1, n))
		const pipe = 64 << 10
		deadline := time.Now().Add(patience)
		for p.unreadBytes() < pipe*9/10 {
			require.True(t, time.Now().Before(deadline), "the pipe has %d bytes", p.unreadBytes())
			runtime.Gosched()
		}
		p.Read()
		p.elements(n)
		assert.Empty(t, p.Ended(1))
		assert.Less(t, memory(t, p.Pid(), "VmHWM"), int64(slowCeiling), "bytes at the most")
	})
}
