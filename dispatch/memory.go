package dispatch

import (
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// memoryGauge tells whether the heap is over a soft limit. It looks at most
// every gaugeInterval, since looking at every call would cost more than the call.
type memoryGauge struct {
	limit  atomic.Int64 // bytes; 0 is none
	looked atomic.Int64 // when, in nanoseconds of a monotonic clock
	heap   atomic.Int64 // what was seen
}

const gaugeInterval = 20 * time.Millisecond

var gaugeEpoch = time.Now()

// over reports whether the heap is over the limit.
func (g *memoryGauge) over() (limit int64, over bool) {
	limit = g.limit.Load()
	if limit == 0 {
		return 0, false
	}
	now, looked := int64(time.Since(gaugeEpoch)), g.looked.Load()
	if (looked == 0 || now-looked > int64(gaugeInterval)) && g.looked.CompareAndSwap(looked, now) {
		g.heap.Store(heapBytes())
	}
	return limit, g.heap.Load() > limit
}

// heapBytes returns the bytes of live and not yet swept objects.
func heapBytes() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}
