package dispatch_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"portworker"
	"portworker/etf"
)

func retry(pairs ...any) etf.Map {
	return options("retry", options(append(pairs, "jitter", false)...))
}

// within adds a deadline to a call's options.
func within(ms int64, opts etf.Map) etf.Map { return append(options("timeout", ms), opts...) }

func TestRetry(t *testing.T) {
	overloaded := &portworker.Error{Reason: portworker.Overloaded, Message: "full", RetryAfter: 700 * ms, Details: "d"}
	exact := portworker.RetryPolicy{Jitter: portworker.NoJitter}
	cases := map[string]struct {
		policy   []portworker.Option
		call     etf.Map
		attempts []attempt
		runs     int
		took     time.Duration
		value    any
		err      *portworker.Error
	}{
		"no policy, no second try": {attempts: []attempt{flaky}, runs: 1, err: &portworker.Error{Reason: "failed", Message: "flaky"}},
		"waits grow from one to the next": {
			call: retry("max_attempts", 4), attempts: []attempt{flaky, flaky, flaky, returns("at last")}, runs: 4, took: 700 * ms, value: "at last",
		},
		"of equal length with factor 1": {
			call: retry("backoff", 30, "factor", 1), attempts: []attempt{flaky, flaky, returns("v")}, runs: 3, took: 60 * ms, value: "v",
		},
		"bounded": {
			call: retry("max_backoff", 150), attempts: []attempt{flaky, flaky, returns("v")}, runs: 3, took: 250 * ms, value: "v",
		},
		"keys may be binaries": {
			call:     etf.Map{{Key: "retry", Value: etf.Map{{Key: "max_attempts", Value: 1}}}},
			attempts: []attempt{flaky}, runs: 1, err: &portworker.Error{Reason: "failed", Message: "flaky"},
		},
		"as the function says": {
			policy: []portworker.Option{portworker.Retry(exact)}, attempts: []attempt{flaky, flaky, returns("v")}, runs: 3, took: 300 * ms, value: "v",
		},
		"as the call says, whatever the function does": {
			policy: []portworker.Option{portworker.Retry(exact)}, call: retry("max_attempts", 2),
			attempts: []attempt{flaky}, runs: 2, took: 100 * ms, err: &portworker.Error{Reason: "failed", Message: "flaky (after 2 attempts)"},
		},
		"not before it may succeed, nor without the last error's details": {
			call: retry("max_attempts", 2), attempts: []attempt{failsWith(overloaded)}, runs: 2, took: 700 * ms,
			err: &portworker.Error{Reason: portworker.Overloaded, Message: "full (after 2 attempts)", RetryAfter: 700 * ms, Details: "d"},
		},
		"a mark may say when": {
			call: retry("max_attempts", 2), attempts: []attempt{failsWith(portworker.Retryable(errFlaky, 900*ms)), returns("v")}, runs: 2, took: 900 * ms, value: "v",
		},
		"an error inside another": {
			call: retry(), attempts: []attempt{failsWith(fmt.Errorf("outer: %w", portworker.Retryable(errFlaky))), returns("v")}, runs: 2, took: 100 * ms, value: "v",
		},
		"not a plain error": {call: retry(), attempts: []attempt{failsWith(errFlaky)}, runs: 1, err: &portworker.Error{Reason: "failed", Message: "flaky"}},
		"not a panic":       {call: retry(), attempts: []attempt{panics}, runs: 1, err: &portworker.Error{Reason: "panic", Message: "oh no"}},
		"not bad arguments, marked or not": {
			call: retry(), attempts: []attempt{failsWith(portworker.Retryable(&portworker.Error{Reason: portworker.BadArgs, Message: "no"}))}, runs: 1,
			err: &portworker.Error{Reason: portworker.BadArgs, Message: "no"},
		},
		"not when the deadline comes before the next try": {
			call: within(250, retry("max_attempts", 10)), attempts: []attempt{flaky}, runs: 2, took: 100 * ms,
			err: &portworker.Error{Reason: "failed", Message: "flaky (after 2 attempts)"},
		},
		"not past the deadline": {
			call: within(250, retry()), attempts: []attempt{flaky, hangs}, runs: 2, took: 250 * ms,
			err: &portworker.Error{Reason: portworker.Timeout, Message: "not done after 250ms"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := script(t, c.policy, c.attempts...)
				begun := time.Now()
				result := s.Await(s.Start("act", c.call))
				assert.Equal(t, c.took, time.Since(begun))
				assert.Equal(t, c.runs, int(s.runs.Load()))
				assert.Equal(t, c.value, result.Value)
				if result.Err != nil {
					result.Err.Stack = ""
				}
				assert.Equal(t, c.err, result.Err)
			})
		})
	}
}

func TestRetryOptionSaysWhatItExpects(t *testing.T) {
	cases := []struct {
		key     string
		value   any
		message string
	}{
		{"max_attempts", 0, "option retry: max_attempts: expected an integer from 1 to 100, got 0"},
		{"max_attempts", 101, "expected an integer from 1 to 100"},
		{"backoff", -1, "option retry: backoff: expected an integer from 0"},
		{"max_backoff", atom("long"), "option retry: max_backoff: expected an integer from 0"},
		{"factor", 0.5, "option retry: factor: expected a number from 1, got 0.5"},
		{"jitter", 2, "option retry: jitter: expected true, false or a number from 0 to 1, got 2"},
		{"jitter", "much", "got much"},
	}
	s := script(t, nil, flaky)
	for _, c := range cases {
		t.Run(c.message, func(t *testing.T) {
			err := s.fails(s.Start("act", options("retry", options(c.key, c.value))), "bad_message")
			assert.Contains(t, err.Message, c.message)
		})
	}
	assert.Zero(t, s.runs.Load(), "no handler was started")
}

func TestJitterShortensAWait(t *testing.T) {
	for _, jitter := range []any{true, 0.5, 0.1, 1} {
		t.Run(fmt.Sprint(jitter), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := script(t, nil, flaky, returns("v"))
				begun := time.Now()
				s.Await(s.Start("act", options("retry", options("jitter", jitter))))
				assert.LessOrEqual(t, time.Since(begun), 100*time.Millisecond)
			})
		})
	}
}

func TestWaitForARetryTakesNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := script(t, nil, flaky, returns("v"))
		begun := time.Now()
		ref := s.Start("act", retry("backoff", 1000))
		synctest.Wait()
		assert.Equal(t, "meanwhile", s.Call("other", "meanwhile").Value)
		assert.Zero(t, time.Since(begun))
		assert.Equal(t, "v", s.Await(ref).Value)
	})
}

func TestCancelEndsAWaitForARetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := script(t, nil, flaky)
		begun := time.Now()
		ref := s.Start("act", retry("backoff", 3_600_000, "max_backoff", 3_600_000))
		synctest.Wait()
		s.Send(etf.Tuple{atom("cancel"), ref})
		err := s.fails(ref, portworker.Cancelled)
		assert.Equal(t, options("still_running", false), err.Details)
		assert.Zero(t, time.Since(begun))
		assert.Equal(t, int32(1), s.runs.Load())
	})
}

func TestRetryAfterReachesAClientWithoutPolicies(t *testing.T) {
	s := script(t, nil, failsWith(portworker.Retryable(errFlaky, 1500*time.Microsecond)))
	assert.Equal(t, 2*time.Millisecond, s.fails(s.Start("act", nil), "failed").RetryAfter)
}
