package protocol

import (
	"strings"
	"time"

	"portworker/etf"
)

// Reason says which of a closed list of things went wrong. It travels as an
// atom.
type Reason string

// The reasons. A client can rely on this list: nothing else is ever sent.
const (
	UnknownFunction Reason = "unknown_function" // no function of that name is registered
	BadArgs         Reason = "bad_args"         // the arguments do not fit the function
	BadMessage      Reason = "bad_message"      // a term that is no message, or a message of the wrong shape
	BadFrame        Reason = "bad_frame"        // bytes that are no term
	FrameTooLarge   Reason = "frame_too_large"  // a packet over the limit
	DuplicateRef    Reason = "duplicate_ref"    // the ref belongs to a task that has not ended
	Cancelled       Reason = "cancelled"        // by the client, or because its owner died
	Timeout         Reason = "timeout"          // the task's deadline passed
	Overloaded      Reason = "overloaded"       // a limit was reached; a later try may succeed
	Draining        Reason = "draining"         // the worker is shutting down
	Panic           Reason = "panic"            // the handler panicked
	Failed          Reason = "failed"           // the handler returned an error
	CircuitOpen     Reason = "circuit_open"     // a circuit breaker refused the call
	WorkerDown      Reason = "worker_down"      // made by clients when the worker is gone
	Unsupported     Reason = "unsupported"      // this worker cannot do that
)

// Known reports whether r is on the list. A BEAM that creates no atoms could
// not read the error otherwise.
func (r Reason) Known() bool {
	switch r {
	case UnknownFunction, BadArgs, BadMessage, BadFrame, FrameTooLarge, DuplicateRef, Cancelled, Timeout,
		Overloaded, Draining, Panic, Failed, CircuitOpen, WorkerDown, Unsupported:
		return true
	}
	return false
}

// Error is a failure as it crosses the wire: data, not a stack of wrapped
// values. A handler returns one to choose its reason and details; any other
// error of a handler becomes one with reason [Failed].
type Error struct {
	// Reason is one of the list; anything else is sent as [Failed], with the word
	// before the message.
	Reason Reason
	// Message says what was wrong and, where it helps, what was expected.
	Message string
	// Details is any value that can be encoded as a term; nil is left out.
	Details any
	// Stack is a goroutine's stack, for panics and tasks that would not stop.
	Stack string
	// RetryAfter, when positive, is how long to wait before another try. It
	// travels in whole milliseconds, rounded up.
	RetryAfter time.Duration
}

// Error returns the reason, if there is one, and the message.
func (e *Error) Error() string {
	if e.Message == "" {
		return string(e.Reason)
	}
	if e.Reason == "" {
		return e.Message
	}
	return string(e.Reason) + ": " + e.Message
}

// Is reports whether target is an *Error with the same reason and no message
// of its own, so that errors.Is(err, &Error{Reason: Timeout}) asks "which".
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Message == "" && t.Reason == e.Reason
}

// AppendETF makes an error a term: the map that the wire prescribes.
func (e *Error) AppendETF(dst []byte) ([]byte, error) { return appendError(dst, e), nil }

// appendError appends e as the map the protocol prescribes. Details that
// cannot be encoded are replaced by a sentence in the message.
func appendError(dst []byte, e *Error) []byte {
	reason, message := e.Reason, e.Message
	if !reason.Known() {
		reason, message = Failed, e.Error()
	}
	fields := 2
	var details []byte
	if e.Details != nil {
		var err error
		if details, err = etf.Append(nil, e.Details); err != nil {
			message += " (its details could not be encoded: " + err.Error() + ")"
		} else {
			fields++
		}
	}
	if e.Stack != "" {
		fields++
	}
	if e.RetryAfter > 0 {
		fields++
	}
	dst = etf.AppendMap(dst, fields)
	dst = etf.AppendAtom(dst, "reason")
	dst = etf.AppendAtom(dst, string(reason))
	dst = etf.AppendAtom(dst, "message")
	dst = etf.AppendString(dst, strings.ToValidUTF8(message, "\uFFFD"))
	if details != nil {
		dst = append(etf.AppendAtom(dst, "details"), details...)
	}
	if e.Stack != "" {
		dst = etf.AppendAtom(dst, "stack")
		dst = etf.AppendString(dst, strings.ToValidUTF8(e.Stack, "\uFFFD"))
	}
	if e.RetryAfter > 0 {
		dst = etf.AppendAtom(dst, "retry_after")
		dst = etf.AppendInt(dst, int64((e.RetryAfter-1)/time.Millisecond)+1)
	}
	return dst
}
