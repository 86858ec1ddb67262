package dispatch

import (
	"errors"

	"portworker/etf"
	"portworker/protocol"
)

// ending is how a task ended: a message for the client, or, for the child of
// another task, a value or a failure for that one.
type ending struct {
	reason  protocol.Reason // "" for a value
	out     *protocol.Outgoing
	value   etf.Raw
	failure *protocol.Error
}

// failed is the end of t in an error.
func (t *Task) failed(e *protocol.Error) ending {
	reason := e.Reason
	if !reason.Known() {
		reason = protocol.Failed
	}
	if t.sink != nil {
		return ending{reason: reason, failure: e}
	}
	return ending{reason: reason, out: t.conn.codec().Failure(t.call.Ref, e)}
}

// succeeded is the end of t in a value, or in an error if that has no form.
func (t *Task) succeeded(value any) ending {
	var e ending
	var err error
	if t.sink != nil {
		e.value, err = etf.Append(nil, value)
	} else {
		e.out, err = t.conn.result(t.call.Ref, value)
	}
	if err != nil {
		return t.failed(&protocol.Error{Reason: protocol.Failed, Message: "encode result: " + err.Error()})
	}
	return e
}

// result builds the message of a success, in the form that the client has asked for.
func (c *Conn) result(ref etf.Raw, value any) (*protocol.Outgoing, error) {
	if c.short.Load() {
		return c.codec().ShortResult(ref, value)
	}
	return c.codec().Result(ref, value)
}

// cost is how many bytes are to be reserved for what the client is sent.
func (e ending) cost() int {
	if e.out == nil {
		return 0
	}
	return e.out.Cost()
}

// conclude ends t and says so. It is part of a change under the lock, so that
// nothing can be said of the task after it.
func (c *Conn) conclude(s *inflight, t *Task, e ending, reserved int) {
	s.end(t, e.reason, s.now())
	if t.sink != nil {
		t.sink(e)
		return
	}
	c.writer.QueueReserved(e.out, reserved)
}

// asError turns a handler's error into one for the wire.
func asError(err error) *protocol.Error {
	if err == nil {
		return nil
	}
	after, _ := canRetry(err)
	if e, ok := errors.AsType[*protocol.Error](err); ok {
		wrapped := err.Error()
		if wrapped == e.Error() && after == e.RetryAfter {
			return e
		}
		outer := *e
		outer.RetryAfter = or(after, e.RetryAfter)
		if wrapped != e.Error() {
			outer.Message = wrapped
		}
		return &outer
	}
	return &protocol.Error{Reason: protocol.Failed, Message: err.Error(), RetryAfter: after}
}
