package streaming

import (
	"context"
	"iter"
)

// Sender sends a stream's elements, or a channel's outputs. It may be handed to
// further goroutines, which share its order and its credit.
type Sender[T any] struct{ out *Output }

// NewSender returns a typed sender on an output.
func NewSender[T any](out *Output) *Sender[T] { return &Sender[T]{out} }

// Send sends one element. It waits for the consumer's demand until ctx or the
// task is done, and returns the cause then; that is how a consumer that has had
// enough stops its producer. It fails as well when v cannot be encoded, which costs
// no demand, and with [ErrClosed] after the end.
func (s *Sender[T]) Send(ctx context.Context, v T) error { return s.out.Send(ctx, &v) }

// SendAll sends the elements of seq until it ends, yields an error, or cannot go
// on, and returns why; nil is the end of seq.
func (s *Sender[T]) SendAll(ctx context.Context, seq iter.Seq2[T, error]) error {
	for v, err := range seq {
		if err == nil {
			err = s.Send(ctx, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
