// Package test drives the built worker from outside: over real pipes, in both
// codecs, and through a real BEAM. It imports the term codec and nothing of the
// engine, so what it expects comes from docs/protocol.md alone.
//
// A scenario reads as a script. It starts a [Peer], sends, and waits for what it
// expects; when the test ends the peer checks that the worker is idle, stops on
// end of file with status 0, answered every call exactly once and left no
// process and no goroutine behind. All the while it checks that no element comes
// that was not credited, and no byte that the window does not allow. It needs
// Linux: it looks into /proc.
//
// PORTWORKER_TEST_STREAMS, PORTWORKER_TEST_CHANNELS and PORTWORKER_TEST_ELEMENTS make
// the largest scenarios larger or smaller.
package test
