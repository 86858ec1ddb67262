package dispatch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"portworker/protocol"
)

// waiter is a task that has waited since it was accepted.
func waiter(name string, priority protocol.Priority, accepted time.Duration) *Task {
	return &Task{call: protocol.Call{Function: name, CallOptions: protocol.CallOptions{Priority: priority}}, accepted: accepted}
}

func names(l *lane, now time.Duration) (order []string) {
	for t := l.pop(now); t != nil; t = l.pop(now) {
		order = append(order, t.call.Function)
	}
	return order
}

func TestLaneOrder(t *testing.T) {
	at := func(ms int) time.Duration { return time.Duration(ms) * time.Millisecond }
	cases := map[string]struct {
		tasks []*Task
		order []string
	}{
		"equals in the order they came": {
			[]*Task{waiter("a", protocol.PriorityNormal, at(0)), waiter("b", protocol.PriorityNormal, at(1)), waiter("c", protocol.PriorityNormal, at(2))},
			[]string{"a", "b", "c"},
		},
		"higher first": {
			[]*Task{waiter("low", protocol.PriorityLow, at(0)), waiter("normal", protocol.PriorityNormal, at(0)),
				waiter("critical", protocol.PriorityCritical, at(0)), waiter("high", protocol.PriorityHigh, at(0))},
			[]string{"critical", "high", "normal", "low"},
		},
		"one that has waited long goes before a higher one that came late": {
			[]*Task{waiter("old low", protocol.PriorityLow, at(0)), waiter("new critical", protocol.PriorityCritical, at(3001))},
			[]string{"old low", "new critical"},
		},
		"and not before its time": {
			[]*Task{waiter("low", protocol.PriorityLow, at(0)), waiter("critical", protocol.PriorityCritical, at(2999))},
			[]string{"critical", "low"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var l lane
			for _, task := range c.tasks {
				l.push(task)
			}
			assert.Equal(t, c.order, names(&l, at(5000)))
			assert.Zero(t, l.waiting)
		})
	}
}

func TestLaneRemovesFromAnyPlace(t *testing.T) {
	now := time.Duration(0)
	for _, leaves := range []int{0, 1, 2} {
		var l lane
		tasks := []*Task{waiter("a", 0, now), waiter("b", 0, now), waiter("c", 0, now)}
		for _, task := range tasks {
			l.push(task)
		}
		l.remove(tasks[leaves])
		want := []string{"a", "b", "c"}
		want = append(want[:leaves:leaves], want[leaves+1:]...)
		assert.Equal(t, want, names(&l, now))
	}
}
