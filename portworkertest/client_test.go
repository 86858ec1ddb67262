package portworkertest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

// shape is a union, as an argument, an element and an input.
type shape interface{ isShape() }

type (
	circle struct{ Radius int }
	square struct{ Side int }
)

func (circle) isShape() {}
func (square) isShape() {}

var _ = etf.RegisterUnion[shape](circle{}, square{})

// worker has a function for everything that a client is to see.
func worker() *portworker.Worker {
	w := portworker.New(portworker.Config{Name: "tested"})
	portworker.Handle(w, "double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	portworker.Handle(w, "fail", func(_ context.Context, text string) (any, error) { return nil, errors.New(text) })
	portworker.Handle(w, "same", func(_ context.Context, s shape) (shape, error) { return s, nil })
	portworker.Handle0(w, "meta", func(ctx context.Context) (map[string]string, error) { return portworker.Meta(ctx), nil })
	portworker.Handle0(w, "wait", wait)
	portworker.Handle(w, "report", report)
	portworker.Handle2(w, "ask", func(ctx context.Context, name string, args []any) (any, error) {
		return portworker.Call[any](portworker.WithMeta(ctx, map[string]string{"asked": name}), name, args...)
	})
	portworker.Handle2(w, "tell", func(ctx context.Context, to, v any) (any, error) { return nil, portworker.Notify(ctx, to, v) })
	portworker.HandleStream(w, "countdown", countdown)
	portworker.HandleChannel0(w, "total", total)
	portworker.HandleChannel0(w, "shapes", func(ctx context.Context, ch *portworker.Channel[shape, shape]) error {
		return ch.SendAll(ctx, ch.All(ctx))
	})
	return w
}

func wait(ctx context.Context) (any, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// report reports 1 to n and waits to be told to stop.
func report(ctx context.Context, n int) (any, error) {
	for i := range n {
		if err := portworker.Progress(ctx, i+1); err != nil {
			return nil, err
		}
	}
	return wait(ctx)
}

func reasonOf(t *testing.T, err error) portworker.Reason {
	t.Helper()
	failure, ok := errors.AsType[*portworker.Error](err)
	require.True(t, ok, "error %v: expected a *portworker.Error", err)
	return failure.Reason
}

func TestCall(t *testing.T) {
	c := portworkertest.Connect(t, worker())

	n, err := portworkertest.Call[int](c, "double", 21)
	require.NoError(t, err)
	assert.Equal(t, 42, n)

	_, err = portworkertest.Call[any](c, "fail", "disk full")
	assert.Equal(t, &portworker.Error{Reason: portworker.Failed, Message: "disk full"}, err)
	_, err = portworkertest.Call[int](c, "double", "x")
	assert.Equal(t, portworker.BadArgs, reasonOf(t, err))
	_, err = portworkertest.Call[int](c, "triple", 1)
	assert.Equal(t, portworker.UnknownFunction, reasonOf(t, err))

	given := shape(circle{Radius: 2})
	got, err := portworkertest.Call[shape](c, "same", &given)
	require.NoError(t, err)
	assert.Equal(t, given, got)
}

func TestTasksRunBesideEachOther(t *testing.T) {
	c := portworkertest.Connect(t, worker())
	waiting := portworkertest.Async[any](c, "wait")
	doubled, err := portworkertest.Async[int](c, "double", 4).Await()
	require.NoError(t, err)
	assert.Equal(t, 8, doubled)
	assert.Equal(t, portworkertest.Receipt{}, waiting.Cancel())
	for range 2 {
		_, err = waiting.Await()
		assert.Equal(t, portworker.Cancelled, reasonOf(t, err))
	}
	assert.Equal(t, portworkertest.Receipt{}, waiting.Cancel(), "it had ended")
}

func TestOptions(t *testing.T) {
	c := portworkertest.Connect(t, worker()).With(portworkertest.Options{Meta: map[string]string{"a": "1", "b": "1"}})

	meta, err := portworkertest.Call[map[string]string](c.With(portworkertest.Options{Meta: map[string]string{"b": "2"}}), "meta")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"a": "1", "b": "2"}, meta)
	meta, err = portworkertest.Call[map[string]string](c, "meta")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"a": "1", "b": "1"}, meta)

	_, err = portworkertest.Call[any](c.With(portworkertest.Options{Timeout: time.Microsecond}), "wait")
	assert.Equal(t, portworker.Timeout, reasonOf(t, err))
}

