package localfile_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/cmd/portworker/internal/localfile"
)

func TestOpenGivesAFileAndItsSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	require.NoError(t, os.WriteFile(path, []byte("hello"), 0o600))

	file, size, err := localfile.Open(path)
	require.NoError(t, err)
	defer file.Close()
	assert.Equal(t, int64(5), size)
}

func TestOpenRefusesWhatHasNoEnd(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))

	cases := map[string]struct{ path, want string }{
		"a directory":    {dir, "expected a regular file, got a directory"},
		"a named pipe":   {fifo, "expected a regular file, got a named pipe"},
		"a device":       {"/dev/zero", "expected a regular file, got a device"},
		"nothing at all": {filepath.Join(dir, "absent"), "no such file"},
		"an empty path":  {"", "no such file"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, _, err := localfile.Open(tc.path)
			assert.ErrorContains(t, err, tc.want)
		})
	}
}

func TestReadAllKeepsToItsLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.txt")
	require.NoError(t, os.WriteFile(path, []byte("hello"), 0o600))

	content, err := localfile.ReadAll(path, 5)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(content))

	_, err = localfile.ReadAll(path, 4)
	assert.ErrorContains(t, err, "expected at most 4 bytes, got 5")
}

func TestReadAllKeepsToItsLimitWhereTheSizeIsUnknown(t *testing.T) {
	_, err := localfile.ReadAll("/proc/self/status", 10)
	assert.ErrorContains(t, err, "expected at most 10 bytes, got more")
}
