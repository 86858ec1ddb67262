// Package test drives the built worker from outside: over real pipes, in both
// codecs, and through a real BEAM. It imports the term codec and nothing of the
// engine, so what it expects comes from docs/protocol.md alone.
//
// A scenario reads as a script. It starts a [Peer], sends, and waits for what it
// expects; when the test ends the peer checks that the worker is idle, stops on
// end of file with status 0, answered every call exactly once and left no
// process and no goroutine behind. It needs Linux: it looks into /proc.
package test
