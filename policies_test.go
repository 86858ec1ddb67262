package portworker_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

func TestPoliciesThatMakeNoSensePanic(t *testing.T) {
	retry := func(p portworker.RetryPolicy) portworker.Option { return portworker.Retry(p) }
	cases := map[string]struct {
		opts    []portworker.Option
		message string
	}{
		"attempts":      {[]portworker.Option{retry(portworker.RetryPolicy{MaxAttempts: 101})}, `portworker: function "f": retry: max attempts are 101: expected 1 to 100`},
		"backoff":       {[]portworker.Option{retry(portworker.RetryPolicy{Backoff: -1})}, "expected no negative durations"},
		"factor":        {[]portworker.Option{retry(portworker.RetryPolicy{Factor: 0.9})}, "factor is 0.9: expected a number from 1"},
		"jitter":        {[]portworker.Option{retry(portworker.RetryPolicy{Jitter: 1.5})}, "jitter is 1.5: expected 0 to 1, or NoJitter"},
		"breaker":       {[]portworker.Option{portworker.Breaker(portworker.BreakerPolicy{Failures: -1})}, `function "f": breaker: `},
		"hedge":         {[]portworker.Option{portworker.Hedge(0, 1)}, `function "f": hedge: `},
		"hedges":        {[]portworker.Option{portworker.Hedge(time.Second, 0)}, "expected 1 to 100"},
		"rate":          {[]portworker.Option{portworker.RateLimit(0, 1)}, "expected a positive rate"},
		"burst":         {[]portworker.Option{portworker.RateLimit(1, 0)}, "a burst of at least 1"},
		"time limit":    {[]portworker.Option{portworker.TimeLimit(0)}, "time limit 0s: expected a positive duration"},
		"fallback":      {[]portworker.Option{portworker.Fallback(func(context.Context, error) (int, error) { return 0, nil })}, `function "f": its fallback returns integer: expected binary`},
		"two fallbacks": {[]portworker.Option{portworker.Fallback(func(context.Context, error) (string, error) { return "", nil }), portworker.FallbackTo("g")}, "two fallbacks: expected one"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := portworker.New(portworker.Config{})
			message := panicOf(func() {
				portworker.Handle0(w, "f", func(context.Context) (string, error) { return "", nil }, c.opts...)
			})
			assert.Contains(t, message, c.message)
		})
	}
}

func panicOf(f func()) (message any) {
	defer func() { message = recover() }()
	f()
	return nil
}

func TestStreamsCannotBeTriedAgain(t *testing.T) {
	w := portworker.New(portworker.Config{})
	send := func(context.Context, *portworker.Sender[int]) error { return nil }
	assert.Contains(t, panicOf(func() { portworker.HandleStream0(w, "s", send, portworker.Hedge(time.Second, 1)) }), "a stream has sent elements when it fails")

	portworker.HandleStream0(w, "s", send, portworker.TimeLimit(time.Second), portworker.RateLimit(1, 1))
	p := portworkertest.Start(t, w)
	err := p.Await(p.Start("s", etf.Map{{Key: "retry", Value: etf.Map{}}})).Err
	assert.Equal(t, portworker.Reason("bad_message"), err.Reason)
	assert.Contains(t, err.Message, "option retry: s is a stream")
}

func TestFallbackToNothingPanicsWhenServing(t *testing.T) {
	w := portworker.New(portworker.Config{})
	portworker.Handle0(w, "f", func(context.Context) (string, error) { return "", nil }, portworker.FallbackTo("g"))
	assert.Equal(t, `portworker: function "f" falls back to "g": expected a registered function of the same arguments`,
		panicOf(func() { _ = w.Serve(t.Context(), nil, nil) }))
}

func TestRetryableNilStaysNil(t *testing.T) {
	assert.NoError(t, portworker.Retryable(nil, time.Second))
}
