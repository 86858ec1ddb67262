package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"portworker/etf"
)

// atoms is a map with atom keys, in the order given.
func atoms(keysAndValues ...any) etf.Map {
	var m etf.Map
	for i := 0; i < len(keysAndValues); i += 2 {
		m = append(m, etf.Pair{Key: etf.Atom(keysAndValues[i].(string)), Value: keysAndValues[i+1]})
	}
	return m
}

func TestEchoReturnsAnyTerm(t *testing.T) {
	c := connect(t)
	cases := map[string]any{
		"an integer":       int64(42),
		"a binary":         "bytes \x00\xff",
		"an atom":          etf.Atom("atom"),
		"nil":              nil,
		"an improper list": etf.ImproperList{Elements: []any{int64(1)}, Tail: int64(2)},
		"a deep term":      etf.Tuple{[]any{atoms("key", etf.Tuple{})}},
	}
	for name, term := range cases {
		t.Run(name, func(t *testing.T) {
			c.t = t
			assert.Equal(t, term, c.value("echo", term))
		})
	}
}

func TestEveryFunctionIsDocumented(t *testing.T) {
	c := connect(t)
	c.write(etf.Tuple{etf.Atom("hello"), etf.Map{}})
	functions := field(t, c.next()[1], "functions").([]any)
	assert.Len(t, functions, 13)
	for _, f := range functions {
		assert.Regexp(t, `^[A-Z].*\.$`, field(t, f, "doc"), "the doc of %s", field(t, f, "name"))
	}
}

func TestCancelEndsEachLongCall(t *testing.T) {
	cases := map[string]struct {
		name string
		args []any
	}{
		"sleep": {"sleep", []any{maxSleep}},
		"sum":   {"sum", []any{int64(1) << 62}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := connect(t)
			c.start(tc.name, tc.args...)
			c.cancelled()
		})
	}
}
