package streaming

import "sync/atomic"

// Take streams the first n elements, none if n is 0 or less. It does not ask for one more than that: an error after
// the n-th is not met.
func Take[T any](s Stream[T], n int) Stream[T] {
	return func(yield func(T, error) bool) {
		if n <= 0 {
			return
		}
		left := n
		each(s, yield, func(v T) bool {
			left--
			return yield(v, nil) && left > 0
		})
	}
}

// Skip leaves out the first n elements, none if n is 0 or less.
func Skip[T any](s Stream[T], n int) Stream[T] {
	return func(yield func(T, error) bool) {
		left := n
		each(s, yield, func(v T) bool {
			if left > 0 {
				left--
				return true
			}
			return yield(v, nil)
		})
	}
}

// TakeWhile streams the elements before the first that holds is false for; that one is asked for and lost.
func TakeWhile[T any](s Stream[T], holds func(T) bool) Stream[T] {
	return func(yield func(T, error) bool) {
		each(s, yield, func(v T) bool { return holds(v) && yield(v, nil) })
	}
}

// SkipWhile leaves out the elements before the first that holds is false for.
func SkipWhile[T any](s Stream[T], holds func(T) bool) Stream[T] {
	return func(yield func(T, error) bool) {
		skipping := true
		each(s, yield, func(v T) bool {
			skipping = skipping && holds(v)
			return skipping || yield(v, nil)
		})
	}
}

// Fuse makes the end of s final: after its end or error, further runs are empty and do not touch s. A run that its
// consumer stops leaves s as it is. It is for sources with a state of their own, as FromFunc may have.
func Fuse[T any](s Stream[T]) Stream[T] {
	var ended atomic.Bool
	return func(yield func(T, error) bool) {
		if ended.Load() {
			return
		}
		stopped := false
		err := drive(s, func(v T) bool {
			stopped = !yield(v, nil)
			return !stopped
		})
		ended.Store(!stopped)
		if err != nil {
			fail(yield, err)
		}
	}
}
