package main

import (
	"fmt"

	"portworker"
	"portworker/etf"
)

// A word is one of a few that an argument may be. Callers give it as a binary or, as they would to
// :crypto or :zlib, as an atom.
type word string

// UnmarshalETF implements etf.Unmarshaler.
func (w *word) UnmarshalETF(term etf.Raw) error {
	if name, _, isAtom := etf.ReadAtom(term); isAtom {
		*w = word(name)
		return nil
	}
	return term.Unmarshal((*string)(w))
}

// badArgs is the error for arguments of the right types and the wrong values: which argument, what
// was expected of it, and what came.
func badArgs(argument, expected string, got any) error {
	return &portworker.Error{
		Reason:  portworker.BadArgs,
		Message: fmt.Sprintf("%s: expected %s, got %v", argument, expected, got),
	}
}
