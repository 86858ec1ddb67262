package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// decompression is how to decompress, and how much at most.
type decompression struct {
	Format   word   // gzip or zstd
	MaxBytes *int64 // of output, default 1 GiB: a few bytes of input can stand for any number
}

// decompress decodes as the caller takes what it has decoded: it holds one piece and a window of at
// most 8 MiB, whatever the input claims.
func decompress(ctx context.Context, how decompression, ch *pieces) error {
	most := int64(1 << 30)
	if how.MaxBytes != nil {
		most = *how.MaxBytes
	}
	if most < 0 {
		return badArgs("max_bytes", "an integer of at least 0", most)
	}
	if how.Format != "gzip" && how.Format != "zstd" {
		return badFormat(how.Format)
	}
	in := &pieceReader{ctx: ctx, ch: ch}
	decoder, err := how.decoder(in)
	if err != nil {
		return in.failure(err)
	}
	defer decoder.Close()
	out := &pieceWriter{ctx: ctx, ch: ch}
	sent, err := io.CopyN(out, decoder, most)
	if err == nil {
		// All that is allowed has come; is that all there is?
		if n, _ := io.ReadFull(decoder, make([]byte, 1)); n > 0 {
			return fmt.Errorf("decompress: expected at most %d bytes, got more", sent)
		}
	} else if !errors.Is(err, io.EOF) {
		return in.failure(err)
	}
	return out.flush()
}

// decoder reads the head of what it is to decode, if gzip has written it.
func (d decompression) decoder(from io.Reader) (io.ReadCloser, error) {
	if d.Format == "gzip" {
		return gzip.NewReader(from)
	}
	decoder, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return nil, err
	}
	return decoder.IOReadCloser(), nil
}

// pieceReader reads the inputs one after another.
type pieceReader struct {
	ctx  context.Context
	ch   *pieces
	left []byte // of the input that was read last
	err  error  // what ended the inputs
}

func (r *pieceReader) Read(p []byte) (int, error) {
	for len(r.left) == 0 && r.err == nil {
		r.left, r.err = r.ch.Next(r.ctx)
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	if n == 0 {
		return 0, r.err
	}
	return n, nil
}

// failure says why decoding failed: because the inputs did, or because of what is in them.
func (r *pieceReader) failure(err error) error {
	switch {
	case r.err != nil && !errors.Is(r.err, io.EOF):
		return r.err
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("decompress: %w", err)
}
