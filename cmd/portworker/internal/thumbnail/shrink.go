package thumbnail

import (
	"context"
	"image"

	"golang.org/x/image/draw"
)

// shrink scales an image in strips: first to the width, some rows at a time, then to the height,
// some columns at a time. A scaler cannot be interrupted, and keeps 32 bytes for each pixel between
// its passes; strips bound both. They leave no seams, since a Catmull-Rom kernel at scale 1
// touches no neighbour.
func shrink(ctx context.Context, source image.Image, width, height int) (*image.RGBA, error) {
	const rows, columns = 128, 16

	from := source.Bounds()
	narrow := image.NewRGBA(image.Rect(0, 0, width, from.Dy()))
	for y := 0; y < from.Dy(); y += rows {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		end := min(y+rows, from.Dy())
		strip := image.Rect(from.Min.X, from.Min.Y+y, from.Max.X, from.Min.Y+end)
		draw.CatmullRom.Scale(narrow, image.Rect(0, y, width, end), source, strip, draw.Src, nil)
	}

	small := image.NewRGBA(image.Rect(0, 0, width, height))
	for x := 0; x < width; x += columns {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		end := min(x+columns, width)
		strip := image.Rect(x, 0, end, from.Dy())
		draw.CatmullRom.Scale(small, image.Rect(x, 0, end, height), narrow, strip, draw.Src, nil)
	}
	return small, nil
}
