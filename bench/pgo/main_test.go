package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPathsAreTakenOut(t *testing.T) {
	strings := "\x32\x00\x32\x04/a/b\x32\x03fun"
	got, err := withoutPaths([]byte("\x48\x07" + strings))
	require.NoError(t, err)
	assert.Equal(t, "\x48\x07\x32\x00\x32\x00\x32\x03fun", string(got))
}

func TestWhatIsNoProfileIsRefused(t *testing.T) {
	for _, bad := range []string{"\x32", "\x32\x05abc", "\x35\x01\x02\x03\x04", "\xff"} {
		_, err := withoutPaths([]byte(bad))
		assert.ErrorIs(t, err, errProfile, "%x", bad)
	}
	assert.Error(t, run(strings.NewReader("no gzip"), io.Discard))
}

func TestAProfileKeepsItsFunctions(t *testing.T) {
	var taken, out bytes.Buffer
	require.NoError(t, pprof.Lookup("goroutine").WriteTo(&taken, 0))
	require.NoError(t, run(&taken, &out))
	unpacked, err := gzip.NewReader(&out)
	require.NoError(t, err)
	text, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	assert.Contains(t, string(text), "TestAProfileKeepsItsFunctions")
}
