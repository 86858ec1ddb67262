package portworker

import (
	"context"
	"iter"
	"reflect"

	"portworker/dispatch"
	"portworker/etf"
	"portworker/streaming"
)

// Sender sends a stream's elements.
type Sender[T any] = streaming.Sender[T]

// Channel is a conversation with the caller; see [HandleChannel].
type Channel[In, Out any] = streaming.Channel[In, Out]

// ErrClosed is returned for an element or output that is sent after the end.
var ErrClosed = streaming.ErrClosed

// HandleStream0 registers a stream without arguments.
func HandleStream0[T any](w *Worker, name string, fn func(context.Context, *Sender[T]) error, opts ...Option) {
	registerStream[T](w, name, fn == nil, opts, nil, func(ctx context.Context, out *Sender[T], _ []etf.Raw) error {
		return fn(ctx, out)
	})
}

// HandleStream registers a stream of one argument: the handler sends elements for
// as long as it runs, each when the consumer has asked for it, and returns when there
// are no more. An error ends the stream as a failure. A consumer that
// stops early cancels the context, and Send returns the cause.
func HandleStream[A, T any](w *Worker, name string, fn func(context.Context, A, *Sender[T]) error, opts ...Option) {
	registerStream(w, name, fn == nil, opts, types1[A](), func(ctx context.Context, out *Sender[T], args []etf.Raw) error {
		a, err := args1[A](args)
		if err != nil {
			return err
		}
		return fn(ctx, a, out)
	})
}

// HandleStream2 registers a stream of two arguments.
func HandleStream2[A, B, T any](w *Worker, name string, fn func(context.Context, A, B, *Sender[T]) error, opts ...Option) {
	registerStream(w, name, fn == nil, opts, types2[A, B](), func(ctx context.Context, out *Sender[T], args []etf.Raw) error {
		a, b, err := args2[A, B](args)
		if err != nil {
			return err
		}
		return fn(ctx, a, b, out)
	})
}

// HandleStream3 registers a stream of three arguments.
func HandleStream3[A, B, C, T any](w *Worker, name string, fn func(context.Context, A, B, C, *Sender[T]) error, opts ...Option) {
	registerStream(w, name, fn == nil, opts, types3[A, B, C](), func(ctx context.Context, out *Sender[T], args []etf.Raw) error {
		a, b, c, err := args3[A, B, C](args)
		if err != nil {
			return err
		}
		return fn(ctx, a, b, c, out)
	})
}

// HandleSeq0 registers a generator without arguments as a stream.
func HandleSeq0[T any](w *Worker, name string, fn func(context.Context) iter.Seq2[T, error], opts ...Option) {
	registerStream[T](w, name, fn == nil, opts, nil, func(ctx context.Context, out *Sender[T], _ []etf.Raw) error {
		return out.SendAll(ctx, fn(ctx))
	})
}

// HandleSeq registers a generator of one argument as a stream: what it yields is
// sent as the consumer asks for it, and an error it yields ends the stream.
func HandleSeq[A, T any](w *Worker, name string, fn func(context.Context, A) iter.Seq2[T, error], opts ...Option) {
	registerStream(w, name, fn == nil, opts, types1[A](), func(ctx context.Context, out *Sender[T], args []etf.Raw) error {
		a, err := args1[A](args)
		if err != nil {
			return err
		}
		return out.SendAll(ctx, fn(ctx, a))
	})
}

// HandleSeq2 registers a generator of two arguments as a stream.
func HandleSeq2[A, B, T any](w *Worker, name string, fn func(context.Context, A, B) iter.Seq2[T, error], opts ...Option) {
	registerStream(w, name, fn == nil, opts, types2[A, B](), func(ctx context.Context, out *Sender[T], args []etf.Raw) error {
		a, b, err := args2[A, B](args)
		if err != nil {
			return err
		}
		return out.SendAll(ctx, fn(ctx, a, b))
	})
}

// HandleSeq3 registers a generator of three arguments as a stream.
func HandleSeq3[A, B, C, T any](w *Worker, name string, fn func(context.Context, A, B, C) iter.Seq2[T, error], opts ...Option) {
	registerStream(w, name, fn == nil, opts, types3[A, B, C](), func(ctx context.Context, out *Sender[T], args []etf.Raw) error {
		a, b, c, err := args3[A, B, C](args)
		if err != nil {
			return err
		}
		return out.SendAll(ctx, fn(ctx, a, b, c))
	})
}

func registerStream[T any](w *Worker, name string, missing bool, opts []Option, params []reflect.Type,
	run func(context.Context, *Sender[T], []etf.Raw) error) {
	f := function[T](name)
	f.Kind = dispatch.KindStream
	register(w, f, missing, opts, params, func(ctx context.Context, t *dispatch.Task, p *parameters) (any, error) {
		args, err := p.split(t.Args(), nil)
		if err != nil {
			return nil, err
		}
		return nil, run(ctx, streaming.NewSender[T](t.Output()), args)
	})
}

// HandleChannel0 registers a channel without arguments.
func HandleChannel0[In, Out any](w *Worker, name string, fn func(context.Context, *Channel[In, Out]) error, opts ...Option) {
	registerChannel(w, name, fn == nil, opts, nil, func(ctx context.Context, ch *Channel[In, Out], _ []etf.Raw) error {
		return fn(ctx, ch)
	})
}

// HandleChannel registers a channel of one argument: the caller opens it, sends
// inputs while the handler sends outputs, and it lives until the handler returns.
// Next returns io.EOF when the caller has closed its half. The opener's death cancels
// the context: Next then returns the cause, and Send fails.
//
// At most 64 inputs wait for Next; one more is a fault to the caller. Outputs are
// sent against the caller's demand, 64 of which are there from the start.
func HandleChannel[A, In, Out any](w *Worker, name string, fn func(context.Context, A, *Channel[In, Out]) error, opts ...Option) {
	registerChannel(w, name, fn == nil, opts, types1[A](), func(ctx context.Context, ch *Channel[In, Out], args []etf.Raw) error {
		a, err := args1[A](args)
		if err != nil {
			return err
		}
		return fn(ctx, a, ch)
	})
}

func registerChannel[In, Out any](w *Worker, name string, missing bool, opts []Option, params []reflect.Type,
	run func(context.Context, *Channel[In, Out], []etf.Raw) error) {
	f := function[Out](name)
	f.Kind = dispatch.KindChannel
	f.Input = describe(name, reflect.TypeFor[In]())
	register(w, f, missing, opts, params, func(ctx context.Context, t *dispatch.Task, p *parameters) (any, error) {
		args, err := p.split(t.Args(), nil)
		if err != nil {
			return nil, err
		}
		ch := streaming.NewChannel[In, Out](t.Input(), t.Output(), t.Reject)
		return nil, run(ctx, ch, args)
	})
}
