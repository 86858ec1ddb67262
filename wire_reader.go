//go:build unix

package portworker

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// crowdedTurn is how long one turn of polling takes when somebody else needs the
	// processor.
	crowdedTurn = 20 * time.Microsecond
	// crowdedReads is how many reads go without polling after a crowded turn.
	crowdedReads = 32
)

// wireReader reads the wire. A read that waits blocks in the system: the thread that is
// woken is the one that goes on, which takes half the time that it takes by way of the runtime's
// poller. With a busy wait it polls for a while before that, since waking a sleeping thread is the
// larger part of a lone call's round trip; it stops polling for some reads when the processor is
// wanted.
type wireReader struct {
	file *os.File
	try  int          // the same pipe, for reads that do not block; negative where there is none
	wait atomic.Int64 // nanoseconds to poll
	rest int          // reads left without polling
}

func newWireReader(file *os.File) *wireReader {
	r := &wireReader{file: file, try: -1}
	if raw, err := file.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { r.try = reopenPipe(int(fd), unix.O_RDONLY) })
	}
	return r
}

// Read reads at least one byte, or returns the error that ends the input.
func (r *wireReader) Read(b []byte) (int, error) {
	wait := time.Duration(r.wait.Load())
	switch {
	case wait == 0 || r.try < 0 || len(b) == 0:
	case r.rest > 0:
		r.rest--
	default:
		n, err := r.poll(b, wait)
		if !errors.Is(err, unix.EAGAIN) {
			return n, err
		}
	}
	return r.file.Read(b)
}

// poll tries to read until there is something or the wait is over, which is
// EAGAIN.
func (r *wireReader) poll(b []byte, wait time.Duration) (int, error) {
	last := time.Now()
	for end := last.Add(wait); ; {
		if n, err := r.tryRead(b); err != unix.EAGAIN {
			return n, err
		}
		_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
		now := time.Now()
		if now.Sub(last) > crowdedTurn {
			// It may have been the client that needed the processor.
			n, err := r.tryRead(b)
			if err == unix.EAGAIN {
				r.rest = crowdedReads
			}
			return n, err
		}
		if now.After(end) {
			return 0, unix.EAGAIN
		}
		last = now
	}
}

// tryRead reads what is there, or returns EAGAIN. It needs none of what the runtime does around a call
// that can block.
func (r *wireReader) tryRead(b []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(r.try), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	switch {
	case errno == unix.EINTR || errno == unix.EAGAIN:
		return 0, unix.EAGAIN
	case errno != 0:
		return 0, os.NewSyscallError("read", errno)
	case n == 0:
		return 0, io.EOF
	}
	return int(n), nil
}
