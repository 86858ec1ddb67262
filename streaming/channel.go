package streaming

import (
	"context"
	"errors"
	"io"
	"iter"

	"portworker/etf"
)

// Channel is a task's conversation with its opener: inputs of type In come, outputs of
// type Out go. Either may be a union, for messages of several shapes.
type Channel[In, Out any] struct {
	*Sender[Out]
	in     *Input
	reject func(error)
}

// NewChannel returns a typed channel. Reject is told of inputs that do not fit In,
// which are skipped.
func NewChannel[In, Out any](in *Input, out *Output, reject func(error)) *Channel[In, Out] {
	return &Channel[In, Out]{NewSender[Out](out), in, reject}
}

// Next returns the next input. It waits until there is one, or until ctx or the
// task is done, and then returns the cause; the opener's death is one. The end
// of input is io.EOF. An input that does not fit In is refused, with a fault to the
// opener that says what was expected, and is not seen here.
func (c *Channel[In, Out]) Next(ctx context.Context) (In, error) {
	for {
		var in In
		term, err := c.in.Next(ctx)
		if err != nil {
			return in, err
		}
		if err = etf.Decode(term, &in); err == nil {
			return in, nil
		}
		c.reject(err)
	}
}

// All yields inputs until their end. An error is the last thing it yields.
func (c *Channel[In, Out]) All(ctx context.Context) iter.Seq2[In, error] {
	return func(yield func(In, error) bool) {
		for {
			in, err := c.Next(ctx)
			if errors.Is(err, io.EOF) || !yield(in, err) || err != nil {
				return
			}
		}
	}
}

// Finish sends a last output and ends the sending: everything sent after it
// fails with [ErrClosed]. The task ends when its handler returns.
func (c *Channel[In, Out]) Finish(ctx context.Context, last Out) error {
	return c.out.Finish(ctx, &last)
}

// Responder returns the sending half, for goroutines that only answer.
func (c *Channel[In, Out]) Responder() *Sender[Out] { return c.Sender }
