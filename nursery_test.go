package portworker_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

// within calls fn as a handler on a CPU lane of one, beside functions it may run.
func within(t *testing.T, fn func(ctx context.Context) error) *portworkertest.Peer {
	w := portworker.New(portworker.Config{Limits: portworker.Limits{Processors: 1}})
	cpu := portworker.OnLane(portworker.LaneCPU)
	portworker.Handle0(w, "main", func(ctx context.Context) (any, error) { return nil, fn(ctx) }, cpu)
	portworker.Handle(w, "double", func(_ context.Context, n int) (int, error) { return 2 * n, nil }, cpu)
	portworker.Handle0(w, "panic", func(context.Context) (any, error) { panic("oh no") })
	portworker.Handle0(w, "wait", func(ctx context.Context) (any, error) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	})
	return portworkertest.Start(t, w)
}

func TestRunRunsAFunctionOfTheWorker(t *testing.T) {
	peer := within(t, func(ctx context.Context) error {
		four, err := portworker.Run[int](ctx, "double", 2)
		assert.Equal(t, 4, four)
		_, wrong := portworker.Run[string](ctx, "double", 2)
		assert.ErrorContains(t, wrong, `run "double": value: expected binary, got integer 4`)
		_, unknown := portworker.Run[int](ctx, "nope")
		assert.ErrorIs(t, unknown, &portworker.Error{Reason: portworker.UnknownFunction})
		_, panicked := portworker.Run[int](ctx, "panic")
		assert.ErrorIs(t, panicked, &portworker.Error{Reason: portworker.Panic})
		return err
	})
	assert.Nil(t, peer.Call("main").Err)
}

func TestRunIsBoundedByItsTimeoutAndByItsTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peer := within(t, func(ctx context.Context) error {
			_, err := portworker.RunWith[any](ctx, portworker.RunOptions{Timeout: time.Second}, "wait")
			assert.ErrorIs(t, err, &portworker.Error{Reason: portworker.Timeout})
			_, err = portworker.Run[any](ctx, "wait")
			return err
		})
		begun := time.Now()
		ref := peer.Start("main", etf.Map{{Key: etf.Atom("timeout"), Value: 3000}})
		assert.Equal(t, portworker.Timeout, peer.Await(ref).Err.Reason)
		assert.Equal(t, 3*time.Second, time.Since(begun))
	})
}

func TestRunNeedsATask(t *testing.T) {
	_, err := portworker.Run[int](context.Background(), "double", 1)
	assert.ErrorContains(t, err, "belongs to no task")
}

func TestNurseryWaitsForAllAndKeepsEveryError(t *testing.T) {
	peer := within(t, func(ctx context.Context) error {
		n := portworker.NewNursery(ctx, portworker.NurseryOptions{WaitAll: true})
		n.Go(func(context.Context) error { return errors.New("first") })
		n.Go(func(context.Context) error { panic("second") })
		n.Go(func(ctx context.Context) error {
			_, err := portworker.Run[int](ctx, "double", 1)
			return err
		})
		err := n.Wait()
		all, ok := errors.AsType[*portworker.NurseryError](err)
		if assert.True(t, ok) && assert.Len(t, all.Errors, 2) {
			require.Len(t, all.Panics(), 1)
			assert.Equal(t, 1, all.Panics()[0].Index)
		}
		return nil
	})
	assert.Nil(t, peer.Call("main").Err)
}

func TestManyGoroutinesOfATaskMayRunFunctionsAtOnce(t *testing.T) {
	peer := within(t, func(ctx context.Context) error {
		n := portworker.NewNursery(ctx, portworker.NurseryOptions{})
		for i := range 200 {
			n.Go(func(ctx context.Context) error {
				got, err := portworker.Run[int](ctx, "double", i)
				assert.Equal(t, 2*i, got)
				return err
			})
		}
		return n.Wait()
	})
	assert.Nil(t, peer.Call("main").Err)
	var stats struct {
		Accepted int
		Lanes    map[string]struct{ Running, Waiting int }
	}
	peer.Value(&stats, "$stats")
	assert.Equal(t, 1, stats.Accepted)
	assert.Zero(t, stats.Lanes["cpu"])
}

func TestNurseryCancelsTheOthersWhenOneFails(t *testing.T) {
	peer := within(t, func(ctx context.Context) error {
		n := portworker.NewNursery(ctx, portworker.NurseryOptions{})
		no := errors.New("no")
		n.Go(func(ctx context.Context) error {
			<-ctx.Done()
			assert.ErrorIs(t, context.Cause(ctx), no)
			return context.Cause(ctx)
		})
		n.Go(func(context.Context) error { return no })
		err := n.Wait()
		assert.ErrorIs(t, err, no)
		return nil
	})
	assert.Nil(t, peer.Call("main").Err)
}

func TestNurseryRunsSomeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		n := portworker.NewNursery(t.Context(), portworker.NurseryOptions{MaxConcurrency: 2})
		for range 4 {
			n.Go(func(context.Context) error { time.Sleep(time.Second); return nil })
		}
		assert.NoError(t, n.Wait())
		assert.Equal(t, 2*time.Second, time.Since(begun))
	})
}
