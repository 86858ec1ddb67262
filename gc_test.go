//go:build unix

package portworker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestHeapFollowsHowOftenItIsCollected(t *testing.T) {
	for name, c := range map[string]struct {
		heap  int
		since time.Duration
		next  int
	}{
		"a quiet worker":          {leastHeap, time.Second, leastHeap},
		"collections in a hurry":  {leastHeap, 10 * time.Millisecond, 2 * leastHeap},
		"no more than the most":   {mostHeap, 10 * time.Millisecond, mostHeap},
		"as much in a larger one": {2 * leastHeap, 20 * time.Millisecond, mostHeap},
		"a steady load":           {mostHeap, 100 * time.Millisecond, mostHeap},
		"a load that has passed":  {mostHeap, time.Second, mostHeap / 2},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.next, nextHeap(c.heap, c.since)) })
	}
}

func TestHeapPercentLetsTheHeapGrowToItsSize(t *testing.T) {
	assert.Equal(t, 400, heapPercent(leastHeap, 0), "of the 4 MiB that the runtime takes at least")
	assert.Equal(t, 300, heapPercent(mostHeap, 16<<20))
	assert.Negative(t, heapPercent(leastHeap, leastHeap*2), "a heap that is larger already is collected as ever")
}
