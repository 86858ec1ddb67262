//go:build unix

package portworker

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// crowdedTurn is how long one turn of polling takes when somebody else needs the
	// processor.
	crowdedTurn = 5 * time.Microsecond
	// crowdedReads is how many reads go without polling after a crowded turn.
	crowdedReads = 32
)

// wireReader reads the wire. With a busy wait it polls for a while before it
// lets the thread sleep, since waking a sleeping thread is the larger part of a lone call's
// round trip; it stops polling for some reads when the processor is wanted.
type wireReader struct {
	file *os.File
	raw  syscall.RawConn // nil when the descriptor is not one the poller knows
	wait atomic.Int64    // nanoseconds to poll
	rest int             // reads left without polling
}

func newWireReader(file *os.File) *wireReader {
	r := &wireReader{file: file}
	var stat unix.Stat_t
	raw, err := file.SyscallConn()
	if err == nil && raw.Control(func(fd uintptr) { err = unix.Fstat(int(fd), &stat) }) == nil && err == nil {
		if kind := stat.Mode & unix.S_IFMT; kind == unix.S_IFIFO || kind == unix.S_IFSOCK {
			r.raw = raw
		}
	}
	return r
}

// Read reads at least one byte, or returns the error that ends the input.
func (r *wireReader) Read(b []byte) (int, error) {
	wait := time.Duration(r.wait.Load())
	if wait == 0 || r.raw == nil {
		return r.file.Read(b)
	}
	if r.rest > 0 {
		r.rest--
		return r.file.Read(b)
	}
	var n int
	var failed error
	err := r.raw.Read(func(fd uintptr) bool {
		n, failed = r.poll(int(fd), b, wait)
		return !errors.Is(failed, unix.EAGAIN)
	})
	switch {
	case err != nil:
		return 0, err
	case failed != nil:
		return 0, os.NewSyscallError("read", failed)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// poll tries to read until there is something or the wait is over.
func (r *wireReader) poll(fd int, b []byte, wait time.Duration) (int, error) {
	last := time.Now()
	for end := last.Add(wait); ; {
		n, err := unix.Read(fd, b)
		if err == nil || err != unix.EAGAIN && err != unix.EINTR {
			return max(n, 0), err
		}
		_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
		now := time.Now()
		if now.Sub(last) > crowdedTurn {
			r.rest = crowdedReads
			return 0, unix.EAGAIN
		}
		if now.After(end) {
			return 0, unix.EAGAIN
		}
		last = now
	}
}
