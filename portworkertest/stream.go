package portworkertest

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"portworker"
	"portworker/etf"
)

// item is what Next returns: an element, or why an input was not taken.
type item struct {
	value etf.Raw
	fault *portworker.Error
}

// Stream is a stream that was opened with [OpenStream].
type Stream[T any] struct{ task *task }

// OpenStream opens a stream. Nothing is asked for yet.
func OpenStream[T any](c *Client, name string, args ...any) *Stream[T] {
	c.session.t.Helper()
	return &Stream[T]{c.start(kindStream, name, args)}
}

// Grant asks for n more elements, and waits for none.
func (s *Stream[T]) Grant(n int) {
	s.task.session.t.Helper()
	s.task.grant(n)
}

// Next returns the next element, and asks for one where all that was asked for has come. At the end it
// returns io.EOF, or the *portworker.Error that the stream ended with.
func (s *Stream[T]) Next() (T, error) {
	s.task.session.t.Helper()
	return next[T](s.task)
}

// All yields the elements, asking for each, and then the error if the stream ended with one. Leaving the loop
// cancels the stream.
func (s *Stream[T]) All() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		s.task.session.t.Helper()
		for {
			element, err := s.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(element, err) {
				s.task.cancel()
				return
			}
			if err != nil {
				return
			}
		}
	}
}

// Collect returns the elements that are left, asking for each, and the error if the stream ended with one.
func (s *Stream[T]) Collect() ([]T, error) {
	s.task.session.t.Helper()
	return collect[T](s.task)
}

// Cancel tells the stream to stop, and waits until it has ended. The receipt is empty where it had ended
// before.
func (s *Stream[T]) Cancel() Receipt {
	s.task.session.t.Helper()
	return s.task.cancel()
}

func (s *Stream[T]) reporter() *task { return s.task }

func (t *task) grant(n int) {
	t.session.t.Helper()
	if n <= 0 {
		t.session.t.Fatalf("portworkertest: Grant(%d): expected more than 0", n)
	}
	t.session.update(func() { t.credit += n })
	t.session.mustSend(etf.Tuple{etf.Atom("credit"), t.ref, n})
}

func next[T any](t *task) (out T, err error) {
	t.session.t.Helper()
	t.session.mu.Lock()
	ask := len(t.items) == 0 && t.credit == 0 && !t.ended
	t.session.mu.Unlock()
	if ask {
		t.grant(1)
	}
	var got *item
	t.await("an element, or the end,", func() bool {
		if len(t.items) > 0 {
			got, t.items = &t.items[0], t.items[1:]
		}
		return got != nil || t.ended
	})
	switch {
	case got != nil && got.fault != nil:
		return out, got.fault
	case got != nil:
		return decode[T](t.session, got.value, fmt.Sprintf("an element of %v", t)), nil
	case t.failure != nil:
		return out, t.failure
	}
	return out, io.EOF
}

func collect[T any](t *task) ([]T, error) {
	t.session.t.Helper()
	all := []T{}
	for {
		element, err := next[T](t)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, element)
	}
}
