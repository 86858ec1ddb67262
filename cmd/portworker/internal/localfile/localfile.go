// Package localfile opens the files that callers name.
package localfile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Open opens a regular file for reading and returns it with its size at that moment.
// Anything else is refused: a directory has no bytes, and a FIFO or a device could hold the
// caller for ever, beyond the reach of its cancellation.
func Open(path string) (*os.File, int64, error) {
	// Without O_NONBLOCK the open itself waits for the writer of a FIFO, before there is
	// anything to inspect.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("open %s: expected a regular file, got %s", path, kind(info.Mode()))
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, info.Size(), nil
}

// ReadAll returns the content of a regular file, or an error if it holds more than limit bytes.
func ReadAll(path string, limit int64) ([]byte, error) {
	file, size, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if size > limit {
		return nil, fmt.Errorf("read %s: expected at most %d bytes, got %d", path, limit, size)
	}
	// The size is only a hint: files under /proc say 0, and a file may grow while it is read.
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("read %s: expected at most %d bytes, got more", path, limit)
	}
	return content, nil
}

func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	default:
		return "a device"
	}
}
