//go:build unix

package portworker

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// pipeSize is how large both pipes are made, if the system allows it. It is
// the most an unprivileged process may ask for on Linux.
const pipeSize = 1 << 20

// privateFrom is the lowest number a private descriptor gets, so that it
// cannot be mistaken for one that a shell or a port has set up.
const privateFrom = 10

// claimWire takes the wire for this process alone: in and out are duplicated
// to private descriptors that no child inherits, and the places they had are filled
// again: standard output with standard error, so that whatever is printed does not
// break a packet, and standard input with nothing to read.
func claimWire(in, out int) (input, output *os.File, err error) {
	// Both block in the system: the thread that a packet wakes is the one that acts on it, and a
	// large packet goes through a full pipe without a wake-up for every few pages that are
	// read.
	if input, err = private(in, "wire input"); err != nil {
		return nil, nil, err
	}
	if output, err = private(out, "wire output"); err != nil {
		return nil, nil, err
	}
	for _, fd := range []int{in, out} {
		if fd > 2 {
			_ = unix.Close(fd)
		}
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", os.DevNull, err)
	}
	defer null.Close()
	if err := unix.Dup2(int(null.Fd()), 0); err != nil {
		return nil, nil, fmt.Errorf("replace standard input: %w", err)
	}
	if err := unix.Dup2(2, 1); err != nil { // standard error may be closed
		if err := unix.Dup2(int(null.Fd()), 1); err != nil {
			return nil, nil, fmt.Errorf("replace standard output: %w", err)
		}
	}
	return input, output, nil
}

// private duplicates a descriptor, closed on exec and blocking, and enlarges a
// pipe.
func private(fd int, name string) (*os.File, error) {
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, privateFrom)
	if err != nil {
		return nil, fmt.Errorf("%s: descriptor %d is not open: %w", name, fd, err)
	}
	var stat unix.Stat_t
	if err := unix.Fstat(dup, &stat); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	// Only what nobody else can be looking at: a terminal's or a file's flags are
	// shared with those that opened it.
	if kind := stat.Mode & unix.S_IFMT; kind == unix.S_IFIFO || kind == unix.S_IFSOCK {
		if err := unix.SetNonblock(dup, false); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		enlargePipe(dup)
	}
	return os.NewFile(uintptr(dup), name), nil
}

// readerGone returns a channel that is closed when the other end of a pipe has
// been closed. A thread waits for it until the process ends.
func readerGone(output *os.File) <-chan struct{} {
	gone := make(chan struct{})
	raw, err := output.SyscallConn()
	if err != nil {
		return gone
	}
	_ = raw.Control(func(fd uintptr) {
		dup, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, privateFrom)
		if err != nil {
			return
		}
		go func() {
			for { // no events are asked for: what is left is that the reader has gone
				n, err := unix.Poll([]unix.PollFd{{Fd: int32(dup)}}, -1)
				if n > 0 {
					close(gone)
					return
				}
				if err != nil && err != unix.EINTR {
					return
				}
			}
		}()
	})
	return gone
}

// parseDescriptors reads "3,4".
func parseDescriptors(text string) (in, out int, err error) {
	first, second, ok := strings.Cut(text, ",")
	if ok {
		in, err = strconv.Atoi(first)
		if err == nil {
			out, err = strconv.Atoi(second)
		}
	}
	if !ok || err != nil || in < 0 || out < 0 || in == out {
		return 0, 0, fmt.Errorf("descriptors: expected two different numbers as 3,4 (input, output), got %q", text)
	}
	return in, out, nil
}
