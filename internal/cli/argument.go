package cli

import (
	"fmt"
	"strings"

	"portworker/etf"
	"portworker/internal/termtext"
)

// negative marks an argument that is no flag though it looks like one. No argument of a process can
// hold it.
const negative = "\x00"

// Arguments marks the negative numbers among the arguments of call, so that they need no -- before them.
func Arguments(args []string) []string {
	marked := append([]string(nil), args...)
	inCall := false
	for i, arg := range marked {
		if arg == "--" {
			break
		}
		if inCall && len(arg) > 1 && arg[0] == '-' && arg[1] >= '0' && arg[1] <= '9' {
			marked[i] = negative + arg
		}
		inCall = inCall || arg == "call"
	}
	return marked
}

// argument is the term that somebody means who types text where a type is expected: a term, or the
// text itself where that is asked for, or where a binary is expected and text is none.
func argument(text string, expected etf.Type, plain bool) (any, error) {
	text = strings.TrimPrefix(text, negative)
	if plain {
		return text, nil
	}
	v, err := termtext.Parse(text)
	if expected.Kind == etf.KindOptional && expected.Elem != nil {
		if v == nil && err == nil {
			return nil, nil
		}
		expected = *expected.Elem
	}
	if expected.Kind == etf.KindBinary {
		if binary, ok := v.(string); ok && err == nil {
			return binary, nil
		}
		return text, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%q is no term: %w (for the text itself, put it in double quotes or give --string)", text, err)
	}
	return v, nil
}

// arguments are the terms of a call's arguments.
func arguments(texts []string, types []etf.Type, plain bool) ([]any, error) {
	values := make([]any, len(texts))
	for i, text := range texts {
		var expected etf.Type
		if i < len(types) {
			expected = types[i]
		}
		var err error
		if values[i], err = argument(text, expected, plain); err != nil {
			return nil, &Exit{Status: ExitUsage, Err: fmt.Errorf("argument %d: %w", i+1, err)}
		}
	}
	return values, nil
}
