package main

import (
	"context"
	"fmt"
	"sync"

	"portworker"
)

// counters are the handlers of docs/coming-from-rustler.md.
func counters(w *portworker.Worker) {
	portworker.Handle2(w, "add", add, portworker.Doc("Adds two integers."))
	portworker.Handle2(w, "divide", divide, portworker.Doc("Divides two integers."))
	portworker.HandleChannel(w, "counter", counter, portworker.Doc("A counter of one process."))
	c := &shared{values: make(map[string]int)}
	portworker.Handle2(w, "bump", c.bump, portworker.Doc("Adds to a counter that all processes share."))
}

func add(_ context.Context, a, b int64) (int64, error) { return a + b, nil }

func divide(_ context.Context, a, b int64) (int64, error) {
	if b == 0 {
		return 0, fmt.Errorf("%d / 0", a)
	}
	return a / b, nil
}

func counter(ctx context.Context, value int, ch *portworker.Channel[int, int]) error {
	for by, err := range ch.All(ctx) {
		if err != nil {
			return err
		}
		value += by
		if err := ch.Send(ctx, value); err != nil {
			return err
		}
	}
	return nil
}

type shared struct {
	mu     sync.Mutex
	values map[string]int
}

func (s *shared) bump(_ context.Context, name string, by int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[name] += by
	return s.values[name], nil
}
