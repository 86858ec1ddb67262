package main

import (
	"fmt"

	"portworker"
)

// badArgs is the error for arguments of the right types and the wrong values: which argument, what
// was expected of it, and what came.
func badArgs(argument, expected string, got any) error {
	return &portworker.Error{
		Reason:  portworker.BadArgs,
		Message: fmt.Sprintf("%s: expected %s, got %v", argument, expected, got),
	}
}
