package streaming

import (
	"context"
	"iter"
)

// Stream is a lazy sequence of elements. A pair has an element and a nil error, or the zero value and the error that
// ends the stream.
type Stream[T any] = iter.Seq2[T, error]

// Source makes a stream whose waits end when ctx does. It is how streams that wait are given to the adapters that run
// them in a goroutine: ctx ends when the adapter's run stops. A method of that shape, such as All of a [Channel], is a
// Source as it stands.
type Source[T any] = func(ctx context.Context) Stream[T]

// Ready makes a Source of a stream that never waits for long: one over a slice, a computation. The context is looked at
// before each element.
func Ready[T any](s Stream[T]) Source[T] {
	return func(ctx context.Context) Stream[T] { return WithContext(ctx, s) }
}

// WithContext passes s on and ends it when ctx ends. It looks before each element that it passes, and cannot end a wait
// inside s.
func WithContext[T any](ctx context.Context, s Stream[T]) Stream[T] {
	return func(yield func(T, error) bool) {
		if ctx.Err() != nil {
			fail(yield, context.Cause(ctx))
			return
		}
		each(s, yield, func(v T) bool {
			if ctx.Err() != nil {
				return fail(yield, context.Cause(ctx))
			}
			return yield(v, nil)
		})
	}
}

// drive calls visit with each element of s until it returns false, and returns the error that ended s. The source has
// stopped when it returns.
func drive[T any](s Stream[T], visit func(T) bool) error {
	for v, err := range s {
		if err != nil {
			return err
		}
		if !visit(v) {
			return nil
		}
	}
	return nil
}

// each is drive for adapters: the error goes to yield.
func each[T, U any](s Stream[T], yield func(U, error) bool, visit func(T) bool) {
	if err := drive(s, visit); err != nil {
		fail(yield, err)
	}
}

// emit yields v, or err if there is one, and reports whether more is wanted.
func emit[T any](yield func(T, error) bool, v T, err error) bool {
	if err != nil {
		return fail(yield, err)
	}
	return yield(v, nil)
}

// fail yields err as the last element. It returns false, for nothing follows.
func fail[T any](yield func(T, error) bool, err error) bool {
	var zero T
	yield(zero, err)
	return false
}
