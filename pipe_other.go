//go:build unix && !linux

package portworker

// enlargePipe does nothing: the size of a pipe is Linux's to change.
func enlargePipe(int) { _ = pipeSize }

// reopenPipe opens nothing: elsewhere a pipe has no name by which to open it again.
func reopenPipe(int, int) int { return -1 }
