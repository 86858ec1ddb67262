package portworker

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// enlargePipe makes a pipe hold more, so that a large packet passes in fewer
// switches between the two sides. What is not a pipe stays as it is, and a system
// that has given its share of pipe memory away says no: both work, slower.
func enlargePipe(fd int) {
	_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, pipeSize)
}

// reopenPipe opens the pipe of a descriptor once more, in a mode that does not block, and
// leaves the descriptor's own mode alone. It returns -1 for what is no pipe, and where
// there is no /proc.
func reopenPipe(fd, mode int) int {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFIFO {
		return -1
	}
	again, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", fd), mode|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return again
}
