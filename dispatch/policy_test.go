package dispatch_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"portworker"
	"portworker/etf"
)

const ms = time.Millisecond

func policy(opts ...portworker.Option) []portworker.Option { return opts }

func TestCircuitBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failure := failsWith(errFlaky)
		s := script(t, policy(portworker.Breaker(portworker.BreakerPolicy{Failures: 3, ResetAfter: time.Second, Probes: 2})),
			returns("v"), failure, failure, failure, failure, returns("v"))
		s.hello()
		act := func() any { return s.Start("act", nil) }
		assert.Equal(t, "v", s.Await(act()).Value)
		for range 2 {
			s.fails(act(), "failed")
		}
		// What opens the circuit says so before its own result.
		opening := act()
		s.change("warning", "closed", "open")
		s.fails(opening, "failed")
		assert.Equal(t, "open", field(t, field(t, s.stats(), "breaker"), "state"))

		time.Sleep(300 * ms)
		err := s.fails(act(), portworker.CircuitOpen)
		assert.Equal(t, 700*ms, err.RetryAfter)

		time.Sleep(700 * ms)
		probe := act()
		s.change("info", "open", "half_open")
		s.change("warning", "half_open", "open")
		s.fails(probe, "failed")

		time.Sleep(time.Second)
		probe = act()
		s.change("info", "open", "half_open")
		assert.Equal(t, "v", s.Await(probe).Value)
		assert.Equal(t, options("state", "half_open", "failures", int64(0), "successes", int64(1)), field(t, s.stats(), "breaker"))
		probe = act()
		s.change("info", "half_open", "closed")
		assert.Equal(t, "v", s.Await(probe).Value)
	})
}

func TestOpenCircuitTakesNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := script(t, policy(portworker.Breaker(portworker.BreakerPolicy{Failures: 1})), failsWith(errFlaky))
		s.fails(s.Start("act", nil), "failed")
		s.fails(s.Start("act", nil), portworker.CircuitOpen)
		assert.Equal(t, int64(1), field(t, s.Call("$stats").Value, "refused"))
		assert.Equal(t, int32(1), s.runs.Load())
	})
}

func TestBreakerCounts(t *testing.T) {
	bad := func(reason portworker.Reason) attempt { return failsWith(&portworker.Error{Reason: reason}) }
	cases := map[string]struct {
		attempt attempt
		opts    etf.Map
		opens   bool
	}{
		"an error":                              {failsWith(errFlaky), nil, true},
		"a panic":                               {panics, nil, true},
		"a deadline, whatever the handler does": {hangs, options("timeout", int64(10)), true},
		"no value":                              {returns("v"), nil, false},
		"no bad arguments":                      {bad(portworker.BadArgs), nil, false},
		"no cancellation":                       {failsWith(context.Canceled), nil, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := script(t, policy(portworker.Breaker(portworker.BreakerPolicy{Failures: 1})), c.attempt)
				s.Await(s.Start("act", c.opts))
				synctest.Wait()
				again := s.Await(s.Start("act", options("timeout", int64(10))))
				assert.Equal(t, c.opens, again.Err != nil && again.Err.Reason == portworker.CircuitOpen, "%v", again.Err)
			})
		})
	}
}

func TestCancelledProbeOpensTheCircuitAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := script(t, policy(portworker.Breaker(portworker.BreakerPolicy{Failures: 1, ResetAfter: time.Second})), failsWith(errFlaky), hangs, returns("v"))
		s.fails(s.Start("act", nil), "failed")
		time.Sleep(time.Second)
		probe := s.Start("act", nil)
		synctest.Wait()
		err := s.fails(s.Start("act", nil), portworker.CircuitOpen)
		assert.Positive(t, err.RetryAfter, "the one probe is out")
		s.Send(etf.Tuple{atom("cancel"), probe})
		s.fails(probe, portworker.Cancelled)
		assert.Equal(t, time.Second, s.fails(s.Start("act", nil), portworker.CircuitOpen).RetryAfter)
		time.Sleep(time.Second)
		assert.Equal(t, "v", s.Call("act").Value)
	})
}

func TestFallback(t *testing.T) {
	fallback := portworker.Fallback(func(_ context.Context, err error) (string, error) { return "not " + err.Error(), nil })
	cases := map[string]struct {
		opts    []portworker.Option
		attempt attempt
		call    etf.Map
		value   any
		reason  portworker.Reason
	}{
		"for an error":             {policy(fallback), failsWith(errFlaky), nil, "not flaky", ""},
		"for a panic":              {policy(fallback), panics, nil, "not panic: oh no", ""},
		"when retries are used up": {policy(fallback), flaky, retry(), "not flaky", ""},
		"another function":         {policy(portworker.FallbackTo("instead")), failsWith(errFlaky), nil, "instead", ""},
		"not for a value":          {policy(fallback), returns("v"), nil, "v", ""},
		"not for bad arguments":    {policy(fallback), failsWith(&portworker.Error{Reason: portworker.BadArgs}), nil, nil, "bad_args"},
		"not past the deadline":    {policy(fallback), hangs, options("timeout", int64(10)), nil, "timeout"},
		"which may fail":           {policy(portworker.Fallback(func(context.Context, error) (string, error) { return "", errFlaky })), panics, nil, nil, "failed"},
		"which may panic":          {policy(portworker.Fallback(func(context.Context, error) (string, error) { panic("again") })), flaky, nil, nil, "panic"},
		"for a handler that ends its goroutine there is none": {policy(fallback), goexits, nil, nil, "failed"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := script(t, c.opts, c.attempt)
				result := s.Await(s.Start("act", c.call))
				assert.Equal(t, c.value, result.Value)
				if c.reason != "" {
					assert.ErrorIs(t, result.Err, &portworker.Error{Reason: c.reason})
				}
			})
		})
	}
}

