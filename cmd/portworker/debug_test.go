package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/etf"
	"portworker/protocol"
)

func TestDebugPanicFailsItsCallAlone(t *testing.T) {
	peer := connect(t)
	err := peer.Call("debug.panic", "boom").Err
	require.NotNil(t, err)
	assert.Equal(t, protocol.Panic, err.Reason)
	assert.Contains(t, err.Message, "boom")
	assert.Equal(t, "still here", peer.Call("echo", "still here").Value)
}

func TestDebugSpinReturnsInTime(t *testing.T) {
	assert.Equal(t, etf.Atom("ok"), value(t, "debug.spin", 1))
}

func TestDebugFunctionsRefuse(t *testing.T) {
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
			requireFailure(t, portworker.BadArgs, tc.message, tc.name, tc.args...)
		})
	}
}
