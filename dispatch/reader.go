package dispatch

import (
	"context"
	"runtime"
	"runtime/pprof"
	"time"

	"portworker/protocol"
)

// flushEvery bounds how long results wait for the end of what has been read already.
const flushEvery = 100 * time.Microsecond

// read is the goroutine that has the role of reading: it parses and dispatches until the
// input ends, or until the role was taken from it, and waits for nothing but input. All that belongs
// to the role (the packet reader, the parser, the clock) passes from goroutine to
// goroutine with it.
func (c *Conn) read() {
	pprof.SetGoroutineLabels(unlabelled) // not those of a handler that gave the role up
	c.labels = unlabelled
	for {
		m := c.parser.Next()
		if m == nil {
			if !c.nextPacket() {
				return
			}
			continue
		}
		if _, ack := m.(*protocol.Ack); !ack {
			c.users++
		}
		if !c.handle(m) {
			return
		}
		if c.clock-c.flushed > flushEvery {
			c.flush()
		}
	}
}

// role is what the reader knows of itself.
type role struct {
	clock   time.Duration   // when something was last done, on the connection's clock
	flushed time.Duration   // when results last left
	spent   time.Duration   // on runs of tasks since input was last waited for
	users   int             // messages of the packet under way that may keep a part of it
	woke    bool            // goroutines that will soon have an answer may have been made ready since then
	giving  estimate        // what it takes to read a call and give it to a goroutine
	labels  context.Context // of its goroutine in profiles
}

// unlabelled is what the reader does for everybody.
var unlabelled = context.Background()

// label gives the reader's goroutine the labels of what it runs. They stay, unless a profile is taken,
// until it runs something else, or waits: the next run is mostly one of the same function.
func (r *role) label(labels context.Context) {
	if r.labels != labels {
		r.labels = labels
		pprof.SetGoroutineLabels(labels)
	}
}

// since takes note of the time, and returns how long the last thing that was done has taken.
func (r *role) since(now time.Duration) time.Duration {
	took := now - r.clock
	r.clock = now
	return took
}

// gaveAway takes note of a call that was given to a goroutine.
func (r *role) gaveAway(now time.Duration) { r.giving.low(r.since(now)) }

// ran takes note of a call that the reader has run, and returns how long that took.
func (r *role) ran(now time.Duration) time.Duration {
	took := r.since(now)
	r.spent += took
	return took
}

// unit is what it costs the reader to give a call away. What it would rather do itself is
// measured with it: how long a quick run takes depends on the machine.
func (r *role) unit() time.Duration { return min(max(r.giving.value, leastUnit), mostUnit) }

// flush lets go what is ready. The time that takes is that of no task.
func (c *Conn) flush() {
	c.writer.TryFlush()
	c.clock = c.state.now()
	c.flushed = c.clock
}

// makeWay lets goroutines that were made ready go on, here and now: once this one waits
// for input, they wait for another thread to be woken.
func (c *Conn) makeWay() {
	if c.woke {
		c.woke = false
		runtime.Gosched()
	}
}

// nextPacket opens the next packet. Before it waits for one, it lets go what is ready.
func (c *Conn) nextPacket() bool {
	for {
		waits := !c.reader.Buffered()
		if waits {
			c.label(unlabelled)
			c.flush()
			c.makeWay()
		}
		packet, err := c.reader.Next()
		if waits {
			c.clock, c.spent = c.state.now(), 0
			c.flushed = c.clock
		}
		if tooLarge, ok := err.(*protocol.FrameTooLargeError); ok {
			c.fault(nil, &protocol.Error{Reason: protocol.FrameTooLarge, Message: tooLarge.Error()})
			continue
		}
		if err != nil {
			c.ended <- err
			return false
		}
		c.parser.Open(packet)
		c.users = 0
		return true
	}
}
