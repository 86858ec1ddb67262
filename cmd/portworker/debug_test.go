package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"portworker/etf"
)

func TestDebugPanicFailsItsCallAlone(t *testing.T) {
	c := connect(t)
	reason, message := c.failure("debug.panic", "boom")
	assert.Equal(t, "panic", reason)
	assert.Contains(t, message, "boom")
	assert.Equal(t, "still here", c.value("echo", "still here"))
}

func TestDebugPrintReturns(t *testing.T) {
	assert.Equal(t, etf.Atom("ok"), connect(t).value("debug.print", "a line"))
}

func TestDebugSpinReturnsInTime(t *testing.T) {
	assert.Equal(t, etf.Atom("ok"), connect(t).value("debug.spin", 1))
}

func TestDebugFunctionsRefuse(t *testing.T) {
	c := connect(t)
	cases := map[string]struct {
		name    string
		args    []any
		message string
	}{
		"time that is over":         {"debug.spin", []any{-1}, "ms: expected an integer from 0 to"},
		"a status below a byte":     {"debug.exit", []any{-1}, "status: expected an integer from 0 to 255, got -1"},
		"a status beyond a byte":    {"debug.exit", []any{256}, "status: expected an integer from 0 to 255, got 256"},
		"a message that is no text": {"debug.panic", []any{1}, "expected binary"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c.t = t
			reason, message := c.failure(tc.name, tc.args...)
			assert.Equal(t, "bad_args", reason)
			assert.Contains(t, message, tc.message)
		})
	}
}
