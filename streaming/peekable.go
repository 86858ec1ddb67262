package streaming

import "iter"

// Peekable reads a stream element by element, and shows the next one before it is taken. It starts the stream at the
// first look. Close must be called when it is no longer needed, unless the stream was read to its end. Not for use by
// several goroutines at once.
type Peekable[T any] struct {
	source Stream[T]
	next   func() (T, error, bool)
	stop   func()
	head   T
	filled bool // head is an element not taken yet
	ended  bool
	err    error
}

// NewPeekable makes a Peekable of s. It holds one element.
func NewPeekable[T any](s Stream[T]) *Peekable[T] { return &Peekable[T]{source: s} }

// Peek returns the next element and leaves it where it is. At the end of the stream ok is false, and err is the error
// that ended it, now and at every later call.
func (p *Peekable[T]) Peek() (v T, ok bool, err error) {
	p.fill()
	return p.head, p.filled, p.err
}

// Next takes the next element; the end is as for Peek.
func (p *Peekable[T]) Next() (v T, ok bool, err error) {
	v, ok, err = p.Peek()
	p.clear()
	return v, ok, err
}

// NextIf takes the next element if holds is true for it. Otherwise it leaves it, and ok is false.
func (p *Peekable[T]) NextIf(holds func(T) bool) (v T, ok bool, err error) {
	v, ok, err = p.Peek()
	if !ok || !holds(v) {
		var zero T
		return zero, false, err
	}
	p.clear()
	return v, true, nil
}

// Stream streams what has not been taken. A consumer that stops leaves the rest, for another run or Next.
func (p *Peekable[T]) Stream() Stream[T] { return TryFromFunc(p.Next) }

// Close stops the stream, which has ended when Close returns. Afterwards there are no more elements. Closing again does
// nothing.
func (p *Peekable[T]) Close() {
	p.ended = true
	p.clear()
	if p.stop != nil {
		p.stop()
	}
}

// fill gets the next element, unless one is waiting.
func (p *Peekable[T]) fill() {
	if p.filled || p.ended {
		return
	}
	if p.next == nil {
		p.next, p.stop = iter.Pull2(p.source)
	}
	v, err, ok := p.next()
	if p.filled = ok && err == nil; p.filled {
		p.head = v
		return
	}
	p.ended, p.err = true, err
	p.stop()
}

func (p *Peekable[T]) clear() {
	var zero T
	p.head, p.filled = zero, false
}
