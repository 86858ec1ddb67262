package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"portworker/etf"
	"portworker/protocol"
)

// Policies say how a function's handler is run: how often, how soon, for how long,
// and what happens when it fails. The zero value is once, and nothing more.
//
// From the outside in they are: fallback, retry, rate limit, time limit, circuit breaker,
// hedge. So a retry takes its turn with the rate limit, has a time limit of its own, and counts
// for the breaker. All of it happens within the task's one deadline.
type Policies struct {
	Retry   *RetryPolicy
	Breaker *BreakerPolicy
	Hedge   *HedgePolicy
	Rate    *RateLimit
	// TimeLimit, positive, bounds each attempt.
	TimeLimit *time.Duration
	// Fallback makes a value of a failure, or another failure; nil does not.
	Fallback func(ctx context.Context, err error) (any, error)
	// FallbackTo names the function that is run in place of one that failed, with the same
	// arguments; "" is none.
	FallbackTo string
}

// RateLimit is how many attempts a function may begin.
type RateLimit struct {
	PerSecond float64 // positive
	Burst     int     // how many may begin at once after a pause; at least 1
}

// guard is a function's policies made ready, with what they remember from one call to
// the next. The calls of all connections share it, since they share what it guards.
type guard struct {
	retry      *RetryPolicy
	breaker    *breaker
	hedge      *HedgePolicy
	limiter    *rate.Limiter
	timeLimit  time.Duration
	fallback   func(ctx context.Context, err error) (any, error)
	fallbackTo string
}

