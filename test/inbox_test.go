package test

import (
	"sync"
	"time"
)

// An inbox keeps what the worker said until a scenario asks for it, in whatever
// order it asks: it is a mailbox with selective receive.
type inbox struct {
	mu      sync.Mutex
	queue   []Message
	closed  error // why no more will come
	arrived chan struct{}
}

func newInbox() *inbox { return &inbox{arrived: make(chan struct{}, 1)} }

func (b *inbox) put(messages ...Message) {
	b.mu.Lock()
	b.queue = append(b.queue, messages...)
	b.mu.Unlock()
	b.signal()
}

func (b *inbox) close(why error) {
	b.mu.Lock()
	b.closed = why
	b.mu.Unlock()
	b.signal()
}

func (b *inbox) signal() {
	select {
	case b.arrived <- struct{}{}:
	default:
	}
}

// take removes and returns the first message that matches. It returns false
// after the timeout, or as soon as no more messages can come.
func (b *inbox) take(match func(Message) bool, timeout time.Duration) (Message, bool) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	seen := 0 // of the queue, which only take itself makes shorter
	for {
		m, ok, over := b.tryTake(match, &seen)
		if ok || over {
			return m, ok
		}
		select {
		case <-b.arrived:
		case <-timer.C:
			return Message{}, false
		}
	}
}

func (b *inbox) tryTake(match func(Message) bool, seen *int) (m Message, ok, over bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for ; *seen < len(b.queue); *seen++ {
		if i, m := *seen, b.queue[*seen]; match(m) {
			if i == 0 {
				b.queue = b.queue[1:]
			} else {
				b.queue = append(b.queue[:i:i], b.queue[i+1:]...)
			}
			return m, true, false
		}
	}
	return Message{}, false, b.closed != nil
}

// rest is what nobody has taken, and why nothing follows (nil while more may).
func (b *inbox) rest() ([]Message, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Message(nil), b.queue...), b.closed
}
