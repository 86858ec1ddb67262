package streaming

import (
	"context"
	"sync"
)

// Broadcast passes every value to all of its subscribers and never waits for one. It keeps the last values, up to its
// capacity; a subscriber that falls further behind misses the oldest, and is told how many. Where no value may be
// missed, give each receiver a [Queue].
type Broadcast[T any] struct {
	mu        sync.Mutex
	ring      []T
	sent      uint64        // values sent so far; the next goes to ring[sent%len(ring)]
	news      chan struct{} // closed at the next value or at Close; nil while nobody waits
	listeners int
	closed    bool
}

// NewBroadcast makes a Broadcast that keeps the last capacity values. It panics if capacity is less than 1.
func NewBroadcast[T any](capacity int) *Broadcast[T] {
	atLeastOne("NewBroadcast", capacity)
	return &Broadcast[T]{ring: make([]T, capacity)}
}

// Send passes v to those who are subscribed now, and returns how many they are. Without any, v is gone. It returns
// ErrClosed after Close.
func (b *Broadcast[T]) Send(v T) (listeners int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, ErrClosed
	}
	if b.listeners > 0 {
		b.ring[b.sent%uint64(len(b.ring))] = v
		b.sent++
		b.wake()
	}
	return b.listeners, nil
}

// Subscribe returns a subscription to the values that are sent from now on. It is to be closed.
func (b *Broadcast[T]) Subscribe() *Subscription[T] {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listeners++
	return &Subscription[T]{from: b, read: b.sent}
}

// Listeners is how many subscriptions are open.
func (b *Broadcast[T]) Listeners() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.listeners
}

// Close ends the broadcast: subscribers receive what is kept for them, then ErrClosed. Closing again does nothing.
func (b *Broadcast[T]) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.wake()
}

// wake lets those who wait look again. It is called with the lock held.
func (b *Broadcast[T]) wake() {
	if b.news != nil {
		close(b.news)
		b.news = nil
	}
}

// Subscription is one subscriber's place in a [Broadcast]. Where several goroutines receive from it, each value goes to
// one of them.
type Subscription[T any] struct {
	from *Broadcast[T]
	// Under the lock of from:
	read   uint64 // values received or missed, counted as from.sent
	closed bool
}

// Recv waits for the next value. It returns a [*LaggedError] if values were missed, after which the next call goes on
// with the oldest that is kept; ErrClosed once the broadcast is closed and everything received, or the subscription is
// closed; and the cause of ctx if that ends first.
func (s *Subscription[T]) Recv(ctx context.Context) (T, error) {
	for ctx.Err() == nil {
		v, news, err := s.look()
		if err != ErrEmpty {
			return v, err
		}
		select {
		case <-news:
		case <-ctx.Done():
		}
	}
	var none T
	return none, context.Cause(ctx)
}

// TryRecv is Recv without waiting: ErrEmpty says that there is no value now.
func (s *Subscription[T]) TryRecv() (T, error) {
	s.from.mu.Lock()
	defer s.from.mu.Unlock()
	return s.take()
}

// Stream streams the values until the broadcast is closed. Missing some ends it with the [*LaggedError]; another run
// goes on after them.
func (s *Subscription[T]) Stream(ctx context.Context) Stream[T] {
	return TryFromFunc(func() (v T, ok bool, err error) {
		v, err = s.Recv(ctx)
		if err == ErrClosed {
			return v, false, nil
		}
		return v, true, err
	})
}

// Len is how many values wait, those that were missed not among them.
func (s *Subscription[T]) Len() int {
	s.from.mu.Lock()
	defer s.from.mu.Unlock()
	if s.closed {
		return 0
	}
	return int(min(s.from.sent-s.read, uint64(len(s.from.ring))))
}

// Close ends the subscription; who waits in Recv gets ErrClosed. Closing again does nothing.
func (s *Subscription[T]) Close() {
	b := s.from
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	b.listeners--
	if b.listeners == 0 {
		clear(b.ring) // nobody will read what it holds
	}
	b.wake()
}

// look is take for those who would wait: with ErrEmpty it returns the channel that is closed when there is news.
func (s *Subscription[T]) look() (v T, news <-chan struct{}, err error) {
	b := s.from
	b.mu.Lock()
	defer b.mu.Unlock()
	v, err = s.take()
	if err == ErrEmpty && b.news == nil {
		b.news = make(chan struct{})
	}
	return v, b.news, err
}

// take takes the next value. It is called with the lock held.
func (s *Subscription[T]) take() (v T, err error) {
	b := s.from
	kept := uint64(len(b.ring))
	switch behind := b.sent - s.read; {
	case s.closed:
		return v, ErrClosed
	case behind > kept:
		s.read = b.sent - kept
		return v, &LaggedError{Missed: behind - kept}
	case behind > 0:
		v = b.ring[s.read%kept]
		s.read++
		return v, nil
	case b.closed:
		return v, ErrClosed
	default:
		return v, ErrEmpty
	}
}
