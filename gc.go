//go:build unix

package portworker

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// leastHeap is how large the heap may grow before it is collected. With the runtime's 4 MiB a
// worker that keeps little collects garbage dozens of times a second. One that would do so all the
// same, because large packets pass through it, may let mostHeap lie.
const (
	leastHeap = 16 << 20
	mostHeap  = 64 << 20
)

// What may lie is doubled by a worker that fills leastHeap in less than often, and halved by one
// that takes longer than seldom.
const (
	often  = 20 * time.Millisecond
	seldom = 4 * often
)

// runtimeHeap is what the runtime takes for that, times its percentage.
const runtimeHeap = 4 << 20

// paceCollector keeps the collector to that: after each collection it sets the runtime's
// percentage anew, from what is alive. A heap that is larger than half of it is collected
// as ever, and so is one that whoever started the process has set GOGC for.
func paceCollector() {
	const usual = 100
	if previous := debug.SetGCPercent(usual); previous != usual {
		debug.SetGCPercent(previous)
		return
	}
	percent := heapPercent(leastHeap, 0)
	debug.SetGCPercent(percent)
	heap, last := leastHeap, time.Now()
	var collected func(*sentinel)
	collected = func(s *sentinel) {
		now := time.Now()
		heap = nextHeap(heap, now.Sub(last))
		last = now
		wanted := max(usual, heapPercent(heap, liveBytes()))
		if wanted > percent+percent/4 || wanted < percent-percent/4 {
			percent = wanted
			debug.SetGCPercent(percent)
		}
		runtime.SetFinalizer(s, collected)
	}
	runtime.SetFinalizer(new(sentinel), collected)
}

// nextHeap returns how large the heap may grow from now on, so long after the collection
// before this one.
func nextHeap(heap int, since time.Duration) int {
	switch filled := since * leastHeap / time.Duration(heap); {
	case filled < often:
		return min(2*heap, mostHeap)
	case filled > seldom:
		return max(heap/2, leastHeap)
	}
	return heap
}

// heapPercent returns the runtime's percentage that lets a heap of which so much is alive grow
// to a size.
func heapPercent(size, live int) int {
	return min(size*100/max(live, 1)-100, size/runtimeHeap*100)
}

// sentinel is found to be garbage by each collection.
type sentinel struct{ _ [16]byte }

// liveBytes is what the last collection has found to be alive.
func liveBytes() int {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return int(sample[0].Value.Uint64())
}
