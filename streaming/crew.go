package streaming

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// crew is the goroutines of one run of a stream: started by it, cancelled and waited for at its end. What ends one of
// them in an unusual way, a panic or runtime.Goexit, ends all and is repeated in the consumer's goroutine.
type crew struct {
	outer   context.Context // the run's own
	ctx     context.Context // ends with outer, at stop, or when a goroutine breaks
	cancel  context.CancelFunc
	members sync.WaitGroup

	mu     sync.Mutex
	broken *PanicError // the first panic
	exited bool        // a goroutine left by runtime.Goexit
}

func newCrew(ctx context.Context) *crew {
	c := &crew{outer: ctx}
	c.ctx, c.cancel = context.WithCancel(ctx)
	return c
}

// start runs work in a goroutine of the crew.
func (c *crew) start(work func()) {
	c.members.Go(func() {
		returned := false
		defer func() {
			if !returned {
				c.fall(recover())
			}
		}()
		work()
		returned = true
	})
}

// fall notes how a goroutine broke, and cancels the others. A nil value means runtime.Goexit, since a panic never has
// one.
func (c *crew) fall(value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	broken, inner := value.(*PanicError) // of a stream inside this one, whose stack is the one that tells
	if !inner {
		broken = &PanicError{Value: value, Stack: debug.Stack()}
	}
	switch {
	case value == nil:
		c.exited = true
	case c.broken == nil:
		c.broken = broken
	}
	c.cancel()
}

// stop cancels the goroutines and waits for them. It is to be deferred in the consumer's goroutine, where it repeats
// what broke one of them.
func (c *crew) stop() {
	c.cancel()
	c.members.Wait()
	switch {
	case c.broken != nil:
		panic(c.broken)
	case c.exited:
		runtime.Goexit()
	}
}

// item is an element on its way between goroutines.
type item[T any] struct {
	value T
	err   error
}

// run ranges over each source in a goroutine of its own, which sends the elements, and the error that ends the source,
// to the channel it returns. The channel is closed after the last source has ended.
func run[T any](c *crew, sources ...Source[T]) <-chan item[T] {
	out := make(chan item[T])
	if len(sources) == 0 {
		close(out)
		return out
	}
	var left atomic.Int64
	left.Store(int64(len(sources)))
	for _, source := range sources {
		c.start(func() {
			err := drive(source(c.ctx), func(v T) bool { return send(c.ctx, out, item[T]{value: v}) })
			if err != nil {
				send(c.ctx, out, item[T]{err: err})
			}
			if left.Add(-1) == 0 {
				close(out)
			}
		})
	}
	return out
}

// send reports whether v was taken before ctx ended. It never is once ctx has ended, for what a source says then, of
// its own cancellation, is no news to the consumer.
func send[T any](ctx context.Context, out chan<- T, v T) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case out <- v:
		return true
	case <-ctx.Done():
		return false
	}
}

// errElapsed says that the timeout of next came first. It stays inside the package.
var errElapsed = errors.New("elapsed")

// next waits for what a goroutine of the crew sends, or for timeout, nil for none; ok is false at the end of in. Once
// the crew's context has ended it gives nothing more: the error is the cause if the run's own has ended, and nil if a
// goroutine broke, for stop repeats that.
func next[T any](c *crew, in <-chan T, timeout <-chan time.Time) (v T, ok bool, err error) {
	select {
	case v, ok = <-in:
	case <-timeout:
		err = errElapsed
	case <-c.ctx.Done():
	}
	if c.ctx.Err() == nil {
		return v, ok, err
	}
	var none T
	return none, false, c.cut()
}

// cut is the error of a run whose crew's context has ended.
func (c *crew) cut() error {
	if c.outer.Err() == nil {
		return nil
	}
	return context.Cause(c.outer)
}

// nextElement is next of items: ok is false for one with an error, too.
func nextElement[T any](c *crew, in <-chan item[T], timeout <-chan time.Time) (v T, ok bool, err error) {
	it, ok, err := next(c, in, timeout)
	if ok {
		err = it.err
	}
	return it.value, ok && err == nil, err
}

// deliver streams the elements that are received from in.
func deliver[T any](c *crew, in <-chan item[T]) Stream[T] {
	return TryFromFunc(func() (T, bool, error) { return nextElement(c, in, nil) })
}
