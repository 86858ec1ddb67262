package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"portworker"
)

func registerGroups(w *portworker.Worker) {
	portworker.Handle(w, "double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	portworker.Handle(w, "even", func(_ context.Context, n int) (bool, error) { return n%2 == 0, nil })
	portworker.Handle(w, "twice", func(_ context.Context, n int) ([]int, error) { return []int{n, n}, nil })
	portworker.Handle2(w, "add", func(_ context.Context, sum, n int) (int, error) { return sum + n, nil })
	portworker.Handle(w, "total", total)
	portworker.Handle(w, "fail", func(_ context.Context, text string) (any, error) { return nil, errors.New(text) })
	portworker.Handle(w, "forever", forever)
	portworker.Handle(w, "report", func(ctx context.Context, v any) (any, error) {
		return v, portworker.Progress(ctx, v)
	})
	portworker.Handle(w, "flaky", flaky())
	portworker.Handle0(w, "meta", func(ctx context.Context) (map[string]string, error) {
		return portworker.Meta(ctx), nil
	})
	portworker.Handle0(w, "time_left", timeLeft)
	portworker.Handle0(w, "deaf", func(context.Context) (any, error) { select {} })
	portworker.Handle2(w, "relay", func(ctx context.Context, name string, args []any) (any, error) {
		return portworker.Run[any](ctx, "ask", name, args)
	})
}

// total adds up a list, so that the total of totals is the total of all.
func total(_ context.Context, numbers []int) (sum int, err error) {
	for _, n := range numbers {
		sum += n
	}
	return sum, nil
}

// forever reports that it has begun and returns when it is told to stop.
func forever(ctx context.Context, v any) (any, error) {
	if err := portworker.Progress(ctx, v); err != nil {
		return nil, err
	}
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// flaky fails so many times, in a way that may pass, and then returns how often it was tried. It
// starts over after that.
func flaky() func(context.Context, int64) (int64, error) {
	var tries atomic.Int64
	return func(_ context.Context, failures int64) (int64, error) {
		if n := tries.Add(1); n <= failures {
			return 0, portworker.Retryable(errors.New("not yet"))
		}
		return tries.Swap(0), nil
	}
}

// timeLeft returns how many milliseconds the task has left, or -1.
func timeLeft(ctx context.Context) (int64, error) {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline).Milliseconds(), nil
	}
	return -1, nil
}
