package main

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"portworker"
)

func registerCallbacks(w *portworker.Worker) {
	portworker.Handle2(w, "ask", ask)
	portworker.Handle3(w, "ask_within", askWithin)
	portworker.Handle2(w, "ask_all", askAll)
	portworker.Handle2(w, "why", why)
	portworker.Handle2(w, "tell", func(ctx context.Context, to, v any) (any, error) {
		return nil, portworker.Notify(ctx, to, v)
	})
	portworker.Handle2(w, "hand_over", func(_ context.Context, name string, args []any) (any, error) {
		return nil, portworker.ContinueCallback(name, args...)
	})
}

// ask runs a function of the client's and returns what it returned.
func ask(ctx context.Context, name string, args []any) (any, error) {
	return portworker.Call[any](ctx, name, args...)
}

// askWithin gives the function so many milliseconds.
func askWithin(ctx context.Context, ms int, name string, args []any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
	defer cancel()
	return ask(ctx, name, args)
}

// askAll asks with each of the arguments at once.
func askAll(ctx context.Context, name string, args []any) ([]any, error) {
	values := make([]any, len(args))
	group, ctx := errgroup.WithContext(ctx)
	for i, arg := range args {
		group.Go(func() (err error) {
			values[i], err = portworker.Call[any](ctx, name, arg)
			return err
		})
	}
	return values, group.Wait()
}

// failure is what became of a call back.
type failure struct{ Kind, Message, Stack string }

// why returns how a function of the client's failed.
func why(ctx context.Context, name string, args []any) (failure, error) {
	_, err := portworker.Call[any](ctx, name, args...)
	if failed, ok := errors.AsType[*portworker.CallbackError](err); ok {
		return failure{failed.Kind, failed.Message, failed.Stack}, nil
	}
	return failure{}, err
}
