package dispatch_test

import (
	"context"
	"testing"
	"time"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

// BenchmarkCall measures what a call costs from its packet to its result's, in batches of 64 that are answered before
// the next is sent, without policies and with some that are never put to use. Decoding the results is the peer's cost, and part of it.
func BenchmarkCall(b *testing.B) {
	w := portworker.New(portworker.Config{})
	echo := func(_ context.Context, v etf.Raw) (etf.Raw, error) { return v, nil }
	portworker.Handle(w, "plain", echo)
	portworker.Handle(w, "retry", echo, portworker.Retry(portworker.RetryPolicy{}))
	portworker.Handle(w, "breaker", echo, portworker.Breaker(portworker.BreakerPolicy{}))
	portworker.Handle(w, "hedge", echo, portworker.Hedge(time.Second, 1))
	portworker.Handle(w, "all", echo, portworker.Retry(portworker.RetryPolicy{}), portworker.Breaker(portworker.BreakerPolicy{}),
		portworker.Hedge(time.Second, 1), portworker.RateLimit(1e9, 1e6), portworker.TimeLimit(time.Second))
	for _, name := range []string{"plain", "retry", "breaker", "hedge", "all"} {
		b.Run(name, func(b *testing.B) {
			peer := portworkertest.Start(b, w)
			batch := make([]etf.Tuple, 64)
			for i := range batch {
				batch[i] = etf.Tuple{etf.Atom("call"), int64(i), name, []any{"sixteen bytes..."}}
			}
			b.ReportAllocs()
			for done := 0; b.Loop(); done++ {
				if done%len(batch) == 0 {
					go peer.Send(batch...)
				}
				peer.Next()
			}
		})
	}
}
