package streaming

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What the primitives answer when they cannot do what was asked, by themselves and not wrapped.
var (
	// ErrClosed says that the other end, or the whole, has been closed, and that nothing is left to receive.
	ErrClosed = errors.New("closed")
	// ErrFull says that a queue has no room now.
	ErrFull = errors.New("full")
	// ErrEmpty says that there is nothing to receive now.
	ErrEmpty = errors.New("empty")
	// ErrSent says that a oneshot has had its value already.
	ErrSent = errors.New("sent already")
	// ErrDropped says that the sender of a oneshot has given up without a value.
	ErrDropped = errors.New("dropped without a value")
)

// TimeoutError ends a stream that had no element for longer than [TimeoutEach] allows. It is a
// context.DeadlineExceeded to errors.Is.
type TimeoutError struct {
	After time.Duration // how long it waited
}

func (e *TimeoutError) Error() string { return fmt.Sprintf("no element within %v", e.After) }

// Timeout reports true, as for every error of the standard library that is a timeout.
func (e *TimeoutError) Timeout() bool { return true }

// Unwrap returns context.DeadlineExceeded.
func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }

// LaggedError tells a subscriber of a [Broadcast] how many values were overwritten before it received them. The next
// receive goes on with the oldest that is kept.
type LaggedError struct {
	Missed uint64 // at least 1
}

func (e *LaggedError) Error() string { return fmt.Sprintf("lagged behind: %d values missed", e.Missed) }

// PanicError is what a panic in a goroutine of a stream is raised again with, in the goroutine of the consumer.
type PanicError struct {
	Value any    // what the function panicked with
	Stack []byte // of the goroutine it panicked in
}

// Error has the stack too: a panic that nobody recovers shows where it began.
func (e *PanicError) Error() string { return fmt.Sprintf("%v\n\n%s", e.Value, e.Stack) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
