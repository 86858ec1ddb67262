package streaming

import (
	"context"
	"time"
)

// Debounce streams an element once no other has followed it for quiet; one that is followed sooner is dropped. At the
// end of the source, or its error, the last element comes at once; when ctx ends it is dropped. While the consumer is
// busy the source is not listened to. It runs the source in a goroutine, which reads one element ahead, and holds one
// more.
func Debounce[T any](ctx context.Context, source Source[T], quiet time.Duration) Stream[T] {
	return func(yield func(T, error) bool) {
		c := newCrew(ctx)
		defer c.stop()
		in := run(c, source)
		timer := time.NewTimer(quiet)
		defer timer.Stop()
		ended, failure := false, error(nil)
		TryFromFunc(func() (last T, ok bool, err error) {
			if ended {
				return last, false, failure
			}
			last, ok, err = nextElement(c, in, nil)
			for ok {
				timer.Reset(quiet)
				newer, more, err := nextElement(c, in, timer.C)
				switch {
				case more:
					last = newer
				case err == errElapsed:
					return last, true, nil
				case c.ctx.Err() != nil:
					return newer, false, c.cut()
				default:
					ended, failure = true, err
					return last, true, nil
				}
			}
			return last, false, err
		})(yield)
	}
}

// TimeoutEach passes source on and ends with a [*TimeoutError] when an element, the first or a later one, takes longer
// than limit. The time a busy consumer takes does not count. It runs the source in a goroutine, which reads one element
// ahead.
func TimeoutEach[T any](ctx context.Context, source Source[T], limit time.Duration) Stream[T] {
	return func(yield func(T, error) bool) {
		c := newCrew(ctx)
		defer c.stop()
		in := run(c, source)
		timer := time.NewTimer(limit)
		defer timer.Stop()
		TryFromFunc(func() (T, bool, error) {
			timer.Reset(limit)
			v, ok, err := nextElement(c, in, timer.C)
			if err == errElapsed {
				err = &TimeoutError{After: limit}
			}
			return v, ok, err
		})(yield)
	}
}
