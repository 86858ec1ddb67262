package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"portworker/protocol"
)

// BreakerPolicy says when calls of a failing function are refused, so that what it
// depends on gets time to recover. Every failure counts but bad arguments and
// cancellation.
type BreakerPolicy struct {
	// Failures is how many open the circuit; 0 is 5.
	Failures int
	// Window is the time in which they happen; 0 is in a row, however long it takes.
	Window time.Duration
	// ResetAfter is how long calls are refused before probes are let through; 0 is 10 s.
	ResetAfter time.Duration
	// Probes is how many calls are let through then, and have to succeed in a row to close the
	// circuit; 0 is 1. A probe that was cancelled opens it again, for it has told nothing.
	Probes int
}

const (
	defaultFailures   = 5
	defaultResetAfter = 10 * time.Second
)

// breaker is one function's circuit.
type breaker struct {
	function string
	circuit  circuitbreaker.CircuitBreaker[any]
	probes   int // that may be out at once

	mu      sync.Mutex // so that a change is announced by the one who made it
	out     int        // probes that have not told
	changes []circuitbreaker.StateChangedEvent
}

func newBreaker(function string, p BreakerPolicy) (*breaker, error) {
	if p.Failures < 0 || p.Probes < 0 || p.Window < 0 || p.ResetAfter < 0 || max(p.Failures, p.Probes) > math.MaxInt32 {
		return nil, fmt.Errorf("%+v: expected no negative numbers", p)
	}
	failures := uint(or(p.Failures, defaultFailures))
	b := &breaker{function: function, probes: or(p.Probes, 1)}
	builder := circuitbreaker.NewBuilder[any]().
		WithDelay(or(p.ResetAfter, defaultResetAfter)).
		WithSuccessThreshold(uint(b.probes)).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) { b.changes = append(b.changes, e) })
	if p.Window > 0 {
		builder = builder.WithFailureThresholdPeriod(failures, p.Window)
	} else {
		builder = builder.WithFailureThreshold(failures)
	}
	b.circuit = builder.Build()
	return b, nil
}

// do uses the circuit for a task, and tells that task's client what changed.
func (b *breaker) do(t *Task, use func()) {
	b.mu.Lock()
	use()
	changes := b.changes
	b.changes = nil
	b.mu.Unlock()
	for _, change := range changes {
		level := slog.LevelInfo
		if change.NewState == circuitbreaker.OpenState {
			level = slog.LevelWarn
		}
		t.conn.logger().LogAttrs(&t.ctx, level, "circuit breaker: "+circuitState(change.NewState),
			slog.String("function", b.function),
			slog.String("from", circuitState(change.OldState)), slog.String("to", circuitState(change.NewState)))
	}
}

func circuitState(s circuitbreaker.State) string {
	switch s {
	case circuitbreaker.OpenState:
		return "open"
	case circuitbreaker.HalfOpenState:
		return "half_open"
	}
	return "closed"
}

// refusal is what a call gets that comes while the circuit is open, or half open with all
// probes out, or nil.
func (b *breaker) refusal() *protocol.Error {
	switch b.circuit.State() {
	case circuitbreaker.OpenState:
		if left := b.circuit.RemainingDelay(); left > 0 {
			return b.refuse(left)
		}
	case circuitbreaker.HalfOpenState:
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.out >= b.probes {
			return b.refuse(retryHint) // nobody knows how long they take
		}
	}
	return nil
}

func (b *breaker) refuse(after time.Duration) *protocol.Error {
	return &protocol.Error{
		Reason:     protocol.CircuitOpen,
		Message:    b.function + " has failed too often: its circuit breaker lets no call through",
		RetryAfter: after,
	}
}

// enter asks for an attempt to be let through.
func (b *breaker) enter(ctx context.Context, t *Task) (*permit, error) {
	p := &permit{breaker: b, task: t}
	granted := false
	b.do(t, func() {
		granted = b.circuit.TryAcquirePermit()
		if p.probe = granted && b.circuit.IsHalfOpen(); p.probe {
			b.out++
		}
	})
	if !granted {
		return nil, b.refuse(or(b.circuit.RemainingDelay(), retryHint))
	}
	// A handler that does not return is not to keep what it has learnt to itself.
	p.unwatch = context.AfterFunc(ctx, func() { p.settle(verdictOf(context.Cause(ctx))) })
	return p, nil
}

// permit is an attempt that was let through.
type permit struct {
	breaker *breaker
	task    *Task
	probe   bool // in a circuit that is half open
	settled atomic.Bool
	unwatch func() bool
}

// leave takes note of how the attempt ended.
func (p *permit) leave(ctx context.Context, err error) {
	p.unwatch()
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	p.settle(verdictOf(err))
}

// settle tells the circuit, once.
func (p *permit) settle(v verdict) {
	if !p.settled.CompareAndSwap(false, true) || v == neither && !p.probe {
		return
	}
	b := p.breaker
	b.do(p.task, func() {
		if p.probe {
			b.out--
		}
		switch {
		case !p.probe && !b.circuit.IsClosed(): // it began before the circuit opened
		case v == good:
			b.circuit.RecordSuccess()
		default:
			b.circuit.RecordFailure()
		}
	})
}

// verdict is what the end of an attempt says of the function.
type verdict uint8

const (
	good    verdict = iota
	bad             // it failed
	neither         // the attempt was not to end well, or not to end
)

func verdictOf(err error) verdict {
	if err == nil || isContinuation(err) {
		return good
	}
	if e, ok := errors.AsType[*protocol.Error](err); ok {
		switch e.Reason {
		case protocol.BadArgs, protocol.Cancelled, protocol.Draining:
			return neither
		}
	}
	if errors.Is(err, context.Canceled) {
		return neither
	}
	return bad
}

// BreakerStats is a circuit's part of [FunctionStats].
type BreakerStats struct {
	State     string // closed, open or half_open
	Failures  int64  // that count towards opening it
	Successes int64
}

func (b *breaker) stats() *BreakerStats {
	if b == nil {
		return nil
	}
	m := b.circuit.Metrics()
	return &BreakerStats{circuitState(b.circuit.State()), int64(m.Failures()), int64(m.Successes())}
}
