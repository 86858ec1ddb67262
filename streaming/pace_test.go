package streaming_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
	"pgregory.net/rapid"

	"portworker/streaming"
)

const ms = time.Millisecond

// timed is a source of 0, 1, 2, ..., each after its gap, that ends, or fails, after a last gap.
func timed(gaps []time.Duration, tail time.Duration, end error) streaming.Source[int] {
	return func(ctx context.Context) ints {
		return func(yield func(int, error) bool) {
			for i, gap := range append(gaps[:len(gaps):len(gaps)], tail) {
				select {
				case <-time.After(gap):
				case <-ctx.Done():
					yield(0, ctx.Err())
					return
				}
				if i == len(gaps) {
					break
				}
				if !yield(i, nil) {
					return
				}
			}
			if end != nil {
				yield(0, end)
			}
		}
	}
}

// arrival is an element and when it came, counted from the start of the stream.
type arrival struct {
	value int
	at    time.Duration
}

func arrivals(s ints) (out []arrival, end time.Duration, err error) {
	begun := time.Now()
	err = streaming.ForEach(s, func(v int) { out = append(out, arrival{v, time.Since(begun)}) })
	return out, time.Since(begun), err
}

func TestIntervalTicksAndLosesWhatABusyConsumerMisses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 75*ms)
		defer cancel()
		begun := time.Now()
		var at []time.Duration
		err := streaming.ForEach(streaming.Interval(ctx, 10*ms), func(tick time.Time) {
			at = append(at, tick.Sub(begun))
			if len(at) == 2 {
				<-time.After(35 * ms) // until 55: the ticks at 40 and 50 are lost
			}
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, []time.Duration{10 * ms, 20 * ms, 30 * ms, 60 * ms, 70 * ms}, at)
		assert.Equal(t, 75*ms, time.Since(begun))
	})
}

func TestThrottleKeepsElementsApart(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		gaps, gap := drawGaps(rt), time.Duration(rapid.IntRange(0, 20).Draw(rt, "gap"))*ms
		var want []arrival
		now := time.Duration(0)
		for i, g := range gaps {
			now += g // the source is asked when the last element was taken
			if i > 0 {
				now = max(now, want[i-1].at+gap)
			}
			want = append(want, arrival{i, now})
		}
		synctest.Test(t, func(t *testing.T) {
			source := timed(gaps, 0, nil)(t.Context())
			got, _, err := arrivals(streaming.Throttle(t.Context(), source, gap))
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	})
}

func drawGaps(t *rapid.T) []time.Duration {
	return rapid.SliceOfN(rapid.Map(rapid.IntRange(1, 30), func(n int) time.Duration {
		return time.Duration(2*n) * ms // even, so that it never ties with an odd limit
	}), 0, 10).Draw(t, "gaps")
}

func TestDebounceWaitsForQuiet(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		gaps, quiet := drawGaps(rt), time.Duration(rapid.IntRange(0, 25).Draw(rt, "quiet")*2+1)*ms
		tail, end := 20*ms, error(nil)
		if rapid.Bool().Draw(rt, "fails") {
			end = errBoom
		}
		var want []arrival
		now := time.Duration(0)
		for i, gap := range gaps {
			now += gap
			until := tail
			if i+1 < len(gaps) {
				until = gaps[i+1]
			}
			switch {
			case until > quiet:
				want = append(want, arrival{i, now + quiet})
			case i+1 == len(gaps):
				want = append(want, arrival{i, now + tail})
			}
		}
		synctest.Test(t, func(t *testing.T) {
			got, _, err := arrivals(streaming.Debounce(t.Context(), timed(gaps, tail, end), quiet))
			require.ErrorIs(t, err, end)
			require.Equal(t, want, got)
		})
	})
}

