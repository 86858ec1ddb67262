package main

import (
	"context"
	"iter"

	"portworker/streaming"
)

// integers is the range from..to//step of Elixir, both ends included; it is empty where the step
// leads away from the end.
func integers(_ context.Context, from, to int64, step *int64) iter.Seq2[int64, error] {
	stride := int64(1)
	if step != nil {
		stride = *step
	}
	if stride == 0 {
		return streaming.Fail[int64](badArgs("step", "an integer other than 0", stride))
	}
	if stride > 0 && from > to || stride < 0 && from < to {
		return streaming.Empty[int64]()
	}
	// Unsigned, the distance between any two int64 fits, and so does the lowest step's length.
	distance, length := uint64(to)-uint64(from), uint64(stride)
	if stride < 0 {
		distance, length = -distance, -length
	}
	return func(yield func(int64, error) bool) {
		v := from
		for left := distance / length; yield(v, nil) && left > 0; left-- {
			v += stride
		}
	}
}
