package streaming

import "fmt"

// growAhead is how many elements of a chunk get room before they come: a large chunk of a short stream stays small.
const growAhead = 1024

// Chunks streams the elements in slices of n, the last of which may be shorter. Each is the consumer's to keep. What
// came before an error is delivered as a shorter chunk before it. It holds up to n elements, and panics if n is less
// than 1.
func Chunks[T any](s Stream[T], n int) Stream[[]T] {
	atLeastOne("Chunks", n)
	return func(yield func([]T, error) bool) {
		var chunk []T
		stopped := false
		err := drive(s, func(v T) bool {
			if chunk == nil {
				chunk = make([]T, 0, min(n, growAhead))
			}
			if chunk = append(chunk, v); len(chunk) < n {
				return true
			}
			full := chunk
			chunk = nil
			stopped = !yield(full, nil)
			return !stopped
		})
		if stopped || len(chunk) > 0 && !yield(chunk, nil) || err == nil {
			return
		}
		fail(yield, err)
	}
}

// Windows streams each run of n elements that follow one another: 1 2 3, then 2 3 4. A stream of fewer than n has none.
// Each slice is the consumer's to keep. It holds n elements, and panics if n is less than 1.
func Windows[T any](s Stream[T], n int) Stream[[]T] {
	atLeastOne("Windows", n)
	return func(yield func([]T, error) bool) {
		var recent []T
		each(s, yield, func(v T) bool {
			if recent = append(recent, v); len(recent) < n {
				return true
			}
			window := recent
			recent = append(make([]T, 0, n), window[1:]...)
			return yield(window, nil)
		})
	}
}

// atLeastOne panics, with the name of the function, for a size that makes no sense.
func atLeastOne(name string, n int) {
	if n < 1 {
		panic(fmt.Sprintf("streaming.%s: size %d, expected 1 or more", name, n))
	}
}