func TestTimeoutEachEndsAWaitThatIsTooLong(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		gaps, limit := drawGaps(rt), time.Duration(rapid.IntRange(0, 30).Draw(rt, "limit")*2+1)*ms
		tail := 20 * ms
		var want []arrival
		var wantErr error
		now := time.Duration(0)
		for i, gap := range append(gaps[:len(gaps):len(gaps)], tail) {
			if gap > limit {
				now += limit
				wantErr = &streaming.TimeoutError{After: limit}
				break
			}
			now += gap
			if i < len(gaps) {
				want = append(want, arrival{i, now})
			}
		}
		synctest.Test(t, func(t *testing.T) {
			got, end, err := arrivals(streaming.TimeoutEach(t.Context(), timed(gaps, tail, nil), limit))
			require.Equal(t, wantErr, err)
			require.Equal(t, want, got)
			require.Equal(t, now, end, "the source was not waited for")
		})
	})
}

func TestTimeoutEachDoesNotCountTheConsumersTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := timed([]time.Duration{5 * ms, 5 * ms, 5 * ms}, 5*ms, nil)
		n := 0
		err := streaming.ForEach(streaming.TimeoutEach(t.Context(), source, 7*ms), func(int) {
			n++
			<-time.After(time.Hour)
		})
		require.NoError(t, err)
		assert.Equal(t, 3, n)
	})
}

func TestTimeoutErrorIsADeadline(t *testing.T) {
	err := error(&streaming.TimeoutError{After: time.Second})
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.EqualError(t, err, "no element within 1s")
	var timeout interface{ Timeout() bool }
	require.ErrorAs(t, err, &timeout)
	assert.True(t, timeout.Timeout())
}

func TestRateLimitIsSharedByStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter := rate.NewLimiter(rate.Every(10*ms), 2)
		limited := func(ctx context.Context) ints {
			return streaming.RateLimit(ctx, streaming.RepeatN(1, 3), limiter)
		}
		got, end, err := arrivals(streaming.Merge(t.Context(), limited, limited))
		require.NoError(t, err)
		assert.Len(t, got, 6)
		assert.Equal(t, 40*ms, end, "a burst of two, then one every 10 ms")
	})
}

func TestRateLimitEndsWithWhatTheLimiterCannotAllow(t *testing.T) {
	_, err := streaming.Collect(streaming.RateLimit(t.Context(), streaming.Once(1), rate.NewLimiter(1, 0)))
	assert.ErrorContains(t, err, "exceeds limiter's burst")
}

// TestCancellationEndsEveryWait gives each adapter that waits a wait that would never end.
func TestCancellationEndsEveryWait(t *testing.T) {
	silence := func(ctx context.Context) ints { return streaming.FromChannel(ctx, make(chan int)) }
	then := func(ctx context.Context) ints { return streaming.Chain(streaming.Once(1), silence(ctx)) }
	forever := func(ctx context.Context, x int) (int, error) {
		<-ctx.Done()
		return x, nil
	}
	slow := rate.NewLimiter(rate.Every(time.Hour), 1)
	cases := map[string]struct {
		stream streaming.Source[int]
		want   []int
	}{
		"channel":      {silence, nil},
		"throttle":     {func(ctx context.Context) ints { return streaming.Throttle(ctx, streaming.Repeat(1), time.Hour) }, []int{1}},
		"rate limit":   {func(ctx context.Context) ints { return streaming.RateLimit(ctx, streaming.Repeat(1), slow) }, []int{1}},
		"timeout each": {func(ctx context.Context) ints { return streaming.TimeoutEach(ctx, then, time.Hour) }, []int{1}},
		"merge":        {func(ctx context.Context) ints { return streaming.Merge(ctx, silence, then) }, []int{1}},
		"buffered":     {func(ctx context.Context) ints { return streaming.Buffered(ctx, then, 2, forever) }, nil},
		"unordered":    {func(ctx context.Context) ints { return streaming.BufferUnordered(ctx, then, 2, forever) }, nil},
		"buffered full": {func(ctx context.Context) ints {
			return streaming.Buffered(ctx, streaming.Ready(streaming.Repeat(1)), 2, forever)
		}, nil},
		"debounce, whose last element is dropped": {func(ctx context.Context) ints {
			return streaming.Debounce(ctx, then, time.Hour)
		}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Minute, func() { cancel(errBoom) })
				got, err := streaming.Collect(c.stream(ctx))
				require.Equal(t, errBoom, err)
				assert.Equal(t, c.want, got)
			})
		})
	}
}
