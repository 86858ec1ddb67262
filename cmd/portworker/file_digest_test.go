package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/etf"
)

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

func TestFileDigestKnowsItsAlgorithms(t *testing.T) {
	path := write(t, "abc", []byte("abc"))
	cases := map[string]string{
		"crc32":  "352441c2",
		"md5":    "900150983cd24fb0d6963f7d28e17f72",
		"sha1":   "a9993e364706816aba3e25717850c26c9cd0d89d",
		"sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"sha512": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
	}
	for algorithm, digest := range cases {
		t.Run(algorithm, func(t *testing.T) {
			want := atoms("algorithm", algorithm, "digest", digest, "bytes", int64(3))
			assert.Equal(t, want, value(t, "file.digest", path, algorithm))
			assert.Equal(t, want, value(t, "file.digest", path, etf.Atom(algorithm)))
		})
	}
}

func TestFileDigestIsSHA256UnlessTold(t *testing.T) {
	path := write(t, "empty", nil)
	want := atoms("algorithm", "sha256", "digest", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "bytes", int64(0))
	assert.Equal(t, want, value(t, "file.digest", path))
	assert.Equal(t, want, value(t, "file.digest", path, nil))
}

func TestFileDigestReportsHowFarItIs(t *testing.T) {
	const mib = 1 << 20
	cases := map[string]struct {
		size int64
		want []int64
	}{
		"an empty file":         {0, []int64{0}},
		"less than a step":      {1000, []int64{1000}},
		"some steps and a rest": {5 * mib / 2, []int64{mib, 2 * mib, 5 * mib / 2}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			result := connect(t).Call("file.digest", write(t, "f", make([]byte, tc.size)), "crc32")
			require.Nil(t, result.Err)
			var want []any
			for _, read := range tc.want {
				want = append(want, atoms("bytes", read, "total", tc.size))
			}
			assert.Equal(t, want, result.Progress)
		})
	}
}

func TestFileDigestOfALargeFileReportsAHundredTimes(t *testing.T) {
	path := write(t, "sparse", nil)
	require.NoError(t, os.Truncate(path, 200<<20))
	assert.Len(t, connect(t).Call("file.digest", path, "crc32").Progress, 100)
}

func TestFileDigestRefuses(t *testing.T) {
	dir := t.TempDir()
	cases := map[string]struct {
		args    []any
		reason  portworker.Reason
		message string
	}{
		"an algorithm there is none": {[]any{dir, "rot13"}, portworker.BadArgs, `algorithm: expected one of crc32, md5, sha1, sha256, sha512, got "rot13"`},
		"a file there is none":       {[]any{dir + "/absent"}, portworker.Failed, "absent: no such file or directory"},
		"a directory":                {[]any{dir}, portworker.Failed, "expected a regular file, got a directory"},
		"a device without end":       {[]any{"/dev/zero"}, portworker.Failed, "expected a regular file, got a device"},
		"a number for a path":        {[]any{42}, portworker.BadArgs, "expected binary"},
		"a number for an algorithm":  {[]any{dir, 42}, portworker.BadArgs, "expected binary"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			requireFailure(t, tc.reason, tc.message, "file.digest", tc.args...)
		})
	}
}

func TestFileDigestEndsWhenCancelled(t *testing.T) {
	path := write(t, "sparse", nil)
	require.NoError(t, os.Truncate(path, 1<<40)) // a terabyte of nothing
	peer := connect(t)
	ref := peer.Start("file.digest", nil, path, "md5")
	awaitProgress(t, peer)
	requireCancelled(t, peer, ref)
}
