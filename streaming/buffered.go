package streaming

import "context"

// Buffered streams fn of each element, in the order of the source, with up to n calls of fn at once. A call counts
// until the consumer takes its result, so that n is also the bound on results that wait; the source is read one element
// ahead. The first error in that order ends the stream; calls that have begun by then are cancelled and waited for. It
// runs the source in a goroutine and each call in another. It panics if n is less than 1.
func Buffered[T, U any](ctx context.Context, source Source[T], n int, fn func(context.Context, T) (U, error)) Stream[U] {
	atLeastOne("Buffered", n)
	return func(yield func(U, error) bool) {
		c := newCrew(ctx)
		defer c.stop()
		places := make(chan struct{}, n)
		queue := make(chan (<-chan item[U]), n) // never full: what is in it has a place
		c.start(func() {
			defer close(queue)
			err := callEach(c, source, places, func(v T) { queue <- call(c, fn, v) })
			if err != nil && send(c.ctx, places, struct{}{}) {
				queue <- failed[U](err)
			}
		})
		inOrder(c, queue, places)(yield)
	}
}

// BufferUnordered is [Buffered] without the order: results come as they are ready, and the first error to be ready ends
// the stream. The error of the source comes after the results of the elements before it.
func BufferUnordered[T, U any](ctx context.Context, source Source[T], n int, fn func(context.Context, T) (U, error)) Stream[U] {
	atLeastOne("BufferUnordered", n)
	return func(yield func(U, error) bool) {
		c := newCrew(ctx)
		defer c.stop()
		places := make(chan struct{}, n)
		out := make(chan item[U])
		c.start(func() {
			err := callEach(c, source, places, func(v T) {
				c.start(func() {
					u, err := fn(c.ctx, v)
					send(c.ctx, out, item[U]{u, err})
					<-places
				})
			})
			// With all places taken, all calls have handed over their results.
			for range n {
				if !send(c.ctx, places, struct{}{}) {
					return // some have not, and out stays open for them
				}
			}
			if err != nil {
				send(c.ctx, out, item[U]{err: err})
			}
			close(out)
		})
		deliver(c, out)(yield)
	}
}

// callEach calls start with each element of source once it has a place, and returns the error that ended the source.
func callEach[T any](c *crew, source Source[T], places chan<- struct{}, start func(T)) error {
	return drive(source(c.ctx), func(v T) bool {
		if !send(c.ctx, places, struct{}{}) {
			return false
		}
		start(v)
		return true
	})
}

// call runs fn in a goroutine. The channel has room for its result.
func call[T, U any](c *crew, fn func(context.Context, T) (U, error), v T) <-chan item[U] {
	result := make(chan item[U], 1)
	c.start(func() {
		u, err := fn(c.ctx, v)
		result <- item[U]{u, err}
	})
	return result
}

// failed is the result of a call that there was no element for.
func failed[U any](err error) <-chan item[U] {
	result := make(chan item[U], 1)
	result <- item[U]{err: err}
	return result
}

// inOrder streams the results of the calls in queue, and frees the place of each as it takes it.
func inOrder[U any](c *crew, queue <-chan (<-chan item[U]), places <-chan struct{}) Stream[U] {
	return TryFromFunc(func() (none U, ok bool, err error) {
		result, ok, err := next(c, queue, nil)
		if !ok {
			return none, false, err
		}
		u, ok, err := nextElement(c, result, nil)
		<-places
		return u, ok, err
	})
}
