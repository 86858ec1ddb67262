package streaming

// ForEach calls fn with each element.
func ForEach[T any](s Stream[T], fn func(T)) error {
	return drive(s, func(v T) bool {
		fn(v)
		return true
	})
}

// TryForEach calls fn with each element until one fails, and returns that error or the stream's.
func TryForEach[T any](s Stream[T], fn func(T) error) error {
	var failed error
	err := drive(s, func(v T) bool {
		failed = fn(v)
		return failed == nil
	})
	if failed != nil {
		return failed
	}
	return err
}

// Fold returns the state after the last element: fn makes the next one of each state and element. With an error it
// returns the state by then.
func Fold[T, A any](s Stream[T], initial A, fn func(state A, v T) A) (A, error) {
	state := initial
	err := drive(s, func(v T) bool {
		state = fn(state, v)
		return true
	})
	return state, err
}

// TryFold is [Fold] by a function that may fail; with its error it returns the state before that call.
func TryFold[T, A any](s Stream[T], initial A, fn func(state A, v T) (A, error)) (A, error) {
	state := initial
	err := TryForEach(s, func(v T) error {
		next, err := fn(state, v)
		if err == nil {
			state = next
		}
		return err
	})
	return state, err
}

// Reduce is [Fold] that begins with the first element. ok is false for a stream without elements.
func Reduce[T any](s Stream[T], fn func(state, v T) T) (result T, ok bool, err error) {
	err = drive(s, func(v T) bool {
		if ok {
			v = fn(result, v)
		}
		result, ok = v, true
		return true
	})
	return result, ok, err
}

// Collect returns all elements, nil if there are none. It has no bound but the stream's. With an error it returns the
// elements before it.
func Collect[T any](s Stream[T]) ([]T, error) {
	var values []T
	err := drive(s, func(v T) bool {
		values = append(values, v)
		return true
	})
	return values, err
}

// Find returns the first element that holds is true for, and stops there. ok is false if there is none.
func Find[T any](s Stream[T], holds func(T) bool) (found T, ok bool, err error) {
	err = drive(s, func(v T) bool {
		if ok = holds(v); ok {
			found = v
		}
		return !ok
	})
	return found, ok, err
}

// Position returns the index, from 0, of the first element that holds is true for, and stops there. It is -1 if there
// is none.
func Position[T any](s Stream[T], holds func(T) bool) (int, error) {
	found, ok, err := Find(Enumerate(s), func(e Indexed[T]) bool { return holds(e.Value) })
	if !ok {
		return -1, err
	}
	return found.Index, nil
}

// Any reports whether holds is true for an element, and stops at the first.
func Any[T any](s Stream[T], holds func(T) bool) (bool, error) {
	_, ok, err := Find(s, holds)
	return ok, err
}

// All reports whether holds is true for every element, and stops at the first that it is false for. It is false with
// an error.
func All[T any](s Stream[T], holds func(T) bool) (bool, error) {
	failed, err := Any(s, func(v T) bool { return !holds(v) })
	return !failed && err == nil, err
}

// Count returns how many elements there are; with an error, how many came before it.
func Count[T any](s Stream[T]) (int, error) {
	return Fold(s, 0, func(n int, _ T) int { return n + 1 })
}

// Last returns the last element; ok is false if there is none. With an error it is the one before it.
func Last[T any](s Stream[T]) (last T, ok bool, err error) {
	return Reduce(s, func(_, v T) T { return v })
}

// Nth returns the element with index n, from 0, and stops there. ok is false if there are not so many, or n is
// negative, for which nothing is read.
func Nth[T any](s Stream[T], n int) (v T, ok bool, err error) {
	if n < 0 {
		return v, false, nil
	}
	return Find(Skip(s, n), func(T) bool { return true })
}
