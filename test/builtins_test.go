package test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The built-in functions do their work on real files.

func TestSum(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		for ref, tt := range []struct{ n, want int64 }{{0, 0}, {1, 1}, {10, 55}, {1_000_000, 500_000_500_000}} {
			p.Call(ref, "sum", tt.n)
			assert.Equal(t, tt.want, p.Value(ref))
		}
	})
}

func TestFileDigest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large")
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	want := sha256.Sum256(content)
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call(1, "file.digest", path, "sha256")
		assert.Contains(t, strings.ToLower(text(p.Value(1))), hex.EncodeToString(want[:]))
		p.Expect("progress")
	})
}

func TestFileGrep(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"a.txt": "one\ntwo needle\n", "b.txt": "nothing\n", "c.txt": "needle\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call(1, "file.grep", "ne+dle", dir)
		found := text(p.Value(1))
		assert.Contains(t, found, "a.txt")
		assert.Contains(t, found, "c.txt")
		assert.NotContains(t, found, "b.txt")
		p.Call(2, "file.grep", "(unclosed", dir)
		assert.Contains(t, p.Failure(2, "bad_args").Message, "(unclosed")
	})
}

func TestImageThumbnail(t *testing.T) {
	var original bytes.Buffer
	require.NoError(t, png.Encode(&original, image.NewRGBA(image.Rect(0, 0, 400, 200))))
	path := filepath.Join(t.TempDir(), "original.png")
	require.NoError(t, os.WriteFile(path, original.Bytes(), 0o600))
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call("of a file", "image.thumbnail", options("path", path, "max_width", 100))
		p.Call("of bytes", "image.thumbnail", options("data", original.Bytes(), "max_width", 100))
		p.Call("of no image", "image.thumbnail", options("data", []byte("no image")))
		for _, ref := range []string{"of a file", "of bytes"} {
			thumbnail, ok := p.Value(ref).(map[string]any)
			require.True(t, ok, "want a map")
			got, err := png.DecodeConfig(strings.NewReader(text(thumbnail["png"])))
			require.NoError(t, err)
			assert.Equal(t, []int{100, 50}, []int{got.Width, got.Height})
		}
		_, failed := p.Result("of no image")
		require.NotNil(t, failed)
		assert.Contains(t, []string{"bad_args", "failed"}, failed.Reason)
	})
}
