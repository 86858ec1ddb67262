package portworker

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/spf13/pflag"

	"portworker/dispatch"
	"portworker/protocol"
)

// Limits bound what a worker takes on. Flags, environment variables and the
// client's hello set the same.
type Limits = dispatch.Config

// Config describes a worker. The zero value works.
type Config struct {
	// Name is how the worker introduces itself; the program's file name if empty.
	Name string
	// Version is the program's own; the main module's if empty.
	Version string
	// Doc is what the program says of itself in --help and at a terminal, in a
	// sentence or a paragraph.
	Doc string
	// Limits are the bounds before flags, environment and hello change them.
	Limits Limits
	// Executors, by lane, run the tasks of lanes in goroutines of the program's own: a pool, say.
	// A lane without one has a goroutine for each task.
	Executors map[Lane]Executor
	// Flags adds the program's own flags. Each can be set by an environment
	// variable as well: --my-flag by PORTWORKER_MY_FLAG.
	Flags func(*pflag.FlagSet)
	// OnStart is called by Main when flags and environment have been read and
	// before anything is served: the place to register functions that depend
	// on them. An error ends the program with status 1.
	OnStart func(*Worker) error
}

// Worker is a set of functions that can be served. Functions are registered
// before it serves; after that it is safe for concurrent use.
type Worker struct {
	config   Config
	registry dispatch.Registry
}

// New returns a worker without functions.
func New(config Config) *Worker {
	if config.Name == "" {
		config.Name = filepath.Base(os.Args[0])
	}
	if config.Version == "" {
		config.Version = moduleVersion()
	}
	return &Worker{config: config}
}

func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// Serve answers one client: it reads packets from in and writes packets to
// out until in ends, out breaks, or ctx is cancelled, which drains: running
// tasks finish, and no new ones are accepted. It returns within the drain timeout of any of
// these.
//
// It returns nil for a conversation that ended between two packets,
// io.ErrUnexpectedEOF for one that ended inside a packet, and the error of a
// read that failed. After ctx was cancelled a goroutine goes on reading until in is
// closed.
func (w *Worker) Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	return dispatch.NewConn(in, out, w.options()).Serve(ctx)
}

func (w *Worker) options() dispatch.Options {
	return dispatch.Options{
		Registry: &w.registry,
		Name:     w.config.Name,
		Version:  w.config.Version,
		Config:   w.config.Limits,

		Executors: w.config.Executors,
	}
}

// Progress sends v as progress of the task that ctx belongs to, if its caller
// asked for progress. It waits while too much output waits for the client to read,
// and so slows a fast producer to its consumer's pace. It returns the cause when
// the task is over, and an error when v cannot be encoded or ctx belongs to no task.
func Progress(ctx context.Context, v any) error {
	t, err := taskOf(ctx, "Progress")
	if err != nil {
		return err
	}
	return t.Progress(v)
}

// Error is a failure as the client sees it. A handler returns one to choose the
// reason and add details; any other error becomes one with reason [Failed].
type Error = protocol.Error

// Reason says which of a closed list of things went wrong.
type Reason = protocol.Reason

// The reasons a handler may want to give, and those it may meet as the cause of
// its context.
const (
	UnknownFunction = protocol.UnknownFunction
	BadArgs         = protocol.BadArgs
	Cancelled       = protocol.Cancelled
	Timeout         = protocol.Timeout
	Overloaded      = protocol.Overloaded
	Draining        = protocol.Draining
	Panic           = protocol.Panic
	Failed          = protocol.Failed
	CircuitOpen     = protocol.CircuitOpen
	Unsupported     = protocol.Unsupported
)
