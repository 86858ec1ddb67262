package main

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
)

func TestImageThumbnailTakesAPathOrBytes(t *testing.T) {
	var asPNG, asJPEG bytes.Buffer
	picture := image.NewGray(image.Rect(0, 0, 640, 480))
	require.NoError(t, png.Encode(&asPNG, picture))
	require.NoError(t, jpeg.Encode(&asJPEG, picture, nil))
	path := write(t, "picture.jpeg", asJPEG.Bytes())

	cases := map[string]struct {
		source        any
		width, height int64
	}{
		"PNG bytes":       {atoms("data", asPNG.Bytes()), 256, 192},
		"JPEG bytes":      {atoms("data", asJPEG.Bytes()), 256, 192},
		"a path":          {atoms("path", path), 256, 192},
		"a narrower box":  {atoms("path", path, "max_width", 64), 64, 48},
		"a lower box":     {atoms("path", path, "max_width", 640, "max_height", 48), 64, 48},
		"a box too large": {atoms("path", path, "max_width", 4096, "max_height", 4096), 640, 480},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			made := value(t, "image.thumbnail", tc.source)
			assert.Equal(t, tc.width, field(t, made, "width"))
			assert.Equal(t, tc.height, field(t, made, "height"))
			decoded, err := png.Decode(bytes.NewReader([]byte(field(t, made, "png").(string))))
			require.NoError(t, err)
			assert.Equal(t, image.Rect(0, 0, int(tc.width), int(tc.height)), decoded.Bounds())
		})
	}
}

func TestImageThumbnailRefuses(t *testing.T) {
	large := filepath.Join(t.TempDir(), "large.png")
	require.NoError(t, os.WriteFile(large, nil, 0o600))
	require.NoError(t, os.Truncate(large, 1<<30))

	cases := map[string]struct {
		source  any
		reason  portworker.Reason
		message string
	}{
		"no image":          {atoms("max_width", 10), portworker.BadArgs, "source: expected path or data, got neither"},
		"two images":        {atoms("path", large, "data", "x"), portworker.BadArgs, "source: expected path or data, got both"},
		"no width":          {atoms("path", large, "max_width", 0), portworker.BadArgs, "max_width: expected an integer from 1 to 4096, got 0"},
		"a negative height": {atoms("path", large, "max_height", -1), portworker.BadArgs, "max_height: expected an integer from 1 to 4096, got -1"},
		"a path alone":      {large, portworker.BadArgs, "expected"},
		"text":              {atoms("data", "hello"), portworker.Failed, `decode image: expected PNG or JPEG, got 5 bytes that begin with "hello"`},
		"nothing":           {atoms("data", ""), portworker.Failed, "decode image: expected PNG or JPEG, got 0 bytes"},
		"a gigabyte":        {atoms("path", large), portworker.Failed, "large.png: expected at most 67108864 bytes, got 1073741824"},
		"an absent file":    {atoms("path", large+".bak"), portworker.Failed, "no such file or directory"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			requireFailure(t, tc.reason, tc.message, "image.thumbnail", tc.source)
		})
	}
}

func TestImageThumbnailEndsWithItsContext(t *testing.T) {
	var picture bytes.Buffer
	require.NoError(t, png.Encode(&picture, image.NewGray(image.Rect(0, 0, 100, 100))))
	cause := errors.New("changed my mind")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := imageThumbnail(ctx, thumbnailSource{Data: picture.Bytes()})
	assert.ErrorIs(t, err, cause)
}