func TestProgress(t *testing.T) {
	c := portworkertest.Connect(t, worker())
	task := portworkertest.Async[any](c, "report", 3)
	var got []int
	for n := range portworkertest.Progress[int](task) {
		if got = append(got, n); n == 2 {
			break
		}
	}
	for n := range portworkertest.Progress[int](task) {
		got = append(got, n)
		task.Cancel()
	}
	assert.Equal(t, []int{1, 2, 3}, got)
}

func TestReceiptOfAHandlerThatDoesNotStop(t *testing.T) {
	release := make(chan struct{})
	w := portworker.New(portworker.Config{Limits: portworker.Limits{CancelGrace: time.Millisecond}})
	portworker.Handle0(w, "stubborn", func(context.Context) (any, error) { <-release; return nil, nil })
	receipt := portworkertest.Async[any](portworkertest.Connect(t, w), "stubborn").Cancel()
	close(release)
	assert.True(t, receipt.StillRunning)
	assert.Contains(t, receipt.Stack, "TestReceiptOfAHandlerThatDoesNotStop")
}

func TestStream(t *testing.T) {
	c := portworkertest.Connect(t, worker())
	all, err := portworkertest.OpenStream[int](c, "countdown", 3).Collect()
	require.NoError(t, err)
	assert.Equal(t, []int{3, 2, 1}, all)

	s := portworkertest.OpenStream[int](c, "countdown", 3)
	first, err := s.Next()
	require.NoError(t, err)
	assert.Equal(t, 3, first)
	s.Grant(2)
	rest, err := s.Collect()
	require.NoError(t, err)
	assert.Equal(t, []int{2, 1}, rest)
	_, err = s.Next()
	assert.ErrorIs(t, err, io.EOF)

	s = portworkertest.OpenStream[int](c, "countdown", 1000)
	for n, err := range s.All() {
		require.NoError(t, err)
		if n == 998 {
			break
		}
	}
	_, err = s.Next()
	assert.Equal(t, portworker.Cancelled, reasonOf(t, err))

	for _, err := range portworkertest.OpenStream[int](c, "countdown", "three").All() {
		assert.Equal(t, portworker.BadArgs, reasonOf(t, err))
	}
	_, err = portworkertest.OpenStream[int](c, "countdown").Collect()
	assert.Equal(t, portworker.BadArgs, reasonOf(t, err))
}

func TestStreamSendsWhatItWasAskedFor(t *testing.T) {
	for name, credit := range map[string]int{"nothing at first": 0, "some at first": 5} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent := 0
				w := portworker.New(portworker.Config{})
				portworker.HandleStream0(w, "numbers", func(ctx context.Context, out *portworker.Sender[int]) error {
					for ; ; sent++ {
						if err := out.Send(ctx, sent); err != nil {
							return err
						}
					}
				})
				c := portworkertest.Connect(t, w).With(portworkertest.Options{Credit: credit})
				s := portworkertest.OpenStream[int](c, "numbers")
				synctest.Wait()
				assert.Equal(t, credit, sent)
				s.Grant(3)
				synctest.Wait()
				assert.Equal(t, credit+3, sent)
			})
		})
	}
}

func TestChannel(t *testing.T) {
	c := portworkertest.Connect(t, worker())
	ch := portworkertest.OpenChannel[any, int](c, "total")
	ch.Send(1, 2)
	ch.Send("three")
	for _, want := range []int{1, 3} {
		got, err := ch.Next()
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err := ch.Next()
	assert.Equal(t, portworker.BadArgs, reasonOf(t, err), "of the input")
	ch.Send(4)
	ch.Close()
	rest, err := ch.Collect()
	require.NoError(t, err)
	assert.Equal(t, []int{7}, rest)

	ch = portworkertest.OpenChannel[any, int](c, "total")
	assert.Equal(t, portworkertest.Receipt{}, ch.Cancel())
	_, err = ch.Next()
	assert.Equal(t, portworker.Cancelled, reasonOf(t, err))
}

func TestChannelTakesAnyNumberOfInputs(t *testing.T) {
	const many = 1000
	c := portworkertest.Connect(t, worker()).With(portworkertest.Options{Credit: many})
	ch := portworkertest.OpenChannel[shape, shape](c, "shapes")
	for i := range many {
		ch.Send(square{Side: i})
	}
	ch.Close()
	all, err := ch.Collect()
	require.NoError(t, err)
	require.Len(t, all, many)
	assert.Equal(t, shape(square{Side: many - 1}), all[many-1])
}

func TestChannelWithoutCredit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		w := portworker.New(portworker.Config{})
		portworker.HandleChannel0(w, "push", func(ctx context.Context, ch *portworker.Channel[any, int]) error {
			for ; ; sent++ {
				if err := ch.Send(ctx, sent); err != nil {
					return err
				}
			}
		})
		c := portworkertest.Connect(t, w)
		ch := portworkertest.OpenChannel[any, int](c.With(portworkertest.Options{Credit: -1}), "push")
		synctest.Wait()
		assert.Zero(t, sent)
		ch.Grant(2)
		synctest.Wait()
		assert.Equal(t, 2, sent)
		ch.Cancel()
		portworkertest.OpenChannel[any, int](c, "push")
		synctest.Wait()
		assert.Equal(t, 2+64, sent)
	})
}

