package streaming

import "context"

// Merge streams the elements of all sources as they come, until the last source has ended. Each source keeps its own
// order; which of several ready ones comes next is chance. The first error ends it. It runs each source in a goroutine,
// which reads one element ahead.
func Merge[T any](ctx context.Context, sources ...Source[T]) Stream[T] {
	return func(yield func(T, error) bool) {
		c := newCrew(ctx)
		defer c.stop()
		deliver(c, run(c, sources...))(yield)
	}
}
