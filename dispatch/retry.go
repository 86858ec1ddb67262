package dispatch

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"portworker/etf"
	"portworker/protocol"
)

// RetryPolicy says how often a handler is tried, and how long to wait in between. What
// is tried again are failures that say so: those marked with [Retryable], the reason
// overloaded, and attempts that passed their time limit. A panic, bad arguments, a cancelled
// task and its deadline are the end.
type RetryPolicy struct {
	// MaxAttempts is how many tries there are in all, 1 to 100; 0 is 3.
	MaxAttempts int
	// Backoff is the wait after the first; 0 is 100 ms.
	Backoff time.Duration
	// MaxBackoff bounds the wait; 0 is 5 s, or Backoff if that is more.
	MaxBackoff time.Duration
	// Factor is by how much each wait is longer than the one before, at least 1, for waits of the
	// same length; 0 is 2.
	Factor float64
	// Jitter is the part of a wait, 0 to 1, that is left to chance, so that those who
	// failed together do not return together; 0 is 0.5, and NoJitter none.
	Jitter float64
}

// NoJitter makes the waits of a [RetryPolicy] exact.
const NoJitter = -1

const (
	defaultAttempts   = 3
	maxAttempts       = 100
	defaultBackoff    = 100 * time.Millisecond
	defaultMaxBackoff = 5 * time.Second
	defaultFactor     = 2
	defaultJitter     = 0.5
)

// withDefaults returns a policy whose fields mean what they say.
func (p RetryPolicy) withDefaults() (*RetryPolicy, error) {
	p.MaxAttempts = or(p.MaxAttempts, defaultAttempts)
	p.Backoff = or(p.Backoff, defaultBackoff)
	p.MaxBackoff = or(p.MaxBackoff, max(defaultMaxBackoff, p.Backoff))
	p.Factor = or(p.Factor, defaultFactor)
	switch p.Jitter = or(p.Jitter, defaultJitter); {
	case p.Jitter == NoJitter:
		p.Jitter = 0
	case !(p.Jitter > 0 && p.Jitter <= 1):
		return nil, fmt.Errorf("jitter is %v: expected 0 to 1, or NoJitter", p.Jitter)
	}
	switch {
	case p.MaxAttempts < 1 || p.MaxAttempts > maxAttempts:
		return nil, fmt.Errorf("max attempts are %d: expected 1 to %d", p.MaxAttempts, maxAttempts)
	case p.Backoff < 0 || p.MaxBackoff < 0:
		return nil, fmt.Errorf("backoff is %v, at most %v: expected no negative durations", p.Backoff, p.MaxBackoff)
	case !(p.Factor >= 1) || math.IsInf(p.Factor, 0):
		return nil, fmt.Errorf("factor is %v: expected a number from 1", p.Factor)
	}
	return &p, nil
}

// delay is how long to wait after attempt n, counted from 1.
func (p *RetryPolicy) delay(n int) time.Duration {
	wait := float64(p.Backoff) * math.Pow(p.Factor, float64(n-1))
	wait = min(wait, float64(p.MaxBackoff))
	return time.Duration(wait * (1 - p.Jitter*rand.Float64()))
}

// parseRetry reads the option of a call.
func parseRetry(term etf.Raw) (*RetryPolicy, error) {
	var fields etf.Map
	if err := etf.Decode(term, &fields); err != nil {
		return nil, err
	}
	p := RetryPolicy{MaxAttempts: defaultAttempts, Backoff: defaultBackoff, Factor: defaultFactor, Jitter: defaultJitter}
	capped := false
	for _, pair := range fields {
		name, _ := word(pair.Key)
		var err error
		switch name {
		case "max_attempts":
			err = setInt(&p.MaxAttempts, pair.Value, 1, maxAttempts)
		case "backoff":
			err = setDuration(&p.Backoff, pair.Value, time.Millisecond, 0)
		case "max_backoff":
			capped = true
			err = setDuration(&p.MaxBackoff, pair.Value, time.Millisecond, 0)
		case "factor":
			p.Factor, err = factorOf(pair.Value)
		case "jitter":
			p.Jitter, err = jitterOf(pair.Value)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if !capped {
		p.MaxBackoff = max(defaultMaxBackoff, p.Backoff)
	}
	return &p, nil
}

func factorOf(value any) (float64, error) {
	if f, ok := number(value); ok && f >= 1 {
		return f, nil
	}
	return 0, fmt.Errorf("expected a number from 1, got %v", value)
}

func jitterOf(value any) (float64, error) {
	switch f, ok := number(value); {
	case value == true:
		return defaultJitter, nil
	case value == false:
		return 0, nil
	case ok && f >= 0 && f <= 1:
		return f, nil
	}
	return 0, fmt.Errorf("expected true, false or a number from 0 to 1, got %v", value)
}

func number(value any) (float64, bool) {
	switch v := value.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// Retryable marks an error as one after which another try may succeed, after
// that time if it is given. The error stays what it is for errors.Is and errors.As.
// Nil stays nil.
func Retryable(err error, after ...time.Duration) error {
	if err == nil {
		return nil
	}
	marked := &retryableError{error: err}
	if len(after) > 0 {
		marked.after = after[0]
	}
	return marked
}

type retryableError struct {
	error
	after time.Duration // 0 where it is not known
}

func (e *retryableError) Unwrap() error { return e.error }

// canRetry reports whether an error says that another try may succeed, and how
// long to wait for it at least.
func canRetry(err error) (after time.Duration, ok bool) {
	e, isError := errors.AsType[*protocol.Error](err)
	if isError {
		switch after = e.RetryAfter; e.Reason {
		case protocol.Panic, protocol.BadArgs, protocol.Cancelled:
			return 0, false
		case protocol.Overloaded:
			ok = true
		}
	}
	if marked, isMarked := errors.AsType[*retryableError](err); isMarked {
		return or(marked.after, after), true
	}
	return after, ok
}

// tries makes attempts until one succeeds, none may follow, or there is no time
// for the next.
func (t *Task) tries(fn *Function, g *guard) (any, error) {
	policy := t.retry
	if policy == nil {
		policy = g.retry
	}
	for n := 1; ; n++ {
		value, err := t.attempt(fn, g)
		if err == nil || policy == nil || n >= policy.MaxAttempts || !t.waitForNext(policy, n, err) {
			return value, err
		}
		t.conn.update(func(s *inflight) { s.of(fn).retries++ })
	}
}

// waitForNext waits between attempt n, which failed, and the next. It returns
// false when there is to be none.
func (t *Task) waitForNext(policy *RetryPolicy, n int, err error) bool {
	after, ok := canRetry(err)
	if !ok || t.ctx.Err() != nil {
		return false
	}
	delay := max(policy.delay(n), after)
	return t.hasTimeFor(delay) && t.pause(delay) == nil
}
