package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"portworker"
)

// pieces is a channel that takes and gives binaries of any length.
type pieces = portworker.Channel[[]byte, []byte]

// compression is how to compress.
type compression struct {
	Format word // gzip or zstd
	Level  *int // gzip: 1 to 9, default 6; zstd: 1 to 22, default 3
}

// compress sends what it has whenever that fills a piece, and the rest at the end of input.
func compress(ctx context.Context, how compression, ch *pieces) error {
	out := &pieceWriter{ctx: ctx, ch: ch}
	encoder, err := how.encoder(out)
	if err != nil {
		return err
	}
	for piece, err := range ch.All(ctx) {
		if err != nil {
			return err
		}
		if _, err := encoder.Write(piece); err != nil {
			return err
		}
	}
	if err := encoder.Close(); err != nil {
		return err
	}
	return out.flush()
}

func (c compression) encoder(to io.Writer) (io.WriteCloser, error) {
	switch c.Format {
	case "gzip":
		level, err := c.level(gzip.BestCompression, 6)
		if err != nil {
			return nil, err
		}
		return gzip.NewWriterLevel(to, level)
	case "zstd":
		level, err := c.level(22, 3)
		if err != nil {
			return nil, err
		}
		// Concurrency would start goroutines; the window is what an encoder mostly costs.
		return zstd.NewWriter(to, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)),
			zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
	}
	return nil, badFormat(c.Format)
}

func (c compression) level(most, usual int) (int, error) {
	if c.Level == nil {
		return usual, nil
	}
	if *c.Level < 1 || *c.Level > most {
		return 0, badArgs("level", fmt.Sprintf("an integer from 1 to %d", most), *c.Level)
	}
	return *c.Level, nil
}

func badFormat(format word) error {
	return badArgs("format", "gzip or zstd", fmt.Sprintf("%q", string(format)))
}

// pieceSize is the length of an output; the last may be shorter.
const pieceSize = 64 << 10

// pieceWriter cuts what is written to it into outputs. It waits for the caller's demand, and so makes
// the encoder wait, and the inputs.
type pieceWriter struct {
	ctx  context.Context
	ch   *pieces
	held []byte // less than a piece
}

func (w *pieceWriter) Write(p []byte) (int, error) {
	taken := len(p)
	for len(w.held)+len(p) >= pieceSize {
		n := pieceSize - len(w.held)
		w.held, p = append(w.held, p[:n]...), p[n:]
		if err := w.flush(); err != nil {
			return 0, err
		}
	}
	w.held = append(w.held, p...)
	return taken, nil
}

func (w *pieceWriter) flush() error {
	if len(w.held) == 0 {
		return nil
	}
	err := w.ch.Send(w.ctx, w.held)
	w.held = w.held[:0]
	return err
}
