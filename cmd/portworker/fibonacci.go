package main

import (
	"context"
	"iter"
	"math/big"

	"portworker/streaming"
)

// fibonacci is a generator over a state of two numbers. Nobody but the consumer's demand bounds an
// endless one: between two elements it is two integers and no goroutine of its own.
func fibonacci(_ context.Context, n *int) iter.Seq2[*big.Int, error] {
	type pair struct{ this, next *big.Int }
	numbers := streaming.Unfold(pair{big.NewInt(0), big.NewInt(1)}, func(p pair) (*big.Int, pair, bool) {
		return p.this, pair{p.next, new(big.Int).Add(p.this, p.next)}, true
	})
	switch {
	case n == nil:
		return numbers
	case *n < 0:
		return streaming.Fail[*big.Int](badArgs("n", "an integer of at least 0", *n))
	}
	return streaming.Take(numbers, *n)
}
