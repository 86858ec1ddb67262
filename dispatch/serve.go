package dispatch

import (
	"context"
	"errors"
	"io"
	"time"

	"portworker/protocol"
)

// Drain refuses new calls, lets running tasks finish and then ends the
// connection. It returns at once and may be called more than once.
func (c *Conn) Drain() {
	c.drainOnce.Do(func() {
		c.update(func(s *inflight) { s.draining = true })
		close(c.drain)
	})
}

// Serve reads and answers until the input ends, the output breaks, or a drain
// is complete; cancelling ctx is a drain. It returns within DrainTimeout of any of these.
//
// It returns nil when the conversation ended between two packets or the
// client stopped listening, io.ErrUnexpectedEOF when the input ended inside a
// packet, and the error of a read that failed. Handlers that ignore their
// context may still be running then. When a drain ended it, the reading goroutine
// stays until in is closed.
func (c *Conn) Serve(ctx context.Context) error {
	if c.options.OnConfig != nil {
		c.options.OnConfig(c.state.config)
	}
	go c.read()
	return c.serve(ctx, c.ended)
}

// serve waits for one of the ends and shuts down.
func (c *Conn) serve(ctx context.Context, ended <-chan error) (err error) {
	var deadline <-chan time.Time
	var until time.Time
	begin := func() {
		if deadline == nil {
			c.Drain()
			until, deadline = c.drainTimes()
		}
	}
	drain, done, broken := c.drain, ctx.Done(), c.writer.Broken()
	var gone <-chan struct{}
	for {
		select {
		case err = <-ended:
			// A client that asked for a drain has said all it had to say.
			if ended = nil; deadline == nil || !errors.Is(err, io.EOF) {
				c.stopAll(inputEnded, true)
			} else if c.options.OutputGone != nil {
				gone = c.options.OutputGone()
			}
			begin()
		case <-drain:
			drain = nil
			begin()
		case <-done:
			done = nil
			begin()
		case <-broken:
			broken = nil
			c.stopAll(inputEnded, true)
			begin()
		case <-gone:
			gone = nil
			c.stopAll(inputEnded, true)
		case <-c.idle:
			return c.close(until, err)
		case <-deadline:
			c.endAll()
			return c.close(until, err)
		}
	}
}

var inputEnded = &protocol.Error{Reason: protocol.Cancelled, Message: "the client closed the connection"}

// flushTime is the least that is kept for flushing of a drain timeout that is
// long enough.
const flushTime = 100 * time.Millisecond

// drainTimes returns when shutting down is to be over, and a channel that tells
// when handlers have had their part of it: all but a tenth, or 100 ms if that is more
// and not more than half, which is for flushing.
func (c *Conn) drainTimes() (until time.Time, handlers <-chan time.Time) {
	c.mu.Lock()
	timeout := c.state.config.DrainTimeout
	c.mu.Unlock()
	flush := max(timeout/10, min(flushTime, timeout/2))
	return time.Now().Add(timeout), time.After(timeout - flush)
}

// stopAll tells every task to stop.
func (c *Conn) stopAll(why *protocol.Error, lenient bool) {
	for _, t := range c.live() {
		c.stop(t, why, lenient)
	}
}

// endAll ends every task that is left at the drain deadline.
func (c *Conn) endAll() {
	why := &protocol.Error{Reason: protocol.Draining, Message: "the worker stopped before the task was done"}
	for _, t := range c.live() {
		c.endEarly(t, why)
		t.ctx.cancel(why)
	}
}

// live returns the tasks that have not ended.
func (c *Conn) live() []*Task {
	c.mu.Lock()
	inline := c.state.inline
	c.mu.Unlock()
	if inline != nil {
		c.freeReader(inline)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	tasks := make([]*Task, 0, len(c.state.tasks))
	for _, t := range c.state.tasks {
		tasks = append(tasks, t)
	}
	return tasks
}

// close flushes what was said and closes the output. What a read returned
// decides what Serve returns: an end between packets is no error.
func (c *Conn) close(until time.Time, err error) error {
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	flushed := c.writer.Wait(ctx)
	c.writer.Close()
	if errors.Is(err, io.EOF) || flushed != nil {
		return nil
	}
	return err
}
