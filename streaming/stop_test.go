package streaming_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/streaming"
)

func identity(_ context.Context, x int) (int, error) { return x, nil }

// helped are the adapters that run their source in a goroutine.
var helped = map[string]func(context.Context, streaming.Source[int]) ints{
	"merge": func(ctx context.Context, s streaming.Source[int]) ints { return streaming.Merge(ctx, s, s) },
	"debounce": func(ctx context.Context, s streaming.Source[int]) ints {
		return streaming.Debounce(ctx, s, ms)
	},
	"timeout each": func(ctx context.Context, s streaming.Source[int]) ints {
		return streaming.TimeoutEach(ctx, s, time.Hour)
	},
	"buffered": func(ctx context.Context, s streaming.Source[int]) ints {
		return streaming.Buffered(ctx, s, 2, identity)
	},
	"unordered": func(ctx context.Context, s streaming.Source[int]) ints {
		return streaming.BufferUnordered(ctx, s, 2, identity)
	},
	"all of them": func(ctx context.Context, s streaming.Source[int]) ints {
		return streaming.Merge(ctx, func(ctx context.Context) ints {
			return streaming.Debounce(ctx, func(ctx context.Context) ints {
				return streaming.Buffered(ctx, func(ctx context.Context) ints {
					return streaming.TimeoutEach(ctx, s, time.Hour)
				}, 2, identity)
			}, ms)
		})
	},
}

// live counts the runs of a source that have not ended. It gives one element, then waits for its context.
type live struct{ runs atomic.Int64 }

func (l *live) source(ctx context.Context) ints {
	return func(yield func(int, error) bool) {
		l.runs.Add(1)
		defer l.runs.Add(-1)
		if yield(1, nil) {
			<-ctx.Done()
			yield(0, ctx.Err())
		}
	}
}

func forHelped(t *testing.T, test func(t *testing.T, adapt func(streaming.Source[int]) ints)) {
	for name, adapt := range helped {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test(t, func(s streaming.Source[int]) ints { return adapt(t.Context(), s) })
			})
		})
	}
}

// A bubble that ends with goroutines in it fails its test, here and below: none outlives the loop.

func TestBreakEndsASourceThatWaits(t *testing.T) {
	forHelped(t, func(t *testing.T, adapt func(streaming.Source[int]) ints) {
		source := &live{}
		for range 3 {
			for v, err := range adapt(source.source) {
				require.NoError(t, err)
				assert.Equal(t, 1, v)
				assert.Positive(t, source.runs.Load())
				break
			}
			assert.Zero(t, source.runs.Load(), "it has ended when the loop is left")
		}
	})
}

func TestPanicOfTheConsumerEndsTheSource(t *testing.T) {
	forHelped(t, func(t *testing.T, adapt func(streaming.Source[int]) ints) {
		source := &live{}
		assert.PanicsWithValue(t, "the consumer", func() {
			for range adapt(source.source) {
				panic("the consumer")
			}
		})
		assert.Zero(t, source.runs.Load())
	})
}

func TestPanicOfTheSourceReachesTheConsumer(t *testing.T) {
	forHelped(t, func(t *testing.T, adapt func(streaming.Source[int]) ints) {
		panicking := func(context.Context) ints {
			return streaming.Map(streaming.Once(1), func(int) int { panic(errBoom) })
		}
		panicked := recovered(t, func() {
			for v, err := range adapt(panicking) {
				assert.Fail(t, "no element before the panic", "%v %v", v, err)
			}
		})
		assert.Equal(t, errBoom, panicked.Value)
		assert.ErrorIs(t, panicked, errBoom)
		assert.Contains(t, panicked.Error(), "boom")
		assert.Contains(t, string(panicked.Stack), "TestPanicOfTheSourceReachesTheConsumer", "where it began")
	})
}

// recovered is the PanicError that fn ends with.
func recovered(t *testing.T, fn func()) (panicked *streaming.PanicError) {
	t.Helper()
	defer func() {
		err, _ := recover().(error)
		require.True(t, errors.As(err, &panicked), "a *PanicError, not %v", err)
	}()
	fn()
	return nil
}

func TestPanicOfACallEndsTheOthers(t *testing.T) {
	for name, buffered := range bufferings {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var begun, ended atomic.Int64
				panicked := recovered(t, func() {
					s := buffered(t.Context(), streaming.Ready(streaming.Repeat(1)), 2, func(ctx context.Context, _ int) (int, error) {
						defer ended.Add(1)
						if begun.Add(1) == 2 {
							panic("second call")
						}
						<-ctx.Done()
						return 0, ctx.Err()
					})
					_, _ = streaming.Collect(s)
				})
				assert.Equal(t, "second call", panicked.Value)
				assert.Equal(t, begun.Load(), ended.Load())
			})
		})
	}
}

func TestGoexitInAGoroutineEndsTheConsumer(t *testing.T) {
	forHelped(t, func(t *testing.T, adapt func(streaming.Source[int]) ints) {
		leaving := func(context.Context) ints {
			return streaming.Map(streaming.Once(1), func(int) int {
				runtime.Goexit()
				return 0
			})
		}
		passed := false
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = streaming.Collect(adapt(leaving))
			passed = true
		}()
		<-done
		assert.False(t, passed)
	})
}

func TestASourceThatIgnoresItsContextIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		stubborn := func(context.Context) ints {
			return func(yield func(int, error) bool) {
				for yield(1, nil) {
					<-time.After(time.Minute)
				}
			}
		}
		err := streaming.ForEach(streaming.TimeoutEach(t.Context(), stubborn, time.Second), func(int) {})
		var timeout *streaming.TimeoutError
		require.ErrorAs(t, err, &timeout)
		assert.Equal(t, time.Minute, time.Since(begun))
	})
}
