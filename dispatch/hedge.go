package dispatch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/hedgepolicy"

	"portworker/protocol"
)

// HedgePolicy starts further attempts while the first is slow. The first value wins, and the
// others are cancelled. A failure after which another try may succeed waits for the others.
type HedgePolicy struct {
	After time.Duration // from one attempt to the next; positive
	Max   int           // further attempts, 1 to 100
}

func (p *HedgePolicy) check() error {
	if p.After <= 0 || p.Max < 1 || p.Max > maxAttempts {
		return fmt.Errorf("%d attempts more, each after %v: expected 1 to %d, after a positive duration", p.Max, p.After, maxAttempts)
	}
	return nil
}

// build makes a policy that calls started before each attempt but the first.
func (p *HedgePolicy) build(started func()) hedgepolicy.HedgePolicy[any] {
	return hedgepolicy.NewBuilderWithDelay[any](p.After).WithMaxHedges(p.Max).
		OnHedge(func(failsafe.ExecutionEvent[any]) { started() }).
		CancelIf(func(_ any, err error) bool {
			_, again := canRetry(err)
			return err == nil || !again
		}).Build()
}

// hedged runs the handler, and again while it is slow. Attempts that lost may go on
// when it returns; they count as the task's handler until they are done.
func (t *Task) hedged(ctx context.Context, fn *Function, p *HedgePolicy) (any, error) {
	var attempts sync.WaitGroup
	started := func() {
		attempts.Add(1)
		t.attempts.Add(1)
		t.conn.update(func(*inflight) { t.hedges++ })
	}
	started()
	value, err := failsafe.With[any](p.build(started)).WithContext(ctx).GetWithExecution(func(e failsafe.Execution[any]) (any, error) {
		defer attempts.Done()
		return t.beside(e.Context(), fn)
	})
	if err != nil && ctx.Err() != nil {
		attempts.Wait() // a task that was told to stop has stopped when all of it has
		return nil, context.Cause(ctx)
	}
	if isContinuation(err) {
		return nil, &protocol.Error{Reason: protocol.Unsupported, Message: fn.Name + " is hedged, and cannot hand its task on"}
	}
	return value, err
}

// beside runs one attempt in a goroutine of its own, so that a handler that ends its goroutine
// ends no other.
func (t *Task) beside(ctx context.Context, fn *Function) (value any, err error) {
	done := make(chan struct{})
	err = errGoexit
	t.lane.spawn(func() {
		defer close(done)
		defer t.conn.update(func(s *inflight) { s.attemptReturned(t) })
		t.lane.claimThread()
		value, err = t.invoke(ctx, fn.Run)
	})
	<-done
	return value, err
}

// attemptReturned takes note that a hedged attempt is done. The last one
// ends what the task has left behind.
func (s *inflight) attemptReturned(t *Task) {
	if t.hedges--; t.hedges == 0 && t.left {
		t.left = false
		s.gone(t)
	}
}
