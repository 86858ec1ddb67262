package dispatch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"portworker/protocol"
)

func timed(accepted, timeout time.Duration) *Task {
	return &Task{accepted: accepted, call: protocol.Call{CallOptions: protocol.CallOptions{Timeout: timeout}}}
}

func TestDeadlinesAreDueInTheirTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := deadlines{timer: stopped(func() {})}
		defer d.timer.Stop()
		live := map[*Task]bool{}
		for range rapid.IntRange(1, 40).Draw(t, "tasks") {
			task := timed(0, time.Duration(rapid.IntRange(1, 50).Draw(t, "timeout"))*time.Hour)
			live[task] = true
			d.add(task, 0)
		}
		for task := range live {
			if rapid.Bool().Draw(t, "ends") {
				d.remove(task)
				delete(live, task)
			}
		}
		now := time.Duration(rapid.IntRange(0, 60).Draw(t, "now")) * time.Hour
		for _, task := range d.due(now) {
			assert.True(t, live[task] && task.deadline() <= now)
			delete(live, task)
			d.remove(task) // again: it is not there
		}
		for task := range live {
			assert.Greater(t, task.deadline(), now)
		}
		assert.Len(t, d.heap, len(live))
	})
}

func TestATimerIsSetForTheFirstDeadlineOnly(t *testing.T) {
	d := deadlines{timer: stopped(func() {})}
	defer d.timer.Stop()
	d.add(timed(0, 0), 0)
	assert.Zero(t, d.set, "no deadline, no timer")
	d.add(timed(0, 3*time.Hour), 0)
	d.add(timed(0, 5*time.Hour), 0)
	assert.Equal(t, 3*time.Hour, d.set)
	d.add(timed(0, 2*time.Hour), 0)
	assert.Equal(t, 2*time.Hour, d.set)
}
