package streaming

import (
	"context"
	"iter"
	"slices"
)

// FromSlice streams the elements of values, which it does not copy.
func FromSlice[T any](values []T) Stream[T] { return FromSeq(slices.Values(values)) }

// FromSeq streams what seq yields.
func FromSeq[T any](seq iter.Seq[T]) Stream[T] {
	return func(yield func(T, error) bool) {
		for v := range seq {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// FromChannel streams what is received from ch until it is closed. A run goes on where the last one stopped. It takes
// nothing from ch once ctx has ended.
func FromChannel[T any](ctx context.Context, ch <-chan T) Stream[T] {
	return func(yield func(T, error) bool) {
		for {
			v, ok, err := receive(ctx, ch)
			if err != nil {
				fail(yield, err)
				return
			}
			if !ok || !yield(v, nil) {
				return
			}
		}
	}
}

// receive waits for a value from ch; ok is false when it is closed. The error is the cause of ctx, which comes before
// any value.
func receive[T any](ctx context.Context, ch <-chan T) (v T, ok bool, err error) {
	if ctx.Err() != nil {
		return v, false, context.Cause(ctx)
	}
	select {
	case v, ok = <-ch:
		return v, ok, nil
	case <-ctx.Done():
		return v, false, context.Cause(ctx)
	}
}

// Empty is the stream without elements.
func Empty[T any]() Stream[T] { return func(func(T, error) bool) {} }

// Once streams v alone.
func Once[T any](v T) Stream[T] { return RepeatN(v, 1) }

// Fail streams err alone.
func Fail[T any](err error) Stream[T] {
	return func(yield func(T, error) bool) { fail(yield, err) }
}

// Repeat streams v without end.
func Repeat[T any](v T) Stream[T] {
	return func(yield func(T, error) bool) {
		for yield(v, nil) {
		}
	}
}

// RepeatN streams v n times: not at all if n is 0 or less.
func RepeatN[T any](v T, n int) Stream[T] { return Take(Repeat(v), n) }

// FromFunc streams what next returns until ok is false. A run after the end calls next again, but for [Fuse].
func FromFunc[T any](next func() (v T, ok bool)) Stream[T] {
	return TryFromFunc(func() (T, bool, error) {
		v, ok := next()
		return v, ok, nil
	})
}

// TryFromFunc is [FromFunc] of a function that may fail; its error counts before ok.
func TryFromFunc[T any](next func() (v T, ok bool, err error)) Stream[T] {
	return func(yield func(T, error) bool) {
		for {
			v, ok, err := next()
			if err == nil && !ok || !emit(yield, v, err) {
				return
			}
		}
	}
}

// Unfold streams elements made from a state: step returns an element and the state for the next one, until ok is false.
func Unfold[S, T any](initial S, step func(S) (v T, next S, ok bool)) Stream[T] {
	return TryUnfold(initial, func(s S) (T, S, bool, error) {
		v, next, ok := step(s)
		return v, next, ok, nil
	})
}

// TryUnfold is [Unfold] of a function that may fail; its error counts before ok.
func TryUnfold[S, T any](initial S, step func(S) (v T, next S, ok bool, err error)) Stream[T] {
	return func(yield func(T, error) bool) {
		state := initial
		TryFromFunc(func() (v T, ok bool, err error) {
			v, state, ok, err = step(state)
			return v, ok, err
		})(yield)
	}
}
