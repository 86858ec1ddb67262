package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"iter"

	"portworker/cmd/portworker/internal/localfile"
	"portworker/streaming"
)

// linesOptions bound what one line may cost; it may be left out.
type linesOptions struct {
	MaxLine *int // in bytes, default 1 MiB, at most 64 MiB; a longer line ends the stream
}

// fileLines yields the lines of a file without their ends, as the bytes they are. A line is valid
// until the next is asked for: it is encoded by then, and one buffer serves for all of them.
func fileLines(_ context.Context, path string, options *linesOptions) iter.Seq2[[]byte, error] {
	const mostBytes = 64 << 20
	maxLine := 1 << 20
	if options != nil && options.MaxLine != nil {
		maxLine = *options.MaxLine
	}
	if maxLine < 1 || maxLine > mostBytes {
		return streaming.Fail[[]byte](badArgs("max_line", fmt.Sprintf("an integer from 1 to %d", mostBytes), maxLine))
	}
	return func(yield func([]byte, error) bool) {
		file, _, err := localfile.Open(path)
		if err != nil {
			yield(nil, err)
			return
		}
		defer file.Close()

		lines := bufio.NewScanner(file)
		lines.Buffer(make([]byte, 64<<10), maxLine+len("\r\n"))
		number := 0
		for lines.Scan() {
			number++
			if len(lines.Bytes()) > maxLine {
				yield(nil, longLine(path, number, maxLine))
				return
			}
			if !yield(lines.Bytes(), nil) {
				return
			}
		}
		switch err := lines.Err(); {
		case errors.Is(err, bufio.ErrTooLong):
			yield(nil, longLine(path, number+1, maxLine))
		case err != nil:
			yield(nil, err)
		}
	}
}

func longLine(path string, number, limit int) error {
	return fmt.Errorf("read %s: line %d: expected at most %d bytes, got more", path, number, limit)
}
