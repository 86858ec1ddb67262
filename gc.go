//go:build unix

package portworker

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// leastHeap is how large the heap may grow before it is collected. With the runtime's 4 MiB a
// worker that keeps little collects garbage dozens of times a second.
const leastHeap = 16 << 20

// runtimeHeap is what the runtime takes for that, times its percentage.
const runtimeHeap = 4 << 20

// paceCollector keeps the collector to that: after each collection it sets the runtime's
// percentage anew, from what is alive. A heap that is larger than half of it is collected
// as ever, and so is one that whoever started the process has set GOGC for.
func paceCollector() {
	const usual, most = 100, 100 * leastHeap / runtimeHeap
	if previous := debug.SetGCPercent(usual); previous != usual {
		debug.SetGCPercent(previous)
		return
	}
	debug.SetGCPercent(most)
	percent := most
	var collected func(*sentinel)
	collected = func(s *sentinel) {
		wanted := min(max(usual, leastHeap*100/max(liveBytes(), 1)-100), most)
		if wanted > percent+percent/4 || wanted < percent-percent/4 {
			percent = wanted
			debug.SetGCPercent(percent)
		}
		runtime.SetFinalizer(s, collected)
	}
	collected(new(sentinel))
}

// sentinel is found to be garbage by each collection.
type sentinel struct{ _ [16]byte }

// liveBytes is what the last collection has found to be alive.
func liveBytes() int {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return int(sample[0].Value.Uint64())
}
