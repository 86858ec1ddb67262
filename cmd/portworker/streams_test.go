package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/portworkertest"
)

// plenty is more credit than any stream of these tests uses up.
const plenty = 1 << 20

// stream reads a stream to its end.
func stream(t *testing.T, name string, args ...any) portworkertest.Result {
	t.Helper()
	peer := connect(t)
	return peer.Await(peer.Start(name, atoms("credit", plenty), args...))
}

// elements reads a stream that must not fail.
func elements(t *testing.T, name string, args ...any) []any {
	t.Helper()
	result := stream(t, name, args...)
	require.Nil(t, result.Err)
	require.Nil(t, result.Value)
	return result.Elements
}

// requireStreamFailure reads a stream that must fail, after these elements.
func requireStreamFailure(t *testing.T, before []any, reason portworker.Reason, message, name string, args ...any) *portworker.Error {
	t.Helper()
	result := stream(t, name, args...)
	require.NotNil(t, result.Err, "want an error, got %v", result.Elements)
	assert.Equal(t, before, result.Elements)
	assert.Equal(t, reason, result.Err.Reason)
	assert.Contains(t, result.Err.Message, message)
	return result.Err
}
