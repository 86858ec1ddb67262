package streaming_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"portworker/streaming"
)

// The lines of docs/streaming-toolkit.md, with what they give. TestToolkitPageIsTrue compares the page with this file.

var s = streaming.FromSlice([]int{1, 2, 2, 3})

func source(context.Context) streaming.Stream[int] { return s }

func even(n int) bool { return n%2 == 0 }

func double(n int) int { return 2 * n }

func add(a, b int) int { return a + b }

func square(_ context.Context, n int) (int, error) { return n * n, nil }

// refuses3 fails for the last element of s.
func refuses3(n int) error {
	if n == 3 {
		return errBoom
	}
	return nil
}

func store(n int) error { return refuses3(n) }

func allowed(n int) (bool, error) { return true, refuses3(n) }

func square3(n int) (int, error) { return n * n, refuses3(n) }

func half(n int) (int, bool) { return n / 2, even(n) }

func half3(n int) (int, bool, error) { return n / 2, even(n), refuses3(n) }

func addTo4(sum, n int) (int, error) {
	if sum += n; sum > 4 {
		return 0, errBoom
	}
	return sum, nil
}

func lowestLast(_ context.Context, n int) (int, error) {
	<-time.After(time.Duration(4-n) * time.Second)
	return n, nil
}

func fetchPage(key string) ([]int, string, bool, error) {
	switch key {
	case "first":
		return []int{1, 2}, "second", true, nil
	case "second":
		return []int{3}, "third", true, nil
	default:
		return nil, "", false, errBoom
	}
}

func after(n int, d time.Duration) streaming.Source[int] {
	return func(ctx context.Context) streaming.Stream[int] {
		return streaming.Take(streaming.Map(streaming.Interval(ctx, d), func(time.Time) int { return n }), 1)
	}
}

// show checks the elements of a stream, of an endless one the first five, and its error.
func show[T any](t *testing.T, s streaming.Stream[T], want string) {
	t.Helper()
	var got []string
	for v, err := range s {
		switch {
		case err != nil:
			got = append(got, "error: "+err.Error())
		case len(got) == 5:
			got = append(got, "…")
		case fmt.Sprintf("%T", v) == "time.Time":
			got = append(got, "tick")
		default:
			got = append(got, strings.ReplaceAll(fmt.Sprint(v), "{{} ", "{"))
		}
		if len(got) > 5 {
			break
		}
	}
	assert.Equal(t, want, strings.Join(got, " "))
}

// result checks what a consumer returned: an error is shown, and nil is not.
func result(t *testing.T, want string) func(returned ...any) {
	return func(returned ...any) {
		t.Helper()
		var got []string
		for _, v := range returned {
			if err, is := v.(error); is {
				v = "error: " + err.Error()
			}
			if v != nil {
				got = append(got, fmt.Sprint(v))
			}
		}
		assert.Equal(t, want, strings.Join(got, " "))
	}
}

func TestToolkitSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		jobs := closedWith(4, 5)
		rolled := 0
		dice := func() (int, bool) {
			rolled++
			return rolled, true
		}
		reads := 0
		read := func() (int, bool, error) {
			if reads++; reads > 1 {
				return 0, false, errBoom
			}
			return reads, true, nil
		}
		show(t, streaming.FromSlice([]int{1, 2, 2, 3}), `1 2 2 3`)
		show(t, streaming.FromSeq(slices.Values([]int{1, 2})), `1 2`)
		show(t, streaming.FromChannel(ctx, jobs), `4 5`)
		show(t, streaming.Once(7), `7`)
		show(t, streaming.Empty[int](), ``)
		show(t, streaming.Fail[int](errBoom), `error: boom`)
		show(t, streaming.Repeat(7), `7 7 7 7 7 …`)
		show(t, streaming.RepeatN(7, 2), `7 7`)
		show(t, streaming.FromFunc(dice), `1 2 3 4 5 …`)
		show(t, streaming.TryFromFunc(read), `1 error: boom`)
		show(t, streaming.Unfold(1, func(n int) (int, int, bool) { return n, 2 * n, n < 9 }), `1 2 4 8`)
		show(t, streaming.TryUnfold("first", fetchPage), `[1 2] [3] error: boom`)
		show(t, streaming.Interval(ctx, time.Second), `tick tick tick tick tick …`)
		show(t, streaming.WithContext(ctx, s), `1 2 2 3`)
		show(t, streaming.Ready(s)(ctx), `1 2 2 3`)
	})
}

