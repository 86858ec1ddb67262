package portworker

import "golang.org/x/sys/unix"

// enlargePipe makes a pipe hold more, so that a large packet passes in fewer
// switches between the two sides. What is not a pipe stays as it is, and a system
// that has given its share of pipe memory away says no: both work, slower.
func enlargePipe(fd int) {
	_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, pipeSize)
}
