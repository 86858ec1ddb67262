package streaming

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/time/rate"
)

// Interval streams the time every period, the first after one, until ctx ends. A consumer that is busy for longer finds
// one tick waiting, and the others are lost. It panics if period is not positive.
func Interval(ctx context.Context, period time.Duration) Stream[time.Time] {
	if period <= 0 {
		panic(fmt.Sprintf("streaming.Interval: period %v, expected more than 0", period))
	}
	return func(yield func(time.Time, error) bool) {
		ticker := time.NewTicker(period)
		defer ticker.Stop()
		FromChannel(ctx, ticker.C)(yield)
	}
}

// Throttle slows s down: each element comes at least gap after the one before. It drops none; RateLimit allows bursts.
func Throttle[T any](ctx context.Context, s Stream[T], gap time.Duration) Stream[T] {
	return func(yield func(T, error) bool) {
		timer := time.NewTimer(0) // over at once: the first element passes
		defer timer.Stop()
		each(s, yield, func(v T) bool {
			if _, _, err := receive(ctx, timer.C); err != nil {
				return fail(yield, err)
			}
			timer.Reset(gap)
			return yield(v, nil)
		})
	}
}

// RateLimit has each element wait for limiter, which several streams may share and which bounds the rate and the burst
// of all of them. An element that the limiter can never allow, or not before the deadline of ctx, ends the stream with
// the limiter's error.
func RateLimit[T any](ctx context.Context, s Stream[T], limiter *rate.Limiter) Stream[T] {
	return TryMap(s, func(v T) (T, error) {
		err := limiter.Wait(ctx)
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return v, err
	})
}
