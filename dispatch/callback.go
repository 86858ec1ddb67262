package dispatch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"portworker/etf"
	"portworker/protocol"
)

// callback is a question to the client.
type callback struct {
	answer func(*protocol.Reply)
}

// Ask runs a function of the client's and returns its value, which has passed the scan.
// It gives the task's place in its lane up while it waits. It returns the cause
// when ctx or the task is done, and a [*CallbackError] when the function failed
// over there.
func (t *Task) Ask(ctx context.Context, name string, args []any) (etf.Raw, error) {
	replies := make(chan *protocol.Reply, 1)
	id, err := t.ask(ctx, name, args, func(r *protocol.Reply) { replies <- r })
	if err != nil {
		return nil, err
	}
	t.park()
	defer t.unpark()
	select {
	case r := <-replies:
		if !r.OK {
			return nil, callbackError(name, r.Value)
		}
		return r.Value, nil
	case <-ctx.Done():
		t.conn.forget(id)
		return nil, context.Cause(ctx)
	case <-t.ctx.Done():
		t.conn.forget(id)
		return nil, t.ctx.cause()
	}
}

// ask sends a callback message; answer is called, by the reading goroutine, with
// the reply.
func (t *Task) ask(ctx context.Context, name string, args []any, answer func(*protocol.Reply)) (int64, error) {
	c := t.conn
	if names := c.offered.Load(); names != nil && !slices.Contains(*names, name) {
		return 0, &protocol.Error{Reason: protocol.UnknownFunction, Message: fmt.Sprintf("callback %q: the client offers %q", name, *names)}
	}
	if args == nil {
		args = []any{}
	}
	list, err := etf.Append(nil, args)
	if err != nil {
		return 0, fmt.Errorf("callback %q: encode arguments: %w", name, err)
	}
	var id int64
	c.update(func(s *inflight) {
		s.callbacks++
		id = s.callbacks
		s.pending[id] = &callback{answer: answer}
	})
	o, err := c.codec().Callback(id, t.call.Ref, name, list, t.callbackOptions(ctx))
	if err == nil {
		err = t.emit(o)
	}
	if err != nil {
		c.forget(id)
		return 0, fmt.Errorf("callback %q: %w", name, err)
	}
	return id, nil
}

// callbackOptions are what is left of the budget, and what travels along.
func (t *Task) callbackOptions(ctx context.Context) etf.Map {
	opts := etf.Map{}
	if deadline, ok := ctx.Deadline(); ok {
		left := max(0, time.Until(deadline))
		opts = append(opts, etf.Pair{Key: etf.Atom("timeout"), Value: int64((left + time.Millisecond - 1) / time.Millisecond)})
	}
	if meta := t.metaTerm(ctx); meta != nil {
		opts = append(opts, etf.Pair{Key: etf.Atom("meta"), Value: meta})
	}
	return opts
}

// forget gives a callback up; its answer will find nobody.
func (c *Conn) forget(id int64) {
	c.update(func(s *inflight) { delete(s.pending, id) })
}

// reply hands an answer to the one who asked. One that nobody waits for any
// longer is dropped.
func (c *Conn) reply(m *protocol.Reply) {
	id, _, ok := etf.ReadInt(m.Ref)
	if !ok {
		c.fault(m.Ref, &protocol.Error{Reason: protocol.BadMessage, Message: fmt.Sprintf("reply to %s: expected the CallbackRef of a callback", m.Ref)})
		return
	}
	var asked *callback
	c.update(func(s *inflight) {
		asked = s.pending[id]
		delete(s.pending, id)
	})
	if asked != nil {
		asked.answer(m)
	}
}

// CallbackError is a failure of a function of the client's.
type CallbackError struct {
	Name    string // the function's
	Kind    string // "error" for an exception, "throw", "exit", or "" when the client did not say
	Message string
	Stack   string  // the stacktrace over there, if it was sent
	Term    etf.Raw // what the client sent
}

// Error tells the function and what happened.
func (e *CallbackError) Error() string {
	if e.Kind == "" {
		return fmt.Sprintf("callback %q: %s", e.Name, e.Message)
	}
	return fmt.Sprintf("callback %q: %s: %s", e.Name, e.Kind, e.Message)
}

// callbackError reads the error map of a reply, or whatever was sent in its place.
func callbackError(name string, term etf.Raw) error {
	e := &CallbackError{Name: name, Term: term}
	var fields struct {
		Kind    any    `etf:"kind,omitempty"`
		Message string `etf:"message"`
		Stack   string `etf:"stack,omitempty"`
	}
	if etf.Decode(term, &fields) == nil {
		e.Kind, _ = word(fields.Kind)
		e.Message, e.Stack = fields.Message, fields.Stack
	} else {
		e.Message = term.String()
	}
	return e
}

// Notify sends {notify, to, v}: the client sends v to a pid, an alias or a
// registered name over there.
func (t *Task) Notify(ctx context.Context, to, v any) error {
	o, err := t.conn.codec().Notify(to, v)
	if err != nil {
		return fmt.Errorf("encode notify: %w", err)
	}
	if err := t.reserve(ctx, o.Cost()); err != nil {
		return err
	}
	inline := false
	t.conn.update(func(s *inflight) {
		inline = s.inline == t
		t.conn.writer.QueueReserved(o, o.Cost())
	})
	if !inline {
		t.conn.writer.Flush()
	}
	return nil
}
