//go:build unix

package portworker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"portworker/dispatch"
)

// Exit statuses of a worker.
const (
	exitOK     = 0 // the client closed the port, stopped listening, or asked for a drain
	exitBroken = 1 // the input ended inside a packet, or could not be read
	exitUsage  = 2 // flags or environment make no sense
	exitForced = 3 // a second signal came while draining
)

// Main runs a worker as a program, and does not return: it reads flags and
// environment, takes standard input and output for the wire, serves until the client is gone
// or a drain is complete, and exits.
//
// SIGTERM and SIGINT drain; a second one ends the program at once, with status 3. The
// status is 0 when the client closed the port, stopped listening, or asked for a drain, 1
// when the input ended inside a packet, and 2 when flags or environment are wrong.
//
// Standard output is pointed at standard error before anything is served, so
// that nothing a handler or a dependency prints can break a packet; standard
// input is pointed at nothing. No child process inherits the wire.
func Main(w *Worker) {
	os.Exit(run(w, os.Args[1:]))
}

// serve takes the wire and speaks on it until the end.
func (w *Worker) serveDescriptors(in, out int) error {
	input, output, err := claimWire(in, out)
	if err != nil {
		return err
	}
	paceCollector()
	reader := newWireReader(input)
	options := w.options()
	options.OnConfig = func(limits Limits) {
		apply(limits)
		reader.wait.Store(int64(limits.BusyWait))
	}
	options.OutputGone = func() <-chan struct{} { return readerGone(output) }
	conn := dispatch.NewConn(reader, newWireWriter(output), options)
	stderr := slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})
	slog.SetDefault(slog.New(conn.LogHandler(stderr)))

	ctx, stop := onSignal(os.Stderr)
	defer stop()
	if err := conn.Serve(ctx); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("standard input ended inside a packet: expected whole packets, each a four-byte length and that many bytes")
		}
		return fmt.Errorf("read: %w", err)
	}
	return nil
}

// spareProcessors is how many more of the runtime's processors there are than
// computing may take. Without them a full CPU lane holds up everything else for the
// runtime's time slices of 10 ms; with them the system's scheduler decides, which prefers
// threads that have waited.
const spareProcessors = 2

// apply gives the process-wide limits to the runtime.
func apply(limits Limits) {
	runtime.GOMAXPROCS(limits.Processors + spareProcessors)
	if limits.MemoryLimit > 0 {
		debug.SetMemoryLimit(limits.MemoryLimit)
	}
}

// onSignal returns a context that is cancelled by the first SIGTERM or SIGINT.
// A second one ends the process.
func onSignal(stderr io.Writer) (context.Context, func()) {
	// A broken pipe is for the writer to notice as an error. Without this, a
	// print to a closed standard error would end the process.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
			return
		}
		if s, ok := <-signals; ok {
			fmt.Fprintf(stderr, "portworker: %v while draining: not waiting any longer\n", s)
			os.Exit(exitForced)
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel()
		close(signals)
	}
}
