package dispatch

import (
	"container/heap"
	"time"
)

// Most tasks end long before their deadline. So a deadline is an entry in a heap, and
// one timer stands for all of them: it is set anew only for a deadline before the one it is
// set for, and finds out what there is to do when it fires.

// deadlines is a heap of tasks by their deadline. It is part of the in-flight state.
type deadlines struct {
	heap  deadlineHeap
	timer *time.Timer
	set   time.Duration // what the timer is set for; 0 when it is not
}

// add watches t's deadline, if it has one.
func (d *deadlines) add(t *Task, now time.Duration) {
	if t.call.Timeout <= 0 {
		return
	}
	heap.Push(&d.heap, t)
	d.arm(now)
}

// arm sets the timer for the first deadline, unless it fires before.
func (d *deadlines) arm(now time.Duration) {
	if len(d.heap) == 0 {
		return
	}
	if first := d.heap[0].deadline(); d.set == 0 || first < d.set {
		d.set = first
		d.timer.Reset(max(0, first-now))
	}
}

// remove forgets t's deadline.
func (d *deadlines) remove(t *Task) {
	if t.deadlineAt > 0 {
		heap.Remove(&d.heap, int(t.deadlineAt)-1)
	}
}

// due takes out the tasks whose deadline has passed. The timer has fired.
func (d *deadlines) due(now time.Duration) (tasks []*Task) {
	for len(d.heap) > 0 && d.heap[0].deadline() <= now {
		tasks = append(tasks, heap.Pop(&d.heap).(*Task))
	}
	d.set = 0
	d.arm(now)
	return tasks
}

// deadline is when t has no time left, on the connection's clock.
func (t *Task) deadline() time.Duration { return t.accepted + t.call.Timeout }

// deadlineHeap is for container/heap. A task knows its place, counted from 1.
type deadlineHeap []*Task

func (h deadlineHeap) Len() int           { return len(h) }
func (h deadlineHeap) Less(i, j int) bool { return h[i].deadline() < h[j].deadline() }

func (h deadlineHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].deadlineAt, h[j].deadlineAt = int32(i+1), int32(j+1)
}

// Push adds a task at the end.
func (h *deadlineHeap) Push(x any) {
	t := x.(*Task)
	*h = append(*h, t)
	t.deadlineAt = int32(len(*h))
}

// Pop takes the last task.
func (h *deadlineHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	t.deadlineAt = 0
	return t
}
