package examples

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"portworker/streaming"
)

// toolkitPrimitives run the lines of docs/toolkit.md that stand between tasks, as toolkitHandlers run the others.
var toolkitPrimitives = map[string]func(context.Context) (any, error){
	"mpsc::channel, crossbeam's bounded": func(context.Context) (any, error) {
		jobs := make(chan int, 64)
		jobs <- 4
		close(jobs)
		return <-jobs, nil
	},
	"mpsc::channel, asyncio.Queue, closed by anyone": func(ctx context.Context) (any, error) {
		queue := streaming.NewQueue[int](64)
		for v := range 2 {
			if err := queue.Send(ctx, v+1); err != nil {
				return nil, err
			}
		}
		queue.Close()
		return streaming.Collect(queue.Stream(ctx))
	},
	"try_send, put_nowait": func(context.Context) (any, error) {
		queue := streaming.NewQueue[int](1)
		if err := queue.TrySend(1); err != nil {
			return nil, err
		}
		full := errors.Is(queue.TrySend(2), streaming.ErrFull)
		return full, nil
	},
	"crossbeam's never": func(context.Context) (any, error) {
		var never chan int
		answers := make(chan int, 1)
		answers <- 7
		select {
		case v := <-never:
			return v, nil
		case v := <-answers:
			return v, nil
		}
	},
	"oneshot::channel": func(ctx context.Context) (any, error) {
		answer := streaming.NewOneshot[int]()
		if err := answer.Send(7); err != nil {
			return nil, err
		}
		return answer.Recv(ctx)
	},
	"broadcast::channel": func(ctx context.Context) (any, error) {
		events := streaming.NewBroadcast[string](128)
		return heard(ctx, events, "started", "stopped")
	},
	"watch::channel": func(ctx context.Context) (any, error) {
		state := streaming.NewBroadcast[string](1)
		return heard(ctx, state, "up")
	},
	"Semaphore, asyncio.Semaphore": func(ctx context.Context) (any, error) {
		slots := semaphore.NewWeighted(1)
		err := slots.Acquire(ctx, 1)
		return slots.TryAcquire(1), err
	},
	"Mutex, asyncio.Lock": func(context.Context) (any, error) {
		var mu sync.Mutex
		mu.Lock()
		defer mu.Unlock()
		return mu.TryLock(), nil
	},
	"RwLock, crossbeam's ShardedLock": func(context.Context) (any, error) {
		var rw sync.RWMutex
		rw.RLock()
		return rw.TryRLock(), nil
	},
	"AtomicCell, AtomicI64": func(context.Context) (any, error) {
		var hits atomic.Int64
		return hits.Add(1), nil
	},
	"OnceCell, LazyLock": func(context.Context) (any, error) {
		load := func() int { return 7 }
		config := sync.OnceValue(load)
		return config(), nil
	},
	"Barrier": func(context.Context) (any, error) {
		var (
			arrived, left sync.WaitGroup
			passed        atomic.Int64
		)
		arrived.Add(2)
		for range 2 {
			left.Go(func() {
				arrived.Done()
				arrived.Wait()
				passed.Add(1)
			})
		}
		left.Wait()
		return passed.Load(), nil
	},
	"Notify::notify_one": func(context.Context) (any, error) {
		wake := make(chan struct{}, 1)
		for range 2 {
			select {
			case wake <- struct{}{}:
			default:
			}
		}
		return len(wake), nil
	},
	"Notify::notify_waiters, asyncio.Event": func(context.Context) (any, error) {
		var (
			waiters sync.WaitGroup
			woken   atomic.Int64
			started = make(chan struct{})
		)
		for range 2 {
			waiters.Go(func() {
				<-started
				woken.Add(1)
			})
		}
		close(started)
		waiters.Wait()
		return woken.Load(), nil
	},
}

// heard is the first that a listener hears of what is sent.
func heard(ctx context.Context, events *streaming.Broadcast[string], sent ...string) (any, error) {
	listener := events.Subscribe()
	defer listener.Close()
	for _, v := range sent {
		if _, err := events.Send(v); err != nil {
			return nil, err
		}
	}
	return listener.Recv(ctx)
}
