package main

import (
	"context"
	"fmt"

	"portworker/cmd/portworker/internal/localfile"
	"portworker/cmd/portworker/internal/thumbnail"
)

// thumbnailSource is an image, by its path or as its bytes, and the box it is to fit.
type thumbnailSource struct {
	Path      *string
	Data      []byte
	MaxWidth  *int // in pixels, default 256, at most 4,096
	MaxHeight *int // likewise
}

type thumbnailResult struct {
	PNG    []byte
	Width  int
	Height int
}

func imageThumbnail(ctx context.Context, source thumbnailSource) (thumbnailResult, error) {
	width, err := thumbnailSide("max_width", source.MaxWidth)
	if err != nil {
		return thumbnailResult{}, err
	}
	height, err := thumbnailSide("max_height", source.MaxHeight)
	if err != nil {
		return thumbnailResult{}, err
	}
	content, err := source.content()
	if err != nil {
		return thumbnailResult{}, err
	}
	made, err := thumbnail.Make(ctx, content, width, height)
	return thumbnailResult(made), err
}

func thumbnailSide(argument string, pixels *int) (int, error) {
	const usual, most = 256, 4096
	if pixels == nil {
		return usual, nil
	}
	if *pixels < 1 || *pixels > most {
		return 0, badArgs(argument, fmt.Sprintf("an integer from 1 to %d", most), *pixels)
	}
	return *pixels, nil
}

func (s thumbnailSource) content() ([]byte, error) {
	const mostBytes = 64 << 20
	switch {
	case s.Path != nil && s.Data != nil:
		return nil, badArgs("source", "path or data", "both")
	case s.Path != nil:
		return localfile.ReadAll(*s.Path, mostBytes)
	case s.Data != nil:
		return s.Data, nil
	}
	return nil, badArgs("source", "path or data", "neither")
}
