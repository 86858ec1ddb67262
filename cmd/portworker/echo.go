package main

import (
	"context"

	"portworker/etf"
)

// echo takes its argument undecoded, so any term comes back as it went in.
func echo(_ context.Context, term etf.Raw) (etf.Raw, error) {
	return term, nil
}
