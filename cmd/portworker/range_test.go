package main

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"portworker"
)

func TestRangeIncludesBothEnds(t *testing.T) {
	cases := map[string]struct {
		args []any
		want []any
	}{
		"without a step":            {[]any{1, 4}, []any{int64(1), int64(2), int64(3), int64(4)}},
		"one integer":               {[]any{5, 5}, []any{int64(5)}},
		"a step that meets the end": {[]any{0, 6, 3}, []any{int64(0), int64(3), int64(6)}},
		"a step over the end":       {[]any{0, 5, 3}, []any{int64(0), int64(3)}},
		"down":                      {[]any{1, -2, -1}, []any{int64(1), int64(0), int64(-1), int64(-2)}},
		"the wrong way":             {[]any{1, 0}, nil},
		"the wrong way down":        {[]any{0, 1, -1}, nil},
		"the last integers":         {[]any{math.MaxInt64 - 1, math.MaxInt64}, []any{int64(math.MaxInt64 - 1), int64(math.MaxInt64)}},
		"all there is, in strides":  {[]any{math.MinInt64, math.MaxInt64, math.MaxInt64}, []any{int64(math.MinInt64), int64(-1), int64(math.MaxInt64 - 1)}},
		"all there is, in one":      {[]any{math.MaxInt64, math.MinInt64, math.MinInt64}, []any{int64(math.MaxInt64), int64(-1)}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tc.want, elements(t, "range", tc.args...))
		})
	}
}

func TestRangeRefuses(t *testing.T) {
	requireStreamFailure(t, nil, portworker.BadArgs, "step: expected an integer other than 0, got 0", "range", 1, 2, 0)
}
