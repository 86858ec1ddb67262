// Command thumbnails is a worker that scales pictures. Scaling is arithmetic, so it has the
// CPU lane, which runs as many calls at once as there are processors; the others wait their turn.
package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	_ "image/jpeg" // read by image.Decode
	"image/png"
	"os"

	"golang.org/x/image/draw"

	"portworker"
)

type thumbnail struct {
	Width  int
	Height int
	PNG    []byte
}

type progress struct{ Done, Total int }

func main() {
	w := portworker.New(portworker.Config{Name: "thumbnails"})
	portworker.Handle2(w, "thumbnails", thumbnails, portworker.OnLane(portworker.LaneCPU), portworker.Reports[progress](),
		portworker.Doc("Scales a PNG or JPEG file to each of some widths, as PNG."))
	portworker.Main(w)
}

func thumbnails(ctx context.Context, path string, widths []int) ([]thumbnail, error) {
	source, err := open(path)
	if err != nil {
		return nil, err
	}
	made := make([]thumbnail, 0, len(widths))
	for _, width := range widths {
		// A caller that has given up or run out of time wants no more of them.
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		small, err := scale(source, width)
		if err != nil {
			return nil, err
		}
		made = append(made, small)
		if err := portworker.Progress(ctx, progress{len(made), len(widths)}); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// open reads the size first: some hundred bytes can announce a picture of gigabytes.
func open(path string) (image.Image, error) {
	const mostPixels = 50_000_000
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	if config.Width*config.Height > mostPixels {
		return nil, fmt.Errorf("expected at most %d pixels, got %d x %d", mostPixels, config.Width, config.Height)
	}
	source, _, err := image.Decode(bytes.NewReader(content))
	return source, err
}

func scale(source image.Image, width int) (thumbnail, error) {
	size := source.Bounds().Size()
	if width < 1 || width > size.X {
		return thumbnail{}, fmt.Errorf("expected a width from 1 to %d, that of the picture, got %d", size.X, width)
	}
	small := image.NewRGBA(image.Rect(0, 0, width, max(1, size.Y*width/size.X)))
	draw.CatmullRom.Scale(small, small.Rect, source, source.Bounds(), draw.Src, nil)
	var encoded bytes.Buffer
	err := png.Encode(&encoded, small)
	return thumbnail{Width: small.Rect.Dx(), Height: small.Rect.Dy(), PNG: encoded.Bytes()}, err
}
