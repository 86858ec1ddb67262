package thumbnail

import (
	"bytes"
	"encoding/binary"
	"image"
)

// An orientation says how the pixels of a JPEG are to be turned before they are looked at: first,
// if swapped, rows become columns, then the axes of the stored image run backwards.
type orientation struct{ swapped, mirroredX, mirroredY bool }

// orientations are the eight of the Exif standard, by their numbers. Cameras write 1, 3, 6 and 8.
var orientations = [...]orientation{
	1: {false, false, false},
	2: {false, true, false},
	3: {false, true, true},
	4: {false, false, true},
	5: {true, false, false},
	6: {true, false, true},
	7: {true, true, true},
	8: {true, true, false},
}

// size returns a width and a height as they are after turning, or before: it is its own inverse.
func (o orientation) size(width, height int) (int, int) {
	if o.swapped {
		return height, width
	}
	return width, height
}

// turn returns the image as it is to be looked at.
func (o orientation) turn(stored *image.RGBA) *image.RGBA {
	if o == orientations[1] {
		return stored
	}
	width, height := stored.Rect.Dx(), stored.Rect.Dy()
	turnedWidth, turnedHeight := o.size(width, height)
	turned := image.NewRGBA(image.Rect(0, 0, turnedWidth, turnedHeight))
	for y := range turnedHeight {
		for x := range turnedWidth {
			fromX, fromY := o.size(x, y)
			if o.mirroredX {
				fromX = width - 1 - fromX
			}
			if o.mirroredY {
				fromY = height - 1 - fromY
			}
			turned.SetRGBA(x, y, stored.RGBAAt(fromX, fromY))
		}
	}
	return turned
}

// orientationOf reads the orientation out of a JPEG's Exif segment. Where there is none, or it
// makes no sense, the image is upright.
func orientationOf(jpeg []byte) orientation {
	const startOfScan, app1 = 0xDA, 0xE1
	for at := 2; at+4 <= len(jpeg) && jpeg[at] == 0xFF && jpeg[at+1] != startOfScan; {
		end := at + 2 + int(binary.BigEndian.Uint16(jpeg[at+2:]))
		if end < at+4 || end > len(jpeg) {
			break
		}
		if exif, found := bytes.CutPrefix(jpeg[at+4:end], []byte("Exif\x00\x00")); found && jpeg[at+1] == app1 {
			return exifOrientation(exif)
		}
		at = end
	}
	return orientations[1]
}

// exifOrientation looks through the first directory of a TIFF structure.
func exifOrientation(tiff []byte) orientation {
	const header, entrySize, tagOrientation, typeShort = 8, 12, 0x0112, 3
	var order binary.ByteOrder = binary.LittleEndian
	if bytes.HasPrefix(tiff, []byte("MM")) {
		order = binary.BigEndian
	}
	if len(tiff) < header {
		return orientations[1]
	}
	start := int64(order.Uint32(tiff[4:]))
	if start+2 > int64(len(tiff)) {
		return orientations[1]
	}
	entries := tiff[start+2:]
	for range order.Uint16(tiff[start:]) {
		if len(entries) < entrySize {
			break
		}
		if order.Uint16(entries) == tagOrientation && order.Uint16(entries[2:]) == typeShort {
			if value := int(order.Uint16(entries[8:])); value >= 1 && value < len(orientations) {
				return orientations[value]
			}
		}
		entries = entries[entrySize:]
	}
	return orientations[1]
}
