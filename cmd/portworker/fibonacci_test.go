package main

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
)

func TestFibonacciStreamsTheFirstNumbers(t *testing.T) {
	assert.Equal(t, []any{int64(0), int64(1), int64(1), int64(2), int64(3), int64(5), int64(8)}, elements(t, "fibonacci", 7))
	assert.Empty(t, elements(t, "fibonacci", 0))
}

func TestFibonacciIsExactBeyondAnyWord(t *testing.T) {
	numbers := elements(t, "fibonacci", 301)
	for n, digits := range map[int]string{
		93:  "12200160415121876738", // fits 64 bits without a sign
		94:  "19740274219868223167", // fits no 64 bits
		300: "222232244629420445529739893461909967206666939096499764990979600",
	} {
		want, ok := new(big.Int).SetString(digits, 10)
		require.True(t, ok)
		assert.Equal(t, want, numbers[n])
	}
}

func TestFibonacciIsEndlessAndStopsAtOnce(t *testing.T) {
	peer := connect(t)
	ref := peer.Start("fibonacci", nil)
	peer.Grant(ref, 3)
	assert.Equal(t, []any{int64(0), int64(1), int64(1)}, peer.Elements(ref, 3))
	peer.Grant(ref, 1)
	assert.Equal(t, []any{int64(2)}, peer.Elements(ref, 1))
	requireCancelled(t, peer, ref)
}

func TestFibonacciRefuses(t *testing.T) {
	requireStreamFailure(t, nil, portworker.BadArgs, "n: expected an integer of at least 0, got -1", "fibonacci", -1)
}
