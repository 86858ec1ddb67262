package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// connect serves all functions of this program until the test ends.
func connect(t *testing.T) *portworkertest.Peer {
	t.Helper()
	w := portworker.New(portworker.Config{})
	register(w)
	registerDebug(w)
	return portworkertest.Start(t, w)
}

// value makes a call that must succeed.
func value(t *testing.T, name string, args ...any) any {
	t.Helper()
	result := connect(t).Call(name, args...)
	require.Nil(t, result.Err)
	return result.Value
}

// requireFailure makes a call that must fail.
func requireFailure(t *testing.T, reason portworker.Reason, message, name string, args ...any) {
	t.Helper()
	result := connect(t).Call(name, args...)
	require.NotNil(t, result.Err, "want an error, got %v", result.Value)
	assert.Equal(t, reason, result.Err.Reason)
	assert.Contains(t, result.Err.Message, message)
}

// requireCancelled cancels a call that was started, and checks that its handler obeyed.
func requireCancelled(t *testing.T, peer *portworkertest.Peer, ref any) {
	t.Helper()
	peer.Send(etf.Tuple{etf.Atom("cancel"), ref})
	result := peer.Await(ref)
	require.NotNil(t, result.Err, "want an error, got %v", result.Value)
	require.Equal(t, portworker.Cancelled, result.Err.Reason)
	require.Equal(t, atoms("still_running", false), result.Err.Details)
}

// awaitProgress waits for the first progress of the only call.
func awaitProgress(t *testing.T, peer *portworkertest.Peer) {
	t.Helper()
	require.Equal(t, etf.Atom("progress"), peer.Next()[0])
}

// atoms is a map with atom keys, in the order given.
func atoms(keysAndValues ...any) etf.Map {
	var m etf.Map
	for i := 0; i < len(keysAndValues); i += 2 {
		m = append(m, etf.Pair{Key: etf.Atom(keysAndValues[i].(string)), Value: keysAndValues[i+1]})
	}
	return m
}

func field(t *testing.T, term any, name string) any {
	t.Helper()
	require.IsType(t, etf.Map{}, term)
	value, ok := term.(etf.Map).Get(etf.Atom(name))
	require.True(t, ok, "no %s in %v", name, term)
	return value
}

func TestEchoReturnsAnyTerm(t *testing.T) {
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
			assert.Equal(t, term, value(t, "echo", term))
		})
	}
}

// functions are the entries of the worker's hello.
func functions(t *testing.T) []any {
	t.Helper()
	peer := connect(t)
	peer.Send(etf.Tuple{etf.Atom("hello"), etf.Map{}})
	return field(t, peer.Next()[1], "functions").([]any)
}

func TestEveryFunctionIsDocumented(t *testing.T) {
	all := functions(t)
	assert.Len(t, all, 22)
	for _, f := range all {
		assert.Regexp(t, `^[A-Z].*\.$`, field(t, f, "doc"), "the doc of %s", field(t, f, "name"))
	}
}

func TestCancelEndsWhatWaitsAndWhatComputes(t *testing.T) {
	for name, arg := range map[string]int64{"sleep": maxSleep, "sum": 1 << 62} {
		t.Run(name, func(t *testing.T) {
			peer := connect(t)
			requireCancelled(t, peer, peer.Start(name, nil, arg))
		})
	}
}
