// Package cli is the command line of every worker beyond serving: it calls the worker's
// functions, lists them, and reads, writes, records and replays its wire.
package cli

import (
	"context"
	"io"
)

// A Worker is what the commands need of the program they are part of.
type Worker struct {
	// Name is how the program is called in texts.
	Name string
	// Serve answers one client, as [portworker.Worker.Serve] does.
	Serve func(ctx context.Context, in io.Reader, out io.Writer) error
}

// Streams are the program's standard input and output.
type Streams struct {
	In  io.Reader
	Out io.Writer
}