func TestFallbackIsTriedWhileTheCircuitIsOpen(t *testing.T) {
	s := script(t, policy(portworker.Breaker(portworker.BreakerPolicy{Failures: 1}), portworker.FallbackTo("instead")), failsWith(errFlaky))
	for range 3 {
		assert.Equal(t, "instead", s.Call("act").Value)
	}
	assert.Equal(t, int32(1), s.runs.Load())
}

func TestHedge(t *testing.T) {
	cases := map[string]struct {
		attempts []attempt
		opts     etf.Map
		runs     int
		took     time.Duration
		value    any
		reason   portworker.Reason
	}{
		"a fast one alone":                      {[]attempt{takes(99*ms, "first")}, nil, 1, 99 * ms, "first", ""},
		"the second wins":                       {[]attempt{hangs, takes(50*ms, "second")}, nil, 2, 150 * ms, "second", ""},
		"the first still wins":                  {[]attempt{takes(150*ms, "first"), hangs}, nil, 2, 150 * ms, "first", ""},
		"no more than it may":                   {[]attempt{takes(time.Second, "v")}, nil, 3, time.Second, "v", ""},
		"a failure ends it":                     {[]attempt{hangs, failsWith(errFlaky)}, nil, 2, 100 * ms, nil, "failed"},
		"one that may be tried again waits":     {[]attempt{takes(150*ms, "first"), flaky}, nil, 2, 150 * ms, "first", ""},
		"and counts where none is left":         {[]attempt{flaky, returns("v")}, nil, 1, 0, nil, "failed"},
		"one that ends its goroutine is failed": {[]attempt{goexits}, nil, 1, 0, nil, "failed"},
		"a panic is kept":                       {[]attempt{hangs, panics}, nil, 2, 100 * ms, nil, "panic"},
		"the deadline ends all":                 {[]attempt{hangs}, options("timeout", int64(250)), 3, 250 * ms, nil, "timeout"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := script(t, policy(portworker.Hedge(100*ms, 2)), c.attempts...)
				begun := time.Now()
				result := s.Await(s.Start("act", c.opts))
				assert.Equal(t, c.took, time.Since(begun))
				assert.Equal(t, c.runs, int(s.runs.Load()))
				assert.Equal(t, c.value, result.Value)
				if c.reason != "" {
					assert.ErrorIs(t, result.Err, &portworker.Error{Reason: c.reason})
				}
				synctest.Wait()
				assert.Equal(t, int64(0), field(t, s.Call("$stats").Value, "abandoned"))
			})
		})
	}
}

func TestHedgeThatLostIsCountedUntilItReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		stubborn := func(context.Context) (string, error) { <-release; return "late", nil }
		s := script(t, policy(portworker.Hedge(100*ms, 1)), stubborn, returns("second"))
		assert.Equal(t, "second", s.Call("act").Value)
		assert.Equal(t, int64(1), field(t, s.Call("$stats").Value, "abandoned"))
		assert.Equal(t, "other", s.Call("other", "other").Value, "it has given its place up")
		close(release)
		synctest.Wait()
		assert.Equal(t, int64(0), field(t, s.Call("$stats").Value, "abandoned"))
	})
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := script(t, policy(portworker.RateLimit(10, 2)), returns("v"))
		begun := time.Now()
		for _, at := range []time.Duration{0, 0, 100 * ms, 200 * ms} {
			assert.Equal(t, "v", s.Call("act").Value)
			assert.Equal(t, at, time.Since(begun))
		}
		err := s.fails(s.Start("act", options("timeout", int64(50))), portworker.Overloaded)
		assert.Equal(t, 200*ms, time.Since(begun), "it fails at once")
		assert.Equal(t, 100*ms, err.RetryAfter)

		// Waiting takes no place, and a cancelled wait gives its turn back.
		ref := s.Start("act", nil)
		synctest.Wait()
		assert.Equal(t, "other", s.Call("other", "other").Value)
		s.Send(etf.Tuple{atom("cancel"), ref})
		s.fails(ref, portworker.Cancelled)
		assert.Equal(t, "v", s.Call("act").Value)
		assert.Equal(t, 300*ms, time.Since(begun))
	})
}

func TestTimeLimit(t *testing.T) {
	cases := map[string]struct {
		attempts []attempt
		opts     etf.Map
		took     time.Duration
		value    any
		err      *portworker.Error
	}{
		"an attempt that is done in time": {[]attempt{takes(99*ms, "v")}, nil, 99 * ms, "v", nil},
		"one that is not":                 {[]attempt{hangs}, nil, 100 * ms, nil, &portworker.Error{Reason: "timeout", Message: "an attempt was not done after 100ms"}},
		"each of several":                 {[]attempt{hangs, hangs, returns("v")}, retry("factor", 1), 400 * ms, "v", nil},
		"within the deadline":             {[]attempt{hangs}, options("timeout", int64(30)), 30 * ms, nil, &portworker.Error{Reason: "timeout", Message: "not done after 30ms"}},
		"is seen by the handler":          {[]attempt{deadline}, nil, 0, "100ms", nil},
		"unless the deadline is nearer":   {[]attempt{deadline}, options("timeout", int64(30)), 0, "30ms", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := script(t, policy(portworker.TimeLimit(100*ms)), c.attempts...)
				begun := time.Now()
				result := s.Await(s.Start("act", c.opts))
				assert.Equal(t, c.took, time.Since(begun))
				assert.Equal(t, c.value, result.Value)
				assert.Equal(t, c.err, result.Err)
			})
		})
	}
}

func deadline(ctx context.Context) (string, error) {
	at, _ := ctx.Deadline()
	return time.Until(at).String(), nil
}
