//go:build unix

package portworker

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestLargePacketsAreWrittenInPieces(t *testing.T) {
	const k = 1 << 10
	for name, c := range map[string]struct {
		parts  []int // how long each part is
		pieces []int // how long each write
	}{
		"a small one is one":                      {[]int{26, 100}, []int{126}},
		"a large one is several":                  {[]int{26, 1536 * k}, []int{384 * k, 384 * k, 384 * k, 384*k + 26}},
		"a short end goes along":                  {[]int{26, 1152 * k, 5}, []int{384 * k, 384 * k, 384*k + 31}},
		"a long end is a piece":                   {[]int{(384 + 64) * k, 1}, []int{384 * k, 64*k + 1}},
		"the longest that is one has a short end": {[]int{(384 + 64) * k}, []int{(384 + 64) * k}},
	} {
		t.Run(name, func(t *testing.T) {
			parts := make([][]byte, len(c.parts))
			for i, n := range c.parts {
				parts[i] = make([]byte, n)
			}
			var pieces []int
			for left := unwritten(parts, 0); len(left) > 0; {
				n := length(piece(nil, left))
				pieces = append(pieces, n)
				left = unwritten(left, n)
			}
			assert.Equal(t, c.pieces, pieces)
		})
	}
}
