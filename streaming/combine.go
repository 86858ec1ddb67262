package streaming

import "iter"

// Pair is an element of each of two streams. On the wire it is a tuple of two.
type Pair[A, B any] struct {
	_      struct{} `etf:",tuple"`
	First  A
	Second B
}

// Indexed is an element with its index from 0. On the wire it is a tuple, the value first.
type Indexed[T any] struct {
	_     struct{} `etf:",tuple"`
	Value T
	Index int
}

// Chain streams the elements of one stream after the other. An error ends it: the streams that follow are not run.
func Chain[T any](streams ...Stream[T]) Stream[T] { return Flatten(FromSlice(streams)) }

// Flatten streams the elements of each stream that s has, one stream after the other.
func Flatten[T any](s Stream[Stream[T]]) Stream[T] {
	return func(yield func(T, error) bool) {
		each(s, yield, func(inner Stream[T]) bool {
			stopped := false
			err := drive(inner, func(v T) bool {
				stopped = !yield(v, nil)
				return !stopped
			})
			if err != nil {
				return fail(yield, err)
			}
			return !stopped
		})
	}
}

// Zip streams the first elements of a and b as a pair, then the second ones, until either ends. An element of a that b
// has no partner for is lost. Where both have an error, that of a counts.
func Zip[A, B any](a Stream[A], b Stream[B]) Stream[Pair[A, B]] {
	return func(yield func(Pair[A, B], error) bool) {
		next, stop := iter.Pull2(b)
		defer stop()
		each(a, yield, func(first A) bool {
			second, err, ok := next()
			return ok && emit(yield, Pair[A, B]{First: first, Second: second}, err)
		})
	}
}

// Enumerate streams the elements with their index.
func Enumerate[T any](s Stream[T]) Stream[Indexed[T]] {
	return func(yield func(Indexed[T], error) bool) {
		index := 0
		each(s, yield, func(v T) bool {
			at := index
			index++
			return yield(Indexed[T]{Value: v, Index: at}, nil)
		})
	}
}
