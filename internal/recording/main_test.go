package recording

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipeOf is the reading end of a pipe that holds these bytes, few enough to fit.
func pipeOf(t *testing.T, content []byte) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	_, err = w.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return r
}
