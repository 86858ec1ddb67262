//go:build unix

package portworker

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// wireWriter writes the wire. Its descriptor blocks, which puts a large packet through a full
// pipe without a wake-up for every few pages that are read; the same pipe is open a second time
// for writes that must not block.
type wireWriter struct {
	file *os.File
	try  int // does not block; negative where there is none
}

func newWireWriter(file *os.File) *wireWriter {
	w := &wireWriter{file: file, try: -1}
	if raw, err := file.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { w.try = reopenPipe(int(fd), unix.O_WRONLY) })
	}
	return w
}

// Write writes all of b.
func (w *wireWriter) Write(b []byte) (int, error) { return w.file.Write(b) }

// WriteParts writes the parts one behind the other, see protocol.Parts.
func (w *wireWriter) WriteParts(parts [][]byte, wait bool) (int, error) {
	if !wait {
		return w.writeAtOnce(parts)
	}
	raw, err := w.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	total := 0
	err = raw.Write(func(fd uintptr) bool {
		total, err = writeAll(int(fd), parts)
		return true
	})
	return total, err
}

func (w *wireWriter) writeAtOnce(parts [][]byte) (int, error) {
	if w.try < 0 {
		return 0, nil
	}
	n, err := writeAll(w.try, parts)
	if errors.Is(err, unix.EAGAIN) {
		err = nil
	}
	return n, err
}

// pieceSize is how much is written in one call. The client is woken at the end of a write, and gets at the
// pipe between two: by pieces, it reads the first while the next is made ready, and leaves room for the end of a
// packet that is larger than the pipe. So the last but one is not to fill the pipe of 1 MiB.
const (
	pieceSize = 384 << 10
	// tailSize is how much more goes along rather than being a piece: to wake somebody for it takes
	// longer.
	tailSize = 64 << 10
)

// writeAll writes the parts, in pieces, up to an error.
func writeAll(fd int, parts [][]byte) (total int, err error) {
	var room [3][]byte
	for parts = unwritten(parts, 0); len(parts) > 0; {
		n, err := writeOnce(fd, piece(room[:0], parts))
		if err != nil {
			return total, err
		}
		total += n
		parts = unwritten(parts, n)
	}
	return total, nil
}

// piece appends the first pieceSize bytes of the parts to dst, or all of them where little is left.
func piece(dst, parts [][]byte) [][]byte {
	left := pieceSize
	if all := length(parts); all <= pieceSize+tailSize {
		left = all
	}
	for _, part := range parts {
		part = part[:min(left, len(part))]
		if left -= len(part); len(part) > 0 {
			dst = append(dst, part)
		}
	}
	return dst
}

// length is how many bytes the parts have together.
func length(parts [][]byte) (n int) {
	for _, part := range parts {
		n += len(part)
	}
	return n
}

// writeOnce makes one write of all parts.
func writeOnce(fd int, parts [][]byte) (n int, err error) {
	for {
		if len(parts) == 1 {
			n, err = unix.Write(fd, parts[0])
		} else {
			n, err = unix.Writev(fd, parts)
		}
		if err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return 0, os.NewSyscallError("write", err)
	}
	if n == 0 {
		return 0, io.ErrShortWrite
	}
	return n, nil
}

// unwritten returns the parts that are left when n bytes of them have been written.
func unwritten(parts [][]byte, n int) [][]byte {
	left := parts[:0]
	for _, part := range parts {
		written := min(n, len(part))
		n -= written
		if part = part[written:]; len(part) > 0 {
			left = append(left, part)
		}
	}
	return left
}
