package main

import (
	"context"
	"math/big"
	"math/bits"
)

// sum adds up the integers from 0 to n, one at a time: it stands for work that keeps a processor
// busy. A loop is cancellable only where it looks at its context, here about every millisecond.
func sum(ctx context.Context, n int64) (*big.Int, error) {
	if n < 0 {
		return nil, badArgs("n", "an integer of at least 0", n)
	}
	const checkEvery = 1 << 20
	var high, low, carry uint64 // 128 bits hold the sum of any int64
	for i := range uint64(n) + 1 {
		low, carry = bits.Add64(low, i, 0)
		high += carry
		if i%checkEvery == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	total := new(big.Int).SetUint64(high)
	return total.Lsh(total, 64).Add(total, new(big.Int).SetUint64(low)), nil
}
