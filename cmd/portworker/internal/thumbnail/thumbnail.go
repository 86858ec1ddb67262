// Package thumbnail makes small PNG images of PNG and JPEG images it does not trust.
package thumbnail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // read by image.Decode
	"image/png"
	"io"
)

// What an image may claim of itself. A few hundred bytes can announce an image of gigabytes, so
// the claim is held against these before anything is decoded. At 50 million pixels a decoder holds
// 200 MB for the usual kind of image, and at most three times that.
const (
	MaxPixels = 50_000_000
	MaxSide   = 65_535 // in pixels; what JPEG itself allows
)

// A Thumbnail is an image in the PNG format, with its size in pixels.
type Thumbnail struct {
	PNG           []byte
	Width, Height int
}

// Make shrinks an image until it fits a box of maxWidth by maxHeight pixels, both at least 1. Its
// proportions stay, an image that fits already is not enlarged, and a photo that was taken with the
// camera turned is turned back. Make looks at ctx as it decodes and scales, and returns its cause.
func Make(ctx context.Context, source []byte, maxWidth, maxHeight int) (Thumbnail, error) {
	config, format, err := image.DecodeConfig(bytes.NewReader(source))
	if err != nil {
		return Thumbnail{}, decodeError(format, source, err)
	}
	if err := bounded(config.Width, config.Height); err != nil {
		return Thumbnail{}, fmt.Errorf("decode %s: %w", format, err)
	}
	decoded, _, err := image.Decode(&reader{ctx, bytes.NewReader(source)})
	if ctx.Err() != nil {
		return Thumbnail{}, context.Cause(ctx)
	} else if err != nil {
		return Thumbnail{}, decodeError(format, source, err)
	}
	upright := orientations[1]
	if format == "jpeg" {
		upright = orientationOf(source)
	}
	maxWidth, maxHeight = upright.size(maxWidth, maxHeight)
	width, height := fit(config.Width, config.Height, maxWidth, maxHeight)
	stored, err := shrink(ctx, decoded, width, height)
	if err != nil {
		return Thumbnail{}, err
	}
	small := upright.turn(stored)
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, small); err != nil {
		return Thumbnail{}, fmt.Errorf("encode png: %w", err)
	}
	return Thumbnail{PNG: encoded.Bytes(), Width: small.Rect.Dx(), Height: small.Rect.Dy()}, nil
}

func bounded(width, height int) error {
	switch {
	case width < 1 || height < 1:
		return fmt.Errorf("expected at least one pixel, got %d x %d", width, height)
	case width > MaxSide || height > MaxSide:
		return fmt.Errorf("expected sides of at most %d pixels, got %d x %d", MaxSide, width, height)
	case width*height > MaxPixels:
		return fmt.Errorf("expected at most %d pixels, got %d x %d", MaxPixels, width, height)
	}
	return nil
}

func decodeError(format string, source []byte, err error) error {
	if errors.Is(err, image.ErrFormat) {
		return fmt.Errorf("decode image: expected PNG or JPEG, got %d bytes that begin with %.8q", len(source), source)
	}
	if format == "" {
		format = "image"
	}
	return fmt.Errorf("decode %s: %w", format, err)
}

// fit returns the size that keeps the proportions, rounded, and at least 1 x 1.
func fit(width, height, maxWidth, maxHeight int) (int, int) {
	if width <= maxWidth && height <= maxHeight {
		return width, height
	}
	if width*maxHeight > height*maxWidth {
		return maxWidth, max(1, (height*maxWidth+width/2)/width)
	}
	return max(1, (width*maxHeight+height/2)/height), maxHeight
}

// A reader ends when its context does, and with it the decoder that reads.
type reader struct {
	ctx context.Context
	io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.Reader.Read(p)
}
