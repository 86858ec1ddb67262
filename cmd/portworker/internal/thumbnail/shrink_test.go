package thumbnail

import (
	"context"
	"errors"
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/assert"
)

// cancelling is an image that cancels when its first pixel is looked at.
type cancelling struct {
	image.Image
	cancel func()
}

func (c cancelling) At(x, y int) color.Color {
	c.cancel()
	return c.Image.At(x, y)
}

func TestShrinkStopsWithinAStrip(t *testing.T) {
	cause := errors.New("changed my mind")
	ctx, cancel := context.WithCancelCause(t.Context())
	source := cancelling{image.NewGray(image.Rect(0, 0, 1000, 1000)), func() { cancel(cause) }}

	_, err := shrink(ctx, source, 10, 10)
	assert.ErrorIs(t, err, cause)
}

func BenchmarkShrink(b *testing.B) {
	photo := image.NewYCbCr(image.Rect(0, 0, 6000, 4000), image.YCbCrSubsampleRatio420)
	for b.Loop() {
		if _, err := shrink(b.Context(), photo, 256, 171); err != nil {
			b.Fatal(err)
		}
	}
}
