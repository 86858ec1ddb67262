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
	pprof.SetGoroutineLabels(context.Background()) // not those of a handler that gave the role up
	for {
		m := c.parser.Next()
		if m == nil {
			if !c.nextPacket() {
				return
			}
			continue
		}
		if !c.handle(m) {
			return
		}
		if c.clock-c.flushed > flushEvery {
			c.flush()
		}
	}
}

// flush lets go what is ready.
func (c *Conn) flush() {
	c.writer.TryFlush()
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
			c.flush()
			c.makeWay()
		}
		packet, err := c.reader.Next()
		if waits {
			c.clock = c.state.now()
			c.flushed = c.clock
			c.update(func(s *inflight) { s.spent = 0 })
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
		return true
	}
}