// newGuard checks f's policies and makes them ready. It returns nil where there are none.
func newGuard(f *Function) (*guard, error) {
	p := &f.Policies
	g := &guard{hedge: p.Hedge, fallback: p.Fallback, fallbackTo: p.FallbackTo}
	if p.Retry == nil && p.Breaker == nil && p.Hedge == nil && p.Rate == nil && p.TimeLimit == nil && !g.falls() {
		return nil, nil
	}
	if p.Fallback != nil && p.FallbackTo != "" {
		return nil, errors.New("two fallbacks: expected one")
	}
	if f.Kind != KindFunction && (p.Retry != nil || p.Hedge != nil || g.falls()) {
		return nil, fmt.Errorf("a %s has sent elements when it fails: it can have no retry, hedge or fallback", f.Kind)
	}
	for _, prepare := range []func(*guard, *Function) error{(*guard).prepareRetry, (*guard).prepareBreaker, (*guard).prepareRate, (*guard).prepareTimes} {
		if err := prepare(g, f); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (g *guard) prepareRetry(f *Function) (err error) {
	if f.Policies.Retry == nil {
		return nil
	}
	if g.retry, err = f.Policies.Retry.withDefaults(); err != nil {
		return fmt.Errorf("retry: %w", err)
	}
	return nil
}

func (g *guard) prepareBreaker(f *Function) (err error) {
	if f.Policies.Breaker == nil {
		return nil
	}
	if g.breaker, err = newBreaker(f.Name, *f.Policies.Breaker); err != nil {
		return fmt.Errorf("breaker: %w", err)
	}
	return nil
}

func (g *guard) prepareRate(f *Function) error {
	p := f.Policies.Rate
	if p == nil {
		return nil
	}
	if !(p.PerSecond > 0) || p.Burst < 1 {
		return fmt.Errorf("rate limit of %v per second, burst %d: expected a positive rate and a burst of at least 1", p.PerSecond, p.Burst)
	}
	g.limiter = rate.NewLimiter(rate.Limit(p.PerSecond), p.Burst)
	return nil
}

func (g *guard) prepareTimes(f *Function) error {
	if f.Policies.TimeLimit != nil {
		if g.timeLimit = *f.Policies.TimeLimit; g.timeLimit <= 0 {
			return fmt.Errorf("time limit %v: expected a positive duration", g.timeLimit)
		}
	}
	if g.hedge != nil {
		if err := g.hedge.check(); err != nil {
			return fmt.Errorf("hedge: %w", err)
		}
	}
	return nil
}

func (g *guard) falls() bool { return g.fallback != nil || g.fallbackTo != "" }

// refusal is why a call cannot be accepted as things are, or nil. A function that has a
// fallback is never refused.
func (g *guard) refusal() *protocol.Error {
	if g == nil || g.breaker == nil || g.falls() {
		return nil
	}
	return g.breaker.refusal()
}

// unguarded serves a call that brings a retry policy to a function without any.
var unguarded = &guard{}

// perform runs the handler as the policies of the function and the call say.
func (t *Task) perform() (any, error) {
	fn := t.fn.Load()
	g := fn.guard
	if g == nil {
		if t.retry == nil {
			return t.invoke(&t.ctx, fn.Run)
		}
		g = unguarded
	}
	value, err := t.tries(fn, g)
	if g.falls() && t.fails(err) {
		return t.fallBack(fn, g, err)
	}
	return value, t.afterAttempts(err)
}

// fails reports whether err is a failure that a fallback is for: neither the caller's mistake, nor
// the end of the task.
func (t *Task) fails(err error) bool {
	if err == nil || t.ctx.Err() != nil || isContinuation(err) {
		return false
	}
	e, ok := errors.AsType[*protocol.Error](err)
	return !ok || e.Reason != protocol.BadArgs && e.Reason != protocol.Cancelled
}

// fallBack asks the fallback for a value.
func (t *Task) fallBack(fn *Function, g *guard, err error) (any, error) {
	if g.fallback != nil {
		return t.invoke(&t.ctx, func(ctx context.Context, _ *Task) (any, error) { return g.fallback(ctx, err) })
	}
	other := t.conn.options.Registry.find(g.fallbackTo)
	if other == nil {
		return nil, fmt.Errorf("%s falls back to a function that is not there: %s: %w", fn.Name, unknownFunction(g.fallbackTo), err)
	}
	return t.invoke(&t.ctx, other.Run)
}

// afterAttempts has an error say how many attempts were made, if it was more than
// one.
func (t *Task) afterAttempts(err error) error {
	n := t.attempts.Load()
	if err == nil || n <= 1 || isContinuation(err) {
		return err
	}
	e := *asError(err)
	e.Message = fmt.Sprintf("%s (after %d attempts)", e.Message, n)
	return &e
}

// attempt is one try, with all that is inside the retry.
func (t *Task) attempt(fn *Function, g *guard) (any, error) {
	if g.limiter != nil {
		if err := t.takeTurn(g.limiter); err != nil {
			return nil, err
		}
	}
	if g.timeLimit == 0 {
		return t.guarded(&t.ctx, fn, g)
	}
	late := &protocol.Error{Reason: protocol.Timeout, Message: fmt.Sprintf("an attempt was not done after %v", g.timeLimit)}
	ctx, cancel := context.WithTimeoutCause(&t.ctx, g.timeLimit, late)
	defer cancel()
	value, err := t.guarded(ctx, fn, g)
	if err != nil && context.Cause(ctx) == error(late) {
		return nil, Retryable(late)
	}
	return value, err
}

// guarded runs the handler if the breaker lets it, and tells it how that went.
func (t *Task) guarded(ctx context.Context, fn *Function, g *guard) (value any, err error) {
	if g.breaker != nil {
		permit, refused := g.breaker.enter(ctx, t)
		if refused != nil {
			return nil, refused
		}
		err = errGoexit
		defer func() { permit.leave(ctx, err) }()
	}
	if g.hedge != nil {
		return t.hedged(ctx, fn, g.hedge)
	}
	t.attempts.Add(1)
	return t.invoke(ctx, fn.Run)
}

// takeTurn waits until the rate limit allows one more attempt, if the deadline does.
func (t *Task) takeTurn(limiter *rate.Limiter) error {
	now := time.Now()
	turn := limiter.ReserveN(now, 1)
	delay := turn.DelayFrom(now)
	if delay == 0 {
		return nil
	}
	if !t.hasTimeFor(delay) {
		turn.CancelAt(now)
		return &protocol.Error{
			Reason:     protocol.Overloaded,
			Message:    fmt.Sprintf("the rate limit of %v per second allows no call before the deadline", float64(limiter.Limit())),
			RetryAfter: delay,
		}
	}
	if err := t.pause(delay); err != nil {
		turn.Cancel()
		return err
	}
	return nil
}

// hasTimeFor reports whether the deadline leaves time to wait so long, and for
// something afterwards.
func (t *Task) hasTimeFor(delay time.Duration) bool {
	deadline, ok := t.ctx.Deadline()
	return !ok || time.Until(deadline) > delay
}

// pause waits without a place in the lane. It returns the cause when the task is to
// stop.
func (t *Task) pause(delay time.Duration) error {
	t.park()
	defer t.unpark()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-t.ctx.Done():
		return t.ctx.cause()
	}
}

func isContinuation(err error) bool {
	_, ok := errors.AsType[*Continuation](err)
	return ok
}

// retryOption reads a call's own retry policy.
func retryOption(fn *Function, term etf.Raw) (*RetryPolicy, *protocol.Error) {
	if fn.Kind != KindFunction {
		return nil, &protocol.Error{Reason: protocol.BadMessage, Message: fmt.Sprintf("option retry: %s is a %s, and has sent elements when it fails: expected a function", fn.Name, fn.Kind)}
	}
	policy, err := parseRetry(term)
	if err != nil {
		return nil, &protocol.Error{Reason: protocol.BadMessage, Message: "option retry: " + err.Error()}
	}
	return policy, nil
}
