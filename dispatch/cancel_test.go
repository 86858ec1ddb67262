package dispatch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"portworker"
	"portworker/etf"
)

func TestCancelEndsATaskWhenItsHandlerReturns(t *testing.T) {
	f := serve(t, portworker.Limits{})
	ref := f.waiting("wait", nil)
	f.Send(etf.Tuple{atom("cancel"), ref})
	err := f.fails(ref, portworker.Cancelled)
	assert.Equal(t, options("still_running", false), err.Details)
}

func TestCancelOfAWaitingTaskEndsItAtOnce(t *testing.T) {
	f := serve(t, portworker.Limits{Processors: 1})
	first := f.waiting("wait.cpu", nil)
	second := f.Start("wait.cpu", nil, "never started")
	f.Send(etf.Tuple{atom("cancel"), second})
	f.fails(second, portworker.Cancelled)
	f.Send(etf.Tuple{atom("cancel"), first})
	f.fails(first, portworker.Cancelled)
	assert.Empty(t, f.started, "the second handler never ran")
}

func TestCancelOfNothingIsNothing(t *testing.T) {
	f := serve(t, portworker.Limits{})
	f.Send(etf.Tuple{atom("cancel"), "no such ref"}, etf.Tuple{atom("ping"), int64(1)})
	assert.Equal(t, etf.Tuple{atom("pong"), int64(1)}, f.Next())
}

func TestHandlerThatOutlivesTheGraceIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t, portworker.Limits{CancelGrace: 300 * time.Millisecond})
		begun := time.Now()
		ref := f.waiting("stubborn", nil)
		f.Send(etf.Tuple{atom("cancel"), ref}, etf.Tuple{atom("cancel"), ref})
		err := f.fails(ref, portworker.Cancelled)
		assert.Equal(t, 300*time.Millisecond, time.Since(begun))
		assert.Equal(t, true, field(t, err.Details, "still_running"))
		assert.Contains(t, field(t, err.Details, "stack"), "stubborn")

		stats := f.Call("$stats").Value
		assert.Equal(t, int64(1), field(t, stats, "abandoned"))
		stacks := f.Call("$stacks").Value.([]any)
		assert.Len(t, stacks, 1)
		assert.Equal(t, true, field(t, stacks[0], "abandoned"))

		f.letGo()
		synctest.Wait()
		assert.Equal(t, int64(0), field(t, f.Call("$stats").Value, "abandoned"))
	})
}

func TestAbandonedHandlerGivesItsPlaceUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t, portworker.Limits{Processors: 1})
		defer f.letGo()
		first := f.waiting("stubborn", options("timeout", int64(10)))
		second := f.Start("wait.cpu", nil, "next")
		f.fails(first, portworker.Timeout)
		assert.Equal(t, "next", <-f.started)
		f.Send(etf.Tuple{atom("cancel"), second})
		f.fails(second, portworker.Cancelled)
	})
}

func TestDeadline(t *testing.T) {
	for name, handler := range map[string]string{"of a handler that listens": "wait", "of one that does not": "stubborn"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := serve(t, portworker.Limits{})
				defer f.letGo()
				begun := time.Now()
				ref := f.waiting(handler, options("timeout", int64(250)))
				err := f.fails(ref, portworker.Timeout)
				assert.Equal(t, 250*time.Millisecond, time.Since(begun))
				assert.Contains(t, err.Message, "250ms")
			})
		})
	}
}

func TestDeadlineCountsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t, portworker.Limits{Processors: 1})
		defer f.letGo()
		f.waiting("stubborn", nil)
		begun := time.Now()
		ref := f.Start("wait.cpu", options("timeout", int64(50)), "queued")
		f.fails(ref, portworker.Timeout)
		assert.Equal(t, 50*time.Millisecond, time.Since(begun))
		assert.Empty(t, f.started)
	})
}

func TestNoTimeAtAllIsATimeout(t *testing.T) {
	f := serve(t, portworker.Limits{})
	f.fails(f.Start("wait", options("timeout", int64(0)), "x"), portworker.Timeout)
}

func TestOwnerDeathCancelsItsTasksAndNoOthers(t *testing.T) {
	f := serve(t, portworker.Limits{Processors: 1})
	defer f.letGo()
	busy := f.waiting("stubborn", nil)
	waiting := f.Start("wait.cpu", options("owner", "ann"), "queued")
	running := f.waiting("wait", options("owner", "ann"))
	other := f.waiting("wait", options("owner", "bob"))

	f.Send(etf.Tuple{atom("owner_down"), "ann"}, etf.Tuple{atom("owner_down"), "nobody"})
	ended := map[any]bool{}
	for range 2 {
		message := f.Next()
		ended[message[1]] = true
	}
	assert.Equal(t, map[any]bool{waiting: true, running: true}, ended)

	f.Send(etf.Tuple{atom("cancel"), other})
	f.fails(other, portworker.Cancelled)
	_ = busy
}
