package streaming

import (
	"context"
	"sync"
)

// Oneshot passes one value from a goroutine to those that wait for it, and tells each side when the other has given up.
// A channel with room for one does it where nobody gives up.
type Oneshot[T any] struct {
	settled chan struct{} // closed once the outcome stands
	closed  chan struct{} // closed once nobody waits for the value

	mu    sync.Mutex
	value T
	err   error // ErrDropped, or ErrClosed: how it settled without a value
	done  bool
}

// NewOneshot makes a Oneshot.
func NewOneshot[T any]() *Oneshot[T] {
	return &Oneshot[T]{settled: make(chan struct{}), closed: make(chan struct{})}
}

// Send gives the value, and never waits. It returns ErrSent after an earlier Send, ErrDropped after Drop and ErrClosed
// after Close.
func (o *Oneshot[T]) Send(v T) error { return o.settle(v, nil) }

// Drop says that no value will come: Recv returns ErrDropped. After Send or Close it does nothing, so that a sender can
// defer it.
func (o *Oneshot[T]) Drop() {
	var none T
	_ = o.settle(none, ErrDropped)
}

// Close says that nobody waits for the value: Send returns ErrClosed, and Recv too. After Send or Drop it does nothing,
// so that a receiver can defer it.
func (o *Oneshot[T]) Close() {
	var none T
	if o.settle(none, ErrClosed) == nil {
		close(o.closed)
	}
}

// Closed returns a channel that is closed by Close before a value was sent, for a sender to stop work that nobody waits
// for.
func (o *Oneshot[T]) Closed() <-chan struct{} { return o.closed }

// Recv waits for the value. Every call, at once or later, gets the same. It returns ErrDropped if the sender gave up,
// ErrClosed after Close, and the cause of ctx if that ends first, which leaves the Oneshot as it is.
func (o *Oneshot[T]) Recv(ctx context.Context) (T, error) {
	if _, _, err := receive(ctx, o.settled); err != nil {
		var none T
		return none, err
	}
	return o.value, o.err
}

// TryRecv is Recv without waiting: ErrEmpty says that nothing has come yet.
func (o *Oneshot[T]) TryRecv() (T, error) {
	select {
	case <-o.settled:
		return o.value, o.err
	default:
		var none T
		return none, ErrEmpty
	}
}

// settle fixes the outcome if there is none yet, and otherwise returns what the first one was.
func (o *Oneshot[T]) settle(v T, err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case !o.done:
		o.value, o.err, o.done = v, err, true
		close(o.settled)
		return nil
	case o.err == nil:
		return ErrSent
	default:
		return o.err
	}
}
