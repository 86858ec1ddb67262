package dispatch

import (
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"time"

	"portworker/protocol"
)

// HedgePolicy starts further attempts while the first is slow. The first value wins, and the
// others are cancelled. A failure after which another try may succeed waits for those that still
// run; any other ends them.
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

// errLost is the cause of the context of an attempt that another has overtaken.
var errLost = errors.New("another attempt was faster")

// attemptEnd is how a hedged attempt ended.
type attemptEnd struct {
	value any
	err   error
}

// hedged runs the handler, and again while it is slow. Attempts that lost may go on
// when it returns; they count as the task's handler until they are done. When ctx is done it
// waits for all of them: a task has stopped when all of it has.
func (t *Task) hedged(ctx context.Context, fn *Function, p *HedgePolicy) (any, error) {
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(errLost)
	ends := make(chan attemptEnd, p.Max+1)
	timer := time.NewTimer(p.After)
	defer timer.Stop()
	t.beside(running, fn, ends)
	best := attemptEnd{err: errLost}
	for begun, left := 1, 1; left > 0; {
		select {
		case end := <-ends:
			left--
			if best.err != nil {
				best = end
			}
			if ctx.Err() == nil && end.decides() {
				left = 0
			}
		case <-timer.C:
			if begun <= p.Max && ctx.Err() == nil {
				begun, left = begun+1, left+1
				timer.Reset(p.After)
				t.beside(running, fn, ends)
			}
		}
	}
	if isContinuation(best.err) {
		return nil, &protocol.Error{Reason: protocol.Unsupported, Message: fn.Name + " is hedged, and cannot hand its task on"}
	}
	return best.value, best.err
}

func (e attemptEnd) decides() bool {
	_, again := canRetry(e.err)
	return e.err == nil || !again
}

// beside runs one attempt in a goroutine of its own.
func (t *Task) beside(ctx context.Context, fn *Function, ends chan<- attemptEnd) {
	t.attempts.Add(1)
	t.conn.update(func(*inflight) { t.hedges++ })
	t.lane.spawn(func() {
		end := attemptEnd{err: errGoexit}
		defer func() {
			t.conn.update(func(s *inflight) { s.attemptReturned(t) })
			ends <- end
		}()
		t.lane.claimThread()
		pprof.SetGoroutineLabels(t.labels())
		end.value, end.err = t.invoke(ctx, fn.Run)
	})
}

// attemptReturned takes note that a hedged attempt is done. The last one
// ends what the task has left behind.
func (s *inflight) attemptReturned(t *Task) {
	if t.hedges--; t.hedges == 0 && t.left {
		t.left = false
		s.gone(t)
	}
}
