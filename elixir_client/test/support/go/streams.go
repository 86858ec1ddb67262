package main

import (
	"bytes"
	"context"
	"errors"
	"iter"

	"portworker"
	"portworker/etf"
)

func registerStreams(w *portworker.Worker) {
	portworker.HandleSeq2(w, "range", numbers)
	portworker.HandleStream(w, "fails", fails)
	portworker.HandleStream(w, "panics", panics)
	portworker.HandleStream(w, "reports", reports)
	portworker.HandleStream2(w, "blobs", blobs)
	portworker.HandleStream(w, "atoms", atoms)
	portworker.Handle(w, "blob", func(_ context.Context, size int) ([]byte, error) {
		return bytes.Repeat([]byte("x"), size), nil
	})
}

// numbers yields the numbers from first to last.
func numbers(_ context.Context, first, last int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := first; i <= last && yield(i, nil); i++ {
		}
	}
}

// fails sends n numbers and then returns an error.
func fails(ctx context.Context, n int, out *portworker.Sender[int]) error {
	for i := range n {
		if err := out.Send(ctx, i); err != nil {
			return err
		}
	}
	return errors.New("out of numbers")
}

// panics sends n numbers and then panics.
func panics(ctx context.Context, n int, out *portworker.Sender[int]) error {
	if err := fails(ctx, n, out); ctx.Err() != nil {
		return err
	}
	panic("no more numbers")
}

// reports sends n numbers, with a progress report before each.
func reports(ctx context.Context, n int, out *portworker.Sender[int]) error {
	for i := range n {
		if err := errors.Join(portworker.Progress(ctx, i), out.Send(ctx, i)); err != nil {
			return err
		}
	}
	return nil
}

// blobs sends n binaries of size bytes.
func blobs(ctx context.Context, n, size int, out *portworker.Sender[[]byte]) error {
	blob := bytes.Repeat([]byte("x"), size)
	for range n {
		if err := out.Send(ctx, blob); err != nil {
			return err
		}
	}
	return nil
}

// atoms sends an atom of that name.
func atoms(ctx context.Context, name string, out *portworker.Sender[etf.Atom]) error {
	return out.Send(ctx, etf.Atom(name))
}
