package test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// What a build tool reads is what a client would be told.
func TestDescribeFlag(t *testing.T) {
	stdout, stderr, status := output(t, nil, "--describe", "--debug-functions", "--max-running", "77")
	require.Zero(t, status, stderr)
	assert.Empty(t, stderr)
	require.NotEmpty(t, stdout)
	require.EqualValues(t, etf.Version, stdout[0])

	message := etf.AppendAtom(etf.AppendTuple([]byte{etf.Version}, 2), "hello")
	messages, err := overETF.codec.messages(append(message, stdout[1:]...))
	require.NoError(t, err)
	described := messages[0].At(0).(map[string]any)
	hello := Start(t, overETF, debugging, Args("--max-running", "77")).Hello()
	assert.NotEqual(t, hello["os_pid"], described["os_pid"])
	delete(hello, "os_pid")
	delete(described, "os_pid")
	assert.Equal(t, hello, described)
}
