//go:build !race

package protocol

// spoil is for programs that are tested with the race detector.
func spoil([]byte) {}
