package streaming

import (
	"context"
	"sync"
)

// Queue is a bounded first-in first-out queue that any goroutine may close, at any time, also with senders waiting;
// what is in it by then is still received. That, and telling full from closed, is what it has over a channel: where
// the one sender closes, use a channel.
type Queue[T any] struct {
	items   chan T
	closing chan struct{}
	once    sync.Once

	// Senders hold it shared, so that items is closed with none of them inside.
	senders sync.RWMutex
}

// NewQueue makes a queue that holds up to capacity elements. It panics if capacity is less than 1.
func NewQueue[T any](capacity int) *Queue[T] {
	atLeastOne("NewQueue", capacity)
	return &Queue[T]{items: make(chan T, capacity), closing: make(chan struct{})}
}

// Send adds v, and waits for room. It returns ErrClosed if the queue is closed, or the cause of ctx if that ends first;
// v is in the queue only if the error is nil. Waiting senders are served in their order.
func (q *Queue[T]) Send(ctx context.Context, v T) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	q.senders.RLock()
	defer q.senders.RUnlock()
	if q.isClosing() {
		return ErrClosed
	}
	select {
	case q.items <- v:
		return nil
	case <-q.closing:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// TrySend adds v if there is room now, and otherwise returns ErrFull or ErrClosed.
func (q *Queue[T]) TrySend(v T) error {
	q.senders.RLock()
	defer q.senders.RUnlock()
	if q.isClosing() {
		return ErrClosed
	}
	select {
	case q.items <- v:
		return nil
	default:
		return ErrFull
	}
}

// Recv takes the oldest element, and waits for one. It returns ErrClosed once the queue is closed and empty, or the
// cause of ctx if that ends first.
func (q *Queue[T]) Recv(ctx context.Context) (T, error) {
	v, ok, err := receive(ctx, q.items)
	if err == nil && !ok {
		err = ErrClosed
	}
	return v, err
}

// TryRecv takes the oldest element if there is one now, and otherwise returns ErrEmpty, or ErrClosed once the queue is
// closed and empty.
func (q *Queue[T]) TryRecv() (T, error) {
	select {
	case v, ok := <-q.items:
		if !ok {
			return v, ErrClosed
		}
		return v, nil
	default:
		var none T
		return none, ErrEmpty
	}
}

// Stream streams what is received until the queue is closed and empty. Several runs share the elements.
func (q *Queue[T]) Stream(ctx context.Context) Stream[T] { return FromChannel(ctx, q.items) }

// Close refuses further elements: waiting senders return ErrClosed, and receivers get what is left. Closing again does
// nothing.
func (q *Queue[T]) Close() {
	q.once.Do(func() {
		close(q.closing)
		q.senders.Lock()
		defer q.senders.Unlock()
		close(q.items)
	})
}

// Len is how many elements wait; by the time it is looked at, it may have changed.
func (q *Queue[T]) Len() int { return len(q.items) }

// Cap is how many elements the queue holds at most.
func (q *Queue[T]) Cap() int { return cap(q.items) }

func (q *Queue[T]) isClosing() bool {
	select {
	case <-q.closing:
		return true
	default:
		return false
	}
}