func TestToolkitAdapters(t *testing.T) {
	show(t, streaming.Map(s, double), `2 4 4 6`)
	show(t, streaming.TryMap(s, square3), `1 4 4 error: boom`)
	show(t, streaming.Filter(s, even), `2 2`)
	show(t, streaming.TryFilter(s, allowed), `1 2 2 error: boom`)
	show(t, streaming.FilterMap(s, half), `1 1`)
	show(t, streaming.TryFilterMap(s, half3), `1 1 error: boom`)
	show(t, streaming.Inspect(s, func(n int) { slog.Debug("element", "n", n) }), `1 2 2 3`)
	show(t, streaming.Scan(s, 0, add), `1 3 5 8`)
	show(t, streaming.TryScan(s, 0, addTo4), `1 3 error: boom`)
	show(t, streaming.Dedup(s), `1 2 3`)
	show(t, streaming.DedupBy(s, even), `1 2 3`)
	show(t, streaming.Take(s, 2), `1 2`)
	show(t, streaming.Skip(s, 2), `2 3`)
	show(t, streaming.TakeWhile(s, func(n int) bool { return n < 2 }), `1`)
	show(t, streaming.SkipWhile(s, func(n int) bool { return n < 2 }), `2 2 3`)
	show(t, streaming.Fuse(s), `1 2 2 3`)
	show(t, streaming.Chain(s, streaming.Once(9)), `1 2 2 3 9`)
	show(t, streaming.Flatten(streaming.Map(s, func(n int) streaming.Stream[int] { return streaming.RepeatN(n, n-1) })), `2 2 3 3`)
	show(t, streaming.Zip(s, streaming.Repeat("x")), `{1 x} {2 x} {2 x} {3 x}`)
	show(t, streaming.Enumerate(s), `{1 0} {2 1} {2 2} {3 3}`)
	show(t, streaming.Chunks(s, 3), `[1 2 2] [3]`)
	show(t, streaming.Windows(s, 2), `[1 2] [2 2] [2 3]`)

	p := streaming.NewPeekable(s)
	defer p.Close()
	result(t, `1 true`)(p.Peek())
}

func TestToolkitAdaptersInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		limiter := rate.NewLimiter(rate.Every(time.Second), 2)
		show(t, streaming.Merge(ctx, after(1, 2*time.Second), after(2, time.Second)), `2 1`)
		show(t, streaming.Buffered(ctx, source, 4, square), `1 4 4 9`)
		show(t, streaming.BufferUnordered(ctx, source, 4, lowestLast), `3 2 2 1`)
		show(t, streaming.Throttle(ctx, s, time.Second), `1 2 2 3`)
		show(t, streaming.RateLimit(ctx, s, limiter), `1 2 2 3`)
		show(t, streaming.Debounce(ctx, source, time.Second), `3`)
		show(t, streaming.TimeoutEach(ctx, after(1, time.Hour), time.Second), `error: no element within 1s`)
	})
}

func TestToolkitConsumers(t *testing.T) {
	total := 0
	result(t, `[1 2 2 3]`)(streaming.Collect(s))
	result(t, ``)(streaming.ForEach(s, func(n int) { total += n }))
	result(t, `error: boom`)(streaming.TryForEach(s, store))
	result(t, `18`)(streaming.Fold(s, 10, add))
	result(t, `3 error: boom`)(streaming.TryFold(s, 0, addTo4))
	result(t, `8 true`)(streaming.Reduce(s, add))
	result(t, `2 true`)(streaming.Find(s, even))
	result(t, `1`)(streaming.Position(s, even))
	result(t, `true`)(streaming.Any(s, even))
	result(t, `false`)(streaming.All(s, even))
	result(t, `4`)(streaming.Count(s))
	result(t, `3 true`)(streaming.Last(s))
	result(t, `2 true`)(streaming.Nth(s, 1))
	assert.Equal(t, 8, total)
}