func TestNotify(t *testing.T) {
	c := portworkertest.Connect(t, worker())
	for i, to := range []any{portworkertest.Pid(1), etf.Atom("logger"), portworkertest.Pid(2), portworkertest.Pid(1)} {
		_, err := portworkertest.Call[any](c, "tell", to, i)
		require.NoError(t, err)
	}
	assert.Equal(t, 2, portworkertest.Receive[int](c, portworkertest.Pid(2)))
	assert.Equal(t, 1, portworkertest.Receive[int](c, etf.Atom("logger")))
	assert.Equal(t, 0, portworkertest.Receive[int](c, portworkertest.Pid(1)))
	assert.Equal(t, 3, portworkertest.Receive[int](c, portworkertest.Pid(1)))
}

func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := portworkertest.Connect(t, nil)
		c.Callback("price", func(s string) int { return len(s) })
		c = c.With(portworkertest.Options{Timeout: time.Hour, Meta: map[string]string{"trace": "7"}})
		ctx, task := c.Context()

		price, err := portworker.Call[int](ctx, "price", "four")
		require.NoError(t, err)
		assert.Equal(t, 4, price)
		assert.Equal(t, map[string]string{"trace": "7"}, portworker.Meta(ctx))
		require.NoError(t, portworker.Notify(ctx, portworkertest.Pid(1), "sold"))
		assert.Equal(t, "sold", portworkertest.Receive[string](c, portworkertest.Pid(1)))
		require.NoError(t, portworker.Progress(ctx, 50))
		assert.Equal(t, []int{50}, slices.Collect(portworkertest.Progress[int](task)))
		assert.Empty(t, slices.Collect(portworkertest.Progress[int](task)))

		other, second := c.With(portworkertest.Options{Timeout: time.Minute}).Context()
		began := time.Now()
		<-other.Done()
		assert.Equal(t, time.Minute, time.Since(began))
		assert.Equal(t, portworker.Timeout, reasonOf(t, context.Cause(other)))
		_, err = second.Await()
		assert.Equal(t, portworker.Timeout, reasonOf(t, err))

		require.NoError(t, ctx.Err())
		task.Cancel()
		assert.Equal(t, portworker.Cancelled, reasonOf(t, context.Cause(ctx)))
		assert.Error(t, portworker.Progress(ctx, 100))
	})
}

func TestAnHourPassesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := portworker.New(portworker.Config{})
		portworker.Handle(w, "sleep", func(ctx context.Context, hours int) (string, error) {
			select {
			case <-time.After(time.Duration(hours) * time.Hour):
				return fmt.Sprintf("slept %d hours", hours), nil
			case <-ctx.Done():
				return "", context.Cause(ctx)
			}
		})
		c := portworkertest.Connect(t, w)
		began := time.Now()
		text, err := portworkertest.Call[string](c, "sleep", 1)
		require.NoError(t, err)
		assert.Equal(t, "slept 1 hours", text)
		assert.Equal(t, time.Hour, time.Since(began))

		_, err = portworkertest.Call[string](c.With(portworkertest.Options{Timeout: 90 * time.Minute}), "sleep", 2)
		assert.Equal(t, portworker.Timeout, reasonOf(t, err))
		assert.Equal(t, time.Hour+90*time.Minute, time.Since(began))
		text, err = portworkertest.Call[string](c.With(portworkertest.Options{Timeout: 100 * time.Hour}), "sleep", 99)
		require.NoError(t, err, "a deadline lengthens the wait")
		assert.Equal(t, "slept 99 hours", text)
	})
}
