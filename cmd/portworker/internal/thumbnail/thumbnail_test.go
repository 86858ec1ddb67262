package thumbnail_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/draw"

	"portworker/cmd/portworker/internal/thumbnail"
)

// gradient is an image with no two rows or columns alike.
func gradient(width, height int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.Set(x, y, color.RGBA{uint8(x * 255 / width), uint8(y * 255 / height), uint8((x ^ y) & 0xff), 0xff})
		}
	}
	return img
}

func pngOf(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, img))
	return b.Bytes()
}

func jpegOf(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, img, nil))
	return b.Bytes()
}

func TestMakeKeepsProportions(t *testing.T) {
	cases := map[string]struct{ width, height, maxWidth, maxHeight, wantWidth, wantHeight int }{
		"wide":                   {400, 200, 100, 100, 100, 50},
		"tall":                   {200, 400, 100, 100, 50, 100},
		"square in a wide box":   {300, 300, 200, 100, 100, 100},
		"rounded":                {300, 100, 100, 100, 100, 33},
		"never below one pixel":  {1000, 2, 10, 10, 10, 1},
		"small enough already":   {30, 20, 100, 100, 30, 20},
		"exactly the box":        {100, 100, 100, 100, 100, 100},
		"no multiple of a strip": {517, 391, 203, 203, 203, 154},
		"one side too long":      {50, 400, 100, 100, 13, 100},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			made, err := thumbnail.Make(t.Context(), pngOf(t, gradient(tc.width, tc.height)), tc.maxWidth, tc.maxHeight)
			require.NoError(t, err)
			assert.Equal(t, []int{tc.wantWidth, tc.wantHeight}, []int{made.Width, made.Height})

			decoded, err := png.Decode(bytes.NewReader(made.PNG))
			require.NoError(t, err)
			assert.Equal(t, image.Rect(0, 0, tc.wantWidth, tc.wantHeight), decoded.Bounds())
		})
	}
}

func TestMakeScalesWithoutSeams(t *testing.T) {
	source := gradient(900, 700)
	translucent := image.NewNRGBA(source.Bounds())
	for i := range translucent.Pix {
		translucent.Pix[i] = uint8(i % 251)
	}
	cases := map[string]struct {
		encoded []byte
		decoded image.Image
	}{
		"PNG":                   {pngOf(t, source), source},
		"PNG with transparency": {pngOf(t, translucent), translucent},
		"JPEG":                  {jpegOf(t, source), nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if tc.decoded == nil {
				var err error
				tc.decoded, _, err = image.Decode(bytes.NewReader(tc.encoded))
				require.NoError(t, err)
			}
			made, err := thumbnail.Make(t.Context(), tc.encoded, 90, 90)
			require.NoError(t, err)
			got, err := png.Decode(bytes.NewReader(made.PNG))
			require.NoError(t, err)

			want := image.NewRGBA(image.Rect(0, 0, 90, 70))
			draw.CatmullRom.Scale(want, want.Bounds(), tc.decoded, tc.decoded.Bounds(), draw.Src, nil)
			for y := range 70 {
				for x := range 90 {
					assertClose(t, want.At(x, y), got.At(x, y))
				}
			}
		})
	}
}

// assertClose allows for the rounding to 8 bits between the two passes.
func assertClose(t *testing.T, want, got color.Color) {
	t.Helper()
	wr, wg, wb, wa := want.RGBA()
	gr, gg, gb, ga := got.RGBA()
	for _, pair := range [][2]uint32{{wr, gr}, {wg, gg}, {wb, gb}, {wa, ga}} {
		if difference := int(pair[0]>>8) - int(pair[1]>>8); difference < -2 || difference > 2 {
			t.Fatalf("want %v, got %v", want, got)
		}
	}
}

// claiming is a PNG of a few dozen bytes that says it is width by height pixels.
func claiming(width, height uint32) []byte {
	header := append([]byte("IHDR"), make([]byte, 13)...)
	binary.BigEndian.PutUint32(header[4:], width)
	binary.BigEndian.PutUint32(header[8:], height)
	header[12], header[13] = 8, 6 // 8 bits, RGBA
	b := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	b = append(b, header...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(header))
}

func TestMakeRefuses(t *testing.T) {
	whole := pngOf(t, gradient(100, 100))
	cases := map[string]struct {
		source []byte
		want   string
	}{
		"nothing":              {nil, "expected PNG or JPEG, got 0 bytes"},
		"text":                 {[]byte("hello world"), `expected PNG or JPEG, got 11 bytes that begin with "hello wo"`},
		"half an image":        {whole[:len(whole)/2], "decode png: "},
		"half a header":        {whole[:20], "decode png: "},
		"a decompression bomb": {claiming(60_000, 60_000), "expected at most 50000000 pixels, got 60000 x 60000"},
		"an endless row":       {claiming(1<<30, 1), "expected sides of at most 65535 pixels"},
		"a JPEG cut short":     {jpegOf(t, gradient(100, 100))[:100], "decode jpeg: "},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := thumbnail.Make(t.Context(), tc.source, 10, 10)
			assert.ErrorContains(t, err, tc.want)
		})
	}
}

func TestMakeStopsWithItsContext(t *testing.T) {
	cause := errors.New("changed my mind")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := thumbnail.Make(ctx, pngOf(t, gradient(100, 100)), 10, 10)
	assert.ErrorIs(t, err, cause)
}
