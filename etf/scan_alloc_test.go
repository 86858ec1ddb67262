//go:build !race

package etf_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"portworker/etf"
)

// The race detector empties pools at random, so this is held in a run without it (make test-go has one).
func TestScanAllocatesNothing(t *testing.T) {
	for _, term := range acceptedCorpus(t) {
		if term.data[1] == 80 {
			continue // inflating allocates, scanning the result does not
		}
		body := term.data[1:]
		allocations := testing.AllocsPerRun(5, func() {
			if _, err := (etf.Limits{}).Scan(body); err != nil {
				t.Error(err)
			}
		})
		// A garbage collection may empty the pool in between.
		assert.Less(t, allocations, 1.0, term.name)
	}
}
