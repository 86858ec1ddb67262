package main

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSum(t *testing.T) {
	cases := map[string]struct {
		n    int64
		want string
	}{
		"nothing":       {0, "0"},
		"one":           {1, "1"},
		"ten":           {10, "55"},
		"some millions": {3_000_000, "4500001500000"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := sum(t.Context(), tc.n)
			require.NoError(t, err)
			assert.Equal(t, tc.want, got.String())
		})
	}
}

func TestSumRefusesLessThanNothing(t *testing.T) {
	_, err := sum(t.Context(), -1)
	assert.EqualError(t, err, "bad_args: n: expected an integer of at least 0, got -1")
}

func TestSumEndsWithItsContext(t *testing.T) {
	cause := errors.New("changed my mind")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := sum(ctx, math.MaxInt64)
	assert.ErrorIs(t, err, cause)
}
