package dispatch

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
)

var errWhy = errors.New("why")

// newContext returns the context of a task that belongs to no connection.
func newContext() *taskContext {
	t := &Task{}
	t.ctx.task = t
	return &t.ctx
}

// newContextBelow returns one that descends from parent.
func newContextBelow(parent context.Context) *taskContext {
	ctx := newContext()
	ctx.parent = parent
	return ctx
}

func TestTaskContextTellsItsCause(t *testing.T) {
	type key struct{}
	derive := map[string]func(context.Context) (context.Context, context.CancelFunc){
		"itself": func(ctx context.Context) (context.Context, context.CancelFunc) { return ctx, func() {} },
		"value": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithValue(ctx, key{}, 1), func() {}
		},
		"derived": context.WithCancel,
	}
	for name, derived := range derive {
		t.Run(name+" before it is needed", func(t *testing.T) {
			ctx := newContext()
			c, release := derived(ctx)
			defer release()
			assert.NoError(t, c.Err())
			assert.NoError(t, context.Cause(c))
			ctx.cancel(errWhy)
			<-c.Done()
			assert.Equal(t, context.Canceled, c.Err())
			assert.Equal(t, errWhy, context.Cause(c))
		})
		t.Run(name+" after it is cancelled", func(t *testing.T) {
			ctx := newContext()
			ctx.cancel(errWhy)
			ctx.cancel(errors.New("too late"))
			c, release := derived(ctx)
			defer release()
			assert.Equal(t, context.Canceled, c.Err())
			assert.Equal(t, errWhy, context.Cause(c))
			assert.Equal(t, errWhy, ctx.cause())
			<-c.Done()
		})
	}
}

func TestTaskContextEndsWithItsParents(t *testing.T) {
	parent, cancel := context.WithCancelCause(context.Background())
	needed, idle := newContextBelow(parent), newContextBelow(parent)
	waits := needed.Done()
	cancel(errWhy)
	<-waits
	for _, ctx := range []*taskContext{needed, idle} {
		assert.Equal(t, context.Canceled, ctx.Err())
		assert.Equal(t, errWhy, ctx.cause())
		assert.Equal(t, errWhy, context.Cause(ctx))
	}
}

func TestTaskContextThatIsReleasedIsCanceled(t *testing.T) {
	ctx := newContext()
	ctx.release()
	assert.Equal(t, context.Canceled, ctx.Err())
	assert.Equal(t, context.Canceled, context.Cause(ctx))
	assert.Equal(t, context.Canceled, ctx.cause())
}

func TestTaskContextSeenByManyAtOnce(t *testing.T) {
	for range 100 {
		ctx := newContext()
		seen := make(chan error, 4)
		for range cap(seen) {
			go func() {
				<-ctx.Done()
				seen <- context.Cause(ctx)
			}()
		}
		ctx.cancel(errWhy)
		for range cap(seen) {
			assert.Equal(t, errWhy, <-seen)
		}
	}
}

func TestTaskContextOfAQuickHandlerCostsNothing(t *testing.T) {
	task := &Task{}
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		task.ctx = taskContext{task: task}
		_ = TaskFrom(&task.ctx)
		_ = task.ctx.Err()
		_ = task.ctx.cause()
		task.ctx.release()
	}))
}
