package dispatch

import (
	"errors"
	"fmt"

	"portworker/etf"
	"portworker/protocol"
	"portworker/streaming"
)

// channelCredit is how many outputs a channel may send before it is granted any.
const channelCredit = 64

// equip gives a stream its output, and a channel its input as well.
func (t *Task) equip() {
	kind := t.fn.Load().Kind
	if kind == KindFunction {
		return
	}
	credit := t.call.Credit
	if credit == protocol.CreditDefault {
		credit = 0
		if kind == KindChannel {
			credit = channelCredit
		}
	}
	t.out = streaming.NewOutput(&t.ctx, t.conn.writer, t.conn.codec(), t.call.Ref, credit, t.idle)
	if kind == KindChannel {
		var granted func(int)
		if t.call.InputCredit {
			granted = t.grantInput
		}
		t.in = streaming.NewInput(&t.ctx, granted, t.idle)
	}
}

// idle gives the place in the lane up while a stream waits for its consumer.
func (t *Task) idle() (resume func()) {
	t.park()
	return t.unpark
}

// Output returns where a stream or channel sends; nil for a function.
func (t *Task) Output() *streaming.Output { return t.out }

// Input returns where a channel receives; nil for others.
func (t *Task) Input() *streaming.Input { return t.in }

// Reject tells the client that an input could not be used.
func (t *Task) Reject(err error) {
	t.conn.faultOf(t, &protocol.Error{Reason: protocol.BadArgs, Message: "input: " + err.Error()})
}

// grantInput tells the client that it may send n more inputs.
func (t *Task) grantInput(n int) {
	c := t.conn
	o := c.codec().InputCredit(t.call.Ref, n)
	c.update(func(*inflight) {
		if t.phase != ended {
			c.writer.Queue(o) // never dropped: the client would wait for it for ever
		}
	})
	c.writer.FlushSoon()
}

// faultOf sends a fault that concerns a task, unless it has ended.
func (c *Conn) faultOf(t *Task, err *protocol.Error) {
	o := c.codec().Fault(t.call.Ref, err)
	c.update(func(s *inflight) {
		if t.phase != ended {
			s.counts.faults++
			c.writer.Answer(o)
		}
	})
	c.writer.FlushSoon()
}

// lookup returns the task with that ref, or nil.
func (c *Conn) lookup(ref etf.Raw) *Task {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.tasks[key(ref)]
}

// credit allows a task to send more. For a task that has ended it comes too
// late, which is nobody's fault.
func (c *Conn) credit(m *protocol.Credit) {
	if t := c.lookup(m.Ref); t != nil && t.out != nil {
		t.out.Add(m.N)
	}
}

// send hands an input to a channel.
func (c *Conn) send(m *protocol.Send) {
	t := c.lookup(m.Ref)
	if t != nil && t.in != nil {
		c.push(t, m.Term)
		return
	}
	switch {
	case t == nil:
		c.fault(m.Ref, &protocol.Error{Reason: protocol.BadMessage, Message: "send: no channel with that ref is open"})
	default:
		c.fault(m.Ref, &protocol.Error{Reason: protocol.BadMessage, Message: fmt.Sprintf("send: %s is no channel and takes no input", t.Function())})
	}
}

// push queues an input, or tells why it is not taken.
func (c *Conn) push(t *Task, term etf.Raw) {
	switch err := t.in.Push(term); {
	case errors.Is(err, streaming.ErrFull):
		c.faultOf(t, &protocol.Error{
			Reason:  protocol.Overloaded,
			Message: fmt.Sprintf("send: %d inputs wait already, and this one was not taken", streaming.InputLimit),
		})
	case err != nil:
		c.faultOf(t, &protocol.Error{Reason: protocol.BadMessage, Message: "send: the input was closed before"})
	}
}

// closeInput ends the input of a channel.
func (c *Conn) closeInput(m *protocol.Close) {
	if t := c.lookup(m.Ref); t != nil && t.in != nil {
		t.in.Close()
	}
}