func TestToolkitOfGo(t *testing.T) {
	var (
		mu      sync.Mutex
		rw      sync.RWMutex
		turns   int
		hits    atomic.Int64
		cache   sync.Map
		buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}
		wg      sync.WaitGroup
		load    = func() int { return 7 }
		work    = func() { hits.Add(1) }
	)
	mu.Lock()
	turns++
	mu.Unlock()
	rw.RLock()
	assert.Equal(t, 1, turns)
	rw.RUnlock()
	hits.Add(1)
	config := sync.OnceValue(load)
	assert.Equal(t, 7, config())
	v, loaded := cache.LoadOrStore("key", 1)
	assert.Equal(t, 1, v)
	assert.False(t, loaded)
	buffer := buffers.Get().(*bytes.Buffer)
	assert.Zero(t, buffer.Len())
	wg.Go(work)
	wg.Wait()
	assert.EqualValues(t, 2, hits.Load())
	jobs := make(chan int, 64)
	jobs <- 1
	started := make(chan struct{})
	close(started)
	<-started
	result := make(chan int, 1)
	result <- <-jobs
	assert.Equal(t, 1, <-result)
}

func TestToolkitOfGoWithContexts(t *testing.T) {
	var (
		flight  singleflight.Group
		slots   = semaphore.NewWeighted(1)
		limiter = rate.NewLimiter(rate.Inf, 1)
		fetch   = func() (any, error) { return 7, nil }
	)
	t.Run("errgroup", func(t *testing.T) {
		ctx := t.Context()
		group, ctx := errgroup.WithContext(ctx)
		group.Go(func() error { return errBoom })
		require.ErrorIs(t, group.Wait(), errBoom)
		assert.ErrorIs(t, context.Cause(ctx), errBoom)
	})
	t.Run("semaphore", func(t *testing.T) {
		ctx := t.Context()
		err := slots.Acquire(ctx, 1)
		require.NoError(t, err)
	})
	t.Run("singleflight", func(t *testing.T) {
		v, err, shared := flight.Do("key", fetch)
		require.NoError(t, err)
		assert.Equal(t, 7, v)
		assert.False(t, shared)
	})
	t.Run("rate", func(t *testing.T) {
		ctx := t.Context()
		err := limiter.Wait(ctx)
		require.NoError(t, err)
	})
	t.Run("cause", func(t *testing.T) {
		ctx := t.Context()
		ctx, cancel := context.WithCancelCause(ctx)
		cleanedUp := make(chan struct{})
		cleanUp := func() { close(cleanedUp) }
		stop := context.AfterFunc(ctx, cleanUp)
		cancel(errBoom)
		<-cleanedUp
		assert.False(t, stop())
		assert.Equal(t, errBoom, context.Cause(ctx))
	})
	t.Run("timeout", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx := t.Context()
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			<-ctx.Done()
			assert.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
		})
	})
}

func TestToolkitPrimitives(t *testing.T) {
	answer := streaming.NewOneshot[int]()
	require.NoError(t, answer.Send(7))
	events := streaming.NewBroadcast[string](128)
	state := streaming.NewBroadcast[string](1)
	for _, b := range []*streaming.Broadcast[string]{events, state} {
		listener := b.Subscribe()
		defer listener.Close()
		n, err := b.Send("up")
		require.NoError(t, err)
		assert.Equal(t, 1, n)
	}
	queue := streaming.NewQueue[int](64)
	full := errors.Is(queue.TrySend(1), streaming.ErrFull)
	assert.False(t, full)
}
