package thumbnail

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exifSegment is a JPEG's APP1 segment with one directory of two entries.
func exifSegment(order binary.AppendByteOrder, mark string, value uint16) []byte {
	exif := append([]byte("Exif\x00\x00"), mark...)
	exif = order.AppendUint16(exif, 42)
	exif = order.AppendUint32(exif, 8)
	exif = order.AppendUint16(exif, 2)
	for _, entry := range [][2]uint16{{0x0100, 77}, {0x0112, value}} {
		exif = order.AppendUint16(exif, entry[0])
		exif = order.AppendUint16(exif, 3)
		exif = order.AppendUint32(exif, 1)
		exif = order.AppendUint16(exif, entry[1])
		exif = order.AppendUint16(exif, 0)
	}
	segment := []byte{0xFF, 0xE1}
	segment = binary.BigEndian.AppendUint16(segment, uint16(len(exif)+2))
	return append(segment, exif...)
}

// photo is a JPEG of 40 x 20 pixels with one white quarter, top left as it is stored.
func photo(t *testing.T, segment []byte) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 40, 20))
	for y := range 10 {
		for x := range 20 {
			img.SetGray(x, y, color.Gray{Y: 255})
		}
	}
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, img, nil))
	return append(append([]byte{0xFF, 0xD8}, segment...), b.Bytes()[2:]...)
}

// The corner in which each orientation shows what is stored top left.
func TestMakeTurnsPhotos(t *testing.T) {
	corners := [...]struct {
		wide        bool
		right, down bool
	}{
		1: {wide: true},
		2: {wide: true, right: true},
		3: {wide: true, right: true, down: true},
		4: {wide: true, down: true},
		5: {},
		6: {right: true},
		7: {right: true, down: true},
		8: {down: true},
	}
	marks := map[string]binary.AppendByteOrder{"II": binary.LittleEndian, "MM": binary.BigEndian}
	for mark, order := range marks {
		for value := 1; value <= 8; value++ {
			t.Run(fmt.Sprint(mark, value), func(t *testing.T) {
				made, err := Make(t.Context(), photo(t, exifSegment(order, mark, uint16(value))), 20, 20)
				require.NoError(t, err)
				img, _, err := image.Decode(bytes.NewReader(made.PNG))
				require.NoError(t, err)

				want := corners[value]
				size := image.Pt(10, 20)
				if want.wide {
					size = image.Pt(20, 10)
				}
				require.Equal(t, size, img.Bounds().Size())
				for _, right := range []bool{false, true} {
					for _, down := range []bool{false, true} {
						x, y := 1, 1
						if right {
							x = size.X - 2
						}
						if down {
							y = size.Y - 2
						}
						light, _, _, _ := img.At(x, y).RGBA()
						assert.Equal(t, right == want.right && down == want.down, light > 0x8000, "at %d, %d", x, y)
					}
				}
			})
		}
	}
}

func TestOrientationOfNonsenseIsUpright(t *testing.T) {
	whole := exifSegment(binary.LittleEndian, "II", 6)
	cases := map[string][]byte{
		"nothing":                 {},
		"no segment":              photo(t, nil),
		"an orientation of 0":     photo(t, exifSegment(binary.LittleEndian, "II", 0)),
		"an orientation of 9":     photo(t, exifSegment(binary.LittleEndian, "II", 9)),
		"a segment cut short":     append([]byte{0xFF, 0xD8}, whole[:len(whole)-1]...),
		"a segment of length one": {0xFF, 0xD8, 0xFF, 0xE1, 0, 1, 0xFF, 0xE1},
		"Exif without a header":   {0xFF, 0xD8, 0xFF, 0xE1, 0, 10, 'E', 'x', 'i', 'f', 0, 0, 'I', 'I'},
		"a directory far away":    photo(t, bytes.Replace(whole, []byte{8, 0, 0, 0}, []byte{255, 255, 255, 255}, 1)),
	}
	for name, source := range cases {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, orientations[1], orientationOf(source))
		})
	}
}

func FuzzOrientation(f *testing.F) {
	f.Add(append([]byte{0xFF, 0xD8}, exifSegment(binary.BigEndian, "MM", 6)...))
	f.Fuzz(func(t *testing.T, source []byte) {
		assert.Contains(t, orientations[1:], orientationOf(source))
	})
}
