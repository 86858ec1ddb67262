package examples

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"portworker"
	"portworker/streaming"
)

// toolkitHandlers run the lines of docs/toolkit.md that stand in a handler, each under the terms of its row.
var toolkitHandlers = map[string]func(context.Context) (any, error){
	"tokio::spawn, asyncio.create_task": func(ctx context.Context) (any, error) {
		var stored int
		store := func(_ context.Context, v int) error {
			stored = v
			return nil
		}
		n := portworker.NewNursery(ctx, portworker.NurseryOptions{})
		n.Go(func(ctx context.Context) error { return store(ctx, 7) })
		err := n.Wait()
		return stored, err
	},
	"tokio::spawn, its handle dropped": func(context.Context) (any, error) {
		answers := make(chan int, 1)
		go func() { answers <- 7 }()
		return <-answers, nil
	},
	"JoinHandle, asyncio.Future": func(ctx context.Context) (any, error) {
		answer := streaming.NewOneshot[int]()
		go func() { _ = answer.Send(7) }()
		value, err := answer.Recv(ctx)
		return value, err
	},
	"spawn(f).await": func(ctx context.Context) (any, error) {
		return portworker.Run[int](ctx, "double", 21)
	},
	"join_all, gather(return_exceptions=True)": func(ctx context.Context) (any, error) {
		n := portworker.NewNursery(ctx, portworker.NurseryOptions{WaitAll: true})
		n.Go(func(context.Context) error { return errBoom })
		n.Go(func(context.Context) error { return errBoom })
		if failed, ok := errors.AsType[*portworker.NurseryError](n.Wait()); !ok || len(failed.Errors) != 2 {
			return nil, failed
		}
		return "two have failed", nil
	},
	"try_join!, asyncio.gather, asyncio.TaskGroup": func(ctx context.Context) (any, error) {
		n := portworker.NewNursery(ctx, portworker.NurseryOptions{})
		other := "goes on"
		n.Go(func(ctx context.Context) error {
			<-ctx.Done()
			other = "the other was cancelled"
			return nil
		})
		n.Go(func(context.Context) error { return errBoom })
		if err := n.Wait(); !errors.Is(err, errBoom) {
			return nil, err
		}
		return other, nil
	},
	"try_join!, of what cannot panic": func(ctx context.Context) (any, error) {
		group, ctx := errgroup.WithContext(ctx)
		group.Go(func() error { return errBoom })
		group.Go(func() error {
			<-ctx.Done()
			return ctx.Err()
		})
		return nil, group.Wait()
	},
	"JoinSet, trio's nursery, some at once": func(ctx context.Context) (any, error) {
		n := portworker.NewNursery(ctx, portworker.NurseryOptions{MaxConcurrency: 2})
		begun := time.Now()
		for range 4 {
			n.Go(func(context.Context) error {
				<-time.After(time.Second)
				return nil
			})
		}
		if err := n.Wait(); err != nil || time.Since(begun) != 2*time.Second {
			return nil, err
		}
		return "2 at once", nil
	},
	"JoinSet::join_next, asyncio.as_completed": func(ctx context.Context) (any, error) {
		return streaming.Collect(streaming.BufferUnordered(ctx, source, 4, lowestLast))
	},
	"JoinError::is_panic": func(ctx context.Context) (any, error) {
		n := portworker.NewNursery(ctx, portworker.NurseryOptions{WaitAll: true})
		n.Go(func(context.Context) error { panic("oh no") })
		n.Go(func(context.Context) error { return errBoom })
		failed, _ := errors.AsType[*portworker.NurseryError](n.Wait())
		panics := failed.Panics()
		return len(panics), nil
	},
	"thread::scope, rayon::scope, crossbeam::scope, rayon::join": func(context.Context) (any, error) {
		var (
			wg   sync.WaitGroup
			done int
		)
		work := func() { done++ }
		wg.Go(work)
		wg.Wait()
		return done, nil
	},
	"yield_now, asyncio.sleep(0)": func(ctx context.Context) (any, error) {
		err := portworker.Yield(ctx)
		return nil, err
	},
	"task_local!, contextvars": func(ctx context.Context) (any, error) {
		ctx = portworker.WithMeta(ctx, map[string]string{"user": "ann"})
		return portworker.Meta(ctx)["user"], nil
	},
	"select!": func(ctx context.Context) (any, error) {
		answers := make(chan int, 1)
		answers <- 7
		select {
		case v := <-answers:
			return v, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	},
	"crossbeam's select! with default": func(context.Context) (any, error) {
		var answers chan int
		select {
		case v := <-answers:
			return v, nil
		default:
			return "none", nil
		}
	},
	"race, FuturesUnordered::next, FIRST_COMPLETED": func(ctx context.Context) (any, error) {
		for v, err := range streaming.Merge(ctx, slow, fast) {
			return v, err
		}
		return nil, nil
	},
	"abort, CancellationToken::cancel": func(ctx context.Context) (any, error) {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(errBoom)
		return nil, context.Cause(ctx)
	},
	"CancellationToken::child_token": func(ctx context.Context) (any, error) {
		child, cancel := context.WithCancelCause(ctx)
		cancel(errBoom)
		if child.Err() == nil || ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return "only the child", nil
	},
	"CancellationToken::cancelled, except CancelledError": func(ctx context.Context) (any, error) {
		ctx, cancel := context.WithCancelCause(ctx)
		time.AfterFunc(time.Second, func() { cancel(errBoom) })
		<-ctx.Done()
		return nil, context.Cause(ctx)
	},
	"asyncio.shield": func(ctx context.Context) (any, error) {
		ctx, cancel := context.WithCancel(ctx)
		ctx = context.WithoutCancel(ctx)
		cancel()
		return nil, ctx.Err()
	},
	"tokio::time::timeout, asyncio.timeout": func(ctx context.Context) (any, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		return hangs(ctx)
	},
	"asyncio.wait_for": func(ctx context.Context) (any, error) {
		return portworker.RunWith[int](ctx, portworker.RunOptions{Timeout: time.Second}, "wait")
	},
	"tokio::time::sleep, crossbeam's after": func(ctx context.Context) (any, error) {
		begun := time.Now()
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
		return time.Since(begun).String(), nil
	},
	"sleep(d).await; v": func(context.Context) (any, error) {
		return nil, portworker.ReplyAfter(time.Second, "late")
	},
	"tokio::time::interval, crossbeam's tick": func(ctx context.Context) (any, error) {
		return streaming.Count(streaming.Take(streaming.Interval(ctx, time.Second), 3))
	},
	"block_in_place": func(context.Context) (any, error) {
		page, err := os.ReadFile("../docs/toolkit.md")
		return len(page) > 0, err
	},
	"par_iter().map(f).collect()": func(ctx context.Context) (any, error) {
		return streaming.Collect(streaming.Buffered(ctx, source, runtime.GOMAXPROCS(0), square))
	},
	"par_iter().map(f).reduce(g)": func(ctx context.Context) (any, error) {
		return streaming.Fold(streaming.BufferUnordered(ctx, source, runtime.GOMAXPROCS(0), square), 0, add)
	},
	"par_chunks": func(ctx context.Context) (any, error) {
		var total atomic.Int64
		sumUp := func(part []int) error {
			for _, v := range part {
				total.Add(int64(v))
			}
			return nil
		}
		n := portworker.NewNursery(ctx, portworker.NurseryOptions{})
		for part := range slices.Chunk(values, 2) {
			n.Go(func(context.Context) error { return sumUp(part) })
		}
		err := n.Wait()
		return total.Load(), err
	},
	"StreamExt::map": func(context.Context) (any, error) {
		return streaming.Collect(streaming.Map(s, double))
	},
	"buffered": func(ctx context.Context) (any, error) {
		return streaming.Collect(streaming.Buffered(ctx, source, 4, square))
	},
	"buffer_unordered, for_each_concurrent": func(ctx context.Context) (any, error) {
		return streaming.Collect(streaming.BufferUnordered(ctx, source, 8, lowestLast))
	},
	"throttle": func(ctx context.Context) (any, error) {
		return streaming.Collect(streaming.Throttle(ctx, s, time.Second))
	},
	"chunks, batching": func(context.Context) (any, error) {
		return streaming.Collect(streaming.Chunks(s, 3))
	},
	"StreamExt::timeout": func(ctx context.Context) (any, error) {
		return streaming.Collect(streaming.TimeoutEach(ctx, slow, time.Second))
	},
	"rate limiting, of a stream": func(ctx context.Context) (any, error) {
		limiter := rate.NewLimiter(rate.Every(time.Second), 1)
		return streaming.Collect(streaming.RateLimit(ctx, s, limiter))
	},
	"rate limiting, of anything else": func(ctx context.Context) (any, error) {
		limiter := rate.NewLimiter(rate.Every(time.Second), 1)
		begun := time.Now()
		limiter.Allow()
		err := limiter.Wait(ctx)
		return time.Since(begun).String(), err
	},
	"work asked for twice, done once": func(context.Context) (any, error) {
		var flight singleflight.Group
		fetch := func() (any, error) { return 7, nil }
		v, err, _ := flight.Do("key", fetch)
		return v, err
	},
}

// hangs waits until it is told to stop.
func hangs(ctx context.Context) (any, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
