package dispatch

import (
	"fmt"
	"slices"
	"time"

	"portworker/protocol"
)

// Lane is a set of goroutines with a bound of its own, so that one kind of
// work cannot take the place of another.
type Lane string

// The lanes.
const (
	LaneIO        Lane = "io"        // many cheap tasks that mostly wait
	LaneCPU       Lane = "cpu"       // as many as there are processors
	LaneBlocking  Lane = "blocking"  // calls that hold an OS thread
	LaneDedicated Lane = "dedicated" // an OS thread of its own for each task
)

var allLanes = []Lane{LaneIO, LaneCPU, LaneBlocking, LaneDedicated}

func laneIndex(lane Lane) (int, bool) {
	i := slices.Index(allLanes, lane)
	return i, i >= 0
}

func unknownLane(name string) error {
	return fmt.Errorf("unknown lane %q: expected io, cpu, blocking or dedicated", name)
}

// LaneConfig sizes a lane.
type LaneConfig struct {
	// Size is how many tasks run at once. 0 is MaxRunning for io, Processors for cpu, 512 for
	// blocking and 64 for dedicated.
	Size int
	// Queue is how many more may wait; one past it is overloaded. 0 is MaxRunning.
	Queue int
}

func (l LaneConfig) withDefaults(lane Lane, c Config) LaneConfig {
	switch lane {
	case LaneIO:
		l.Size = or(l.Size, c.MaxRunning)
	case LaneCPU:
		l.Size = or(l.Size, c.Processors)
	case LaneBlocking:
		l.Size = or(l.Size, 512)
	case LaneDedicated:
		l.Size = or(l.Size, 64)
	}
	l.Queue = or(l.Queue, c.MaxRunning)
	return l
}

// lane is what runs and waits in one lane. It is part of the in-flight state
// and shares its lock.
type lane struct {
	name     Lane
	executor Executor // nil is a goroutine for each
	config   LaneConfig
	running  int
	waiting  int
	queues   [levelCount]queue
}

const levelCount = 4

// aging is how long a task waits to count as one priority higher, so that no
// priority starves.
const aging = time.Second

func level(p protocol.Priority) int { return int(p - protocol.PriorityLow) }

// push lets t wait.
func (l *lane) push(t *Task) {
	l.waiting++
	l.queues[level(t.call.Priority)].push(t)
}

// remove takes a waiting task out.
func (l *lane) remove(t *Task) {
	l.waiting--
	l.queues[level(t.call.Priority)].remove(t)
}

// pop returns the waiting task whose turn it is, or nil: the one with the
// highest priority after aging, of equals the one that came first.
func (l *lane) pop(now time.Duration) *Task {
	var best *Task
	var bestRank time.Duration
	for i := range l.queues {
		t := l.queues[i].head
		if t == nil {
			continue
		}
		rank := now - t.accepted + time.Duration(i)*aging
		if best == nil || rank >= bestRank {
			best, bestRank = t, rank
		}
	}
	if best != nil {
		l.remove(best)
	}
	return best
}

// queue is a list of waiting tasks, linked through them, so that a cancelled
// one leaves from the middle.
type queue struct{ head, tail *Task }

func (q *queue) push(t *Task) {
	t.queued = links{prev: q.tail}
	if q.tail == nil {
		q.head = t
	} else {
		q.tail.queued.next = t
	}
	q.tail = t
}

func (q *queue) remove(t *Task) {
	prev, next := t.queued.prev, t.queued.next
	if prev == nil {
		q.head = next
	} else {
		prev.queued.next = next
	}
	if next == nil {
		q.tail = prev
	} else {
		next.queued.prev = prev
	}
	t.queued = links{}
}
