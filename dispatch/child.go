package dispatch

import (
	"context"
	"fmt"
	"time"

	"portworker/etf"
	"portworker/protocol"
	"portworker/streaming"
)

// Spec says what a task is to run as its child.
type Spec struct {
	Function string
	Args     etf.Raw // a list that has passed the scan
	// Timeout bounds the child within what is left of the parent's budget; 0 does
	// not.
	Timeout  time.Duration
	Priority protocol.Priority
	Lane     string // overrides the function's own; "" does not
	Name     string
	Retry    etf.Raw // the map of a retry policy, or nil
	// Label, if not nil, tells the child's progress from that of others: it is
	// sent as {Label, Term}.
	Label any
	// Elements takes what a stream sends, which is then what Function has to be.
	Elements func(context.Context, etf.Raw) error
}

// child starts a task of t's that ends with ctx, which descends from t's own. Its end is
// given to sink, under the connection's lock. It inherits metadata, and whether
// anybody wants progress.
func (t *Task) child(ctx context.Context, spec Spec, sink func(ending)) (*Task, *protocol.Error) {
	call := &protocol.Call{Ref: t.call.Ref, Function: spec.Function, Args: spec.Args}
	call.CallOptions = protocol.CallOptions{
		Timeout: spec.Timeout, Priority: spec.Priority, Lane: spec.Lane, Name: spec.Name, Retry: spec.Retry,
		Meta: t.metaTerm(ctx), Progress: t.call.Progress, Credit: protocol.CreditDefault,
	}
	child, err := t.conn.newTask(call, t.conn.state.now())
	if err != nil {
		return nil, err
	}
	child.ctx.parent = ctx
	expected := KindFunction
	if spec.Elements != nil {
		expected = KindStream
		child.out = streaming.NewLocalOutput(&child.ctx, taking(spec.Elements))
	}
	if kind := child.fn.Load().Kind; kind != expected {
		child.ctx.release()
		return nil, &protocol.Error{Reason: protocol.BadArgs, Message: fmt.Sprintf("%s is a %s: expected a %s", spec.Function, kind, expected)}
	}
	child.parent, child.sink, child.label = t, sink, spec.Label
	if _, err := t.conn.admit(child, nil); err != nil {
		return nil, err
	}
	return child, nil
}

// taking makes terms of a stream's elements.
func taking(take func(context.Context, etf.Raw) error) func(context.Context, any) error {
	return func(ctx context.Context, v any) error {
		element, err := etf.Append(nil, v)
		if err != nil {
			return fmt.Errorf("encode element: %w", err)
		}
		return take(ctx, element)
	}
}

// Run runs a function of this worker as a child of t and returns its value. It
// gives t's place in its lane up while it waits. When ctx or t is done the child is
// told to stop, and Run returns when it has ended.
func (t *Task) Run(ctx context.Context, spec Spec) (etf.Raw, error) {
	ended := make(chan ending, 1)
	child, refused := t.child(ctx, spec, func(e ending) { ended <- e })
	if refused != nil {
		return nil, refused
	}
	t.park()
	defer t.unpark()
	var e ending
	select {
	case e = <-ended:
	case <-ctx.Done():
		t.conn.stop(child, asCause(ctx), false)
		e = <-ended
	}
	if e.failure != nil {
		return nil, e.failure
	}
	return e.value, nil
}

// asCause is why a task's child is told to stop.
func asCause(ctx context.Context) *protocol.Error {
	if e := asError(context.Cause(ctx)); e.Reason == protocol.Cancelled || e.Reason == protocol.Timeout || e.Reason == protocol.Draining {
		return e
	}
	return &protocol.Error{Reason: protocol.Cancelled, Message: context.Cause(ctx).Error()}
}
