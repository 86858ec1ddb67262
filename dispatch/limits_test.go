package dispatch_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"portworker"
	"portworker/etf"
)

func TestCallPastMaxRunningIsOverloaded(t *testing.T) {
	f := serve(t, portworker.Limits{MaxRunning: 2})
	first, second := f.waiting("wait", nil), f.waiting("wait", nil)
	err := f.fails(f.Start("echo", nil, "x"), portworker.Overloaded)
	assert.Contains(t, err.Message, "max_running")

	f.Send(etf.Tuple{atom("cancel"), first})
	f.fails(first, portworker.Cancelled)
	assert.Equal(t, "x", f.Call("echo", "x").Value)
	f.Send(etf.Tuple{atom("cancel"), second})
	f.fails(second, portworker.Cancelled)
}

func TestCallPastALanesQueueIsOverloaded(t *testing.T) {
	f := serve(t, portworker.Limits{Lanes: map[portworker.Lane]portworker.LaneLimits{portworker.LaneCPU: {Size: 1, Queue: 1}}})
	f.waiting("wait.cpu", nil)
	f.Start("wait.cpu", nil, "queued")
	err := f.fails(f.Start("wait.cpu", nil, "one too many"), portworker.Overloaded)
	assert.Contains(t, err.Message, "lane cpu")
	assert.Equal(t, "x", f.Call("echo", "x").Value, "other lanes are not touched")
}

func TestCallPastTheMemoryLimitIsOverloaded(t *testing.T) {
	f := serve(t, portworker.Limits{MemoryLimit: 1})
	err := f.fails(f.Start("echo", nil, "x"), portworker.Overloaded)
	assert.Contains(t, err.Message, "memory_limit")
}

func TestACallMayChooseItsLane(t *testing.T) {
	f := serve(t, portworker.Limits{Processors: 1})
	f.waiting("wait.cpu", nil)
	f.waiting("wait.cpu", options("lane", atom("io")))
}

func TestHigherPriorityGoesFirst(t *testing.T) {
	f := serve(t, portworker.Limits{Processors: 1})
	defer f.letGo()
	busy := f.waiting("wait.cpu", nil)
	for _, priority := range []string{"low", "normal", "high", "critical"} {
		f.Start("stubborn", options("priority", atom(priority)), priority)
	}
	f.Send(etf.Tuple{atom("cancel"), busy})
	f.fails(busy, portworker.Cancelled)
	assert.Equal(t, "critical", <-f.started)
}
