package dispatch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"portworker"
	"portworker/etf"
)

// TestAnyMixOfPoliciesEndsOnceWithinTheBudget draws policies and what the attempts do, and wants one result by the
// deadline, after which nothing is left. That no goroutine is, the bubble sees to.
func TestAnyMixOfPoliciesEndsOnceWithinTheBudget(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		opts := drawPolicies(r)
		attempts := rapid.SliceOfN(rapid.SampledFrom([]attempt{
			returns("v"), failsWith(errFlaky), flaky, panics, goexits, hangs, takes(20*ms, "slow"), takes(200*ms, "slower"),
			failsWith(portworker.Retryable(errFlaky, 300*ms)), failsWith(&portworker.Error{Reason: portworker.Overloaded}),
		}), 1, 6).Draw(r, "attempts")
		budget := time.Duration(rapid.IntRange(1, 600).Draw(r, "budget")) * ms
		call := within(budget.Milliseconds(), nil)
		if rapid.Bool().Draw(r, "retries") {
			call = within(budget.Milliseconds(), options("retry", options("max_attempts", rapid.IntRange(1, 6).Draw(r, "max"), "backoff", rapid.IntRange(0, 100).Draw(r, "backoff"))))
		}
		calls := rapid.IntRange(1, 8).Draw(r, "calls")
		cancelAt := time.Duration(rapid.IntRange(0, 700).Draw(r, "cancel at")) * ms
		synctest.Test(t, func(t *testing.T) {
			s := script(t, opts, attempts...)
			s.endsOnce(r, calls, call, budget, cancelAt)
		})
	})
}

// endsOnce makes calls, cancels the first at some time, and reads until each has its one result.
func (s *scripted) endsOnce(r *rapid.T, calls int, call etf.Map, budget, cancelAt time.Duration) {
	begun := time.Now()
	live := make(map[any]bool)
	for range calls {
		live[s.Start("act", call)] = true
	}
	cancel := time.AfterFunc(cancelAt, func() { s.Send(etf.Tuple{atom("cancel"), int64(1)}) })
	defer cancel.Stop()
	for range calls {
		m := s.Next()
		if !live[m[1]] {
			r.Errorf("%v: expected one result for each call", m)
		}
		delete(live, m[1])
	}
	if took := time.Since(begun); took > budget {
		r.Errorf("took %v of %v", took, budget)
	}
	synctest.Wait()
	stats := s.Call("$stats").Value
	for _, name := range []string{"abandoned", "running"} {
		n, _ := stats.(etf.Map).Get(atom(name))
		if want := map[string]int64{"running": 1}[name]; n != want {
			r.Errorf("%s is %v when all has ended: expected %d", name, n, want)
		}
	}
}

func drawPolicies(r *rapid.T) (opts []portworker.Option) {
	maybe := func(name string, opt func() portworker.Option) {
		if rapid.Bool().Draw(r, name) {
			opts = append(opts, opt())
		}
	}
	maybe("retry", func() portworker.Option {
		return portworker.Retry(portworker.RetryPolicy{MaxAttempts: rapid.IntRange(1, 5).Draw(r, "attempts"), Backoff: 10 * ms})
	})
	maybe("breaker", func() portworker.Option {
		return portworker.Breaker(portworker.BreakerPolicy{Failures: rapid.IntRange(1, 3).Draw(r, "failures"), ResetAfter: 50 * ms, Probes: rapid.IntRange(1, 2).Draw(r, "probes")})
	})
	maybe("hedge", func() portworker.Option { return portworker.Hedge(30*ms, rapid.IntRange(1, 3).Draw(r, "hedges")) })
	maybe("rate", func() portworker.Option { return portworker.RateLimit(20, rapid.IntRange(1, 3).Draw(r, "burst")) })
	maybe("limit", func() portworker.Option { return portworker.TimeLimit(70 * ms) })
	maybe("fallback", func() portworker.Option { return portworker.FallbackTo("instead") })
	return opts
}
