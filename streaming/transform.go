package streaming

// Map streams fn of each element.
func Map[T, U any](s Stream[T], fn func(T) U) Stream[U] {
	return func(yield func(U, error) bool) {
		each(s, yield, func(v T) bool { return yield(fn(v), nil) })
	}
}

// TryMap is [Map] of a function that may fail.
func TryMap[T, U any](s Stream[T], fn func(T) (U, error)) Stream[U] {
	return func(yield func(U, error) bool) {
		each(s, yield, func(v T) bool {
			u, err := fn(v)
			return emit(yield, u, err)
		})
	}
}

// Filter streams the elements that keep holds for.
func Filter[T any](s Stream[T], keep func(T) bool) Stream[T] {
	return func(yield func(T, error) bool) {
		each(s, yield, func(v T) bool { return !keep(v) || yield(v, nil) })
	}
}

// TryFilter is [Filter] by a function that may fail.
func TryFilter[T any](s Stream[T], keep func(T) (bool, error)) Stream[T] {
	return TryFilterMap(s, func(v T) (T, bool, error) {
		ok, err := keep(v)
		return v, ok, err
	})
}

// FilterMap streams what fn makes of the elements for which ok is true.
func FilterMap[T, U any](s Stream[T], fn func(T) (u U, ok bool)) Stream[U] {
	return TryFilterMap(s, func(v T) (U, bool, error) {
		u, ok := fn(v)
		return u, ok, nil
	})
}

// TryFilterMap is [FilterMap] by a function that may fail; its error counts before ok.
func TryFilterMap[T, U any](s Stream[T], fn func(T) (u U, ok bool, err error)) Stream[U] {
	return func(yield func(U, error) bool) {
		each(s, yield, func(v T) bool {
			u, ok, err := fn(v)
			return err == nil && !ok || emit(yield, u, err)
		})
	}
}

// Inspect calls look with each element before it passes it on.
func Inspect[T any](s Stream[T], look func(T)) Stream[T] {
	return Map(s, func(v T) T {
		look(v)
		return v
	})
}

// Scan streams the states of a fold: for each element the state after it. The initial state is not among them.
func Scan[T, A any](s Stream[T], initial A, fn func(state A, v T) A) Stream[A] {
	return func(yield func(A, error) bool) {
		state := initial
		each(s, yield, func(v T) bool {
			state = fn(state, v)
			return yield(state, nil)
		})
	}
}

// TryScan is [Scan] by a function that may fail.
func TryScan[T, A any](s Stream[T], initial A, fn func(state A, v T) (A, error)) Stream[A] {
	return func(yield func(A, error) bool) {
		state := initial
		each(s, yield, func(v T) (more bool) {
			var err error
			state, err = fn(state, v)
			return emit(yield, state, err)
		})
	}
}

// Dedup leaves out the elements that are == to the one before. Equal elements that are apart stay.
func Dedup[T comparable](s Stream[T]) Stream[T] {
	return DedupBy(s, func(v T) T { return v })
}

// DedupBy leaves out the elements whose key is == to the key of the one before.
func DedupBy[T any, K comparable](s Stream[T], key func(T) K) Stream[T] {
	return func(yield func(T, error) bool) {
		var last K
		begun := false
		each(s, yield, func(v T) bool {
			k := key(v)
			if begun && k == last {
				return true
			}
			last, begun = k, true
			return yield(v, nil)
		})
	}
}
