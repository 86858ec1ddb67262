package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"portworker"
	"portworker/etf"
)

// registerDebug adds functions that misbehave on purpose, to watch the worker and its supervisor
// deal with it.
func registerDebug(w *portworker.Worker) {
	portworker.Handle(w, "debug.panic", debugPanic,
		portworker.Doc("Panics with the given message. The task fails, the worker lives on."))
	portworker.Handle(w, "debug.print", debugPrint,
		portworker.Doc("Prints a line to standard output twice, through package fmt and os.Stdout. Neither reaches the wire."))
	portworker.Handle(w, "debug.spin", debugSpin, portworker.OnLane(portworker.LaneCPU),
		portworker.Doc("Keeps a processor busy for the given milliseconds, or for ever, deaf to cancellation."))
	portworker.Handle(w, "debug.exit", debugExit,
		portworker.Doc("Ends the process at once with the given status, default 1."))
	portworker.Handle0(w, "debug.fatal", debugFatal,
		portworker.Doc("Writes to a map from several goroutines, which the Go runtime answers by ending the process."))
}

func debugPanic(_ context.Context, message *string) (etf.Atom, error) {
	if message == nil {
		panic("debug.panic was called")
	}
	panic(*message)
}

func debugPrint(_ context.Context, text *string) (etf.Atom, error) {
	line := "debug.print was called"
	if text != nil {
		line = *text
	}
	fmt.Println(line)
	_, err := os.Stdout.Write([]byte(line + "\n"))
	return "ok", err
}

func debugSpin(_ context.Context, ms *int64) (etf.Atom, error) {
	if ms != nil && (*ms < 0 || *ms > maxSleep) {
		return "", badArgs("ms", fmt.Sprintf("an integer from 0 to %d", maxSleep), *ms)
	}
	start := time.Now()
	for ms == nil || time.Since(start) < time.Duration(*ms)*time.Millisecond {
	}
	return "ok", nil
}

func debugExit(_ context.Context, status *int) (etf.Atom, error) {
	code := 1
	if status != nil {
		code = *status
	}
	if code < 0 || code > 255 {
		return "", badArgs("status", "an integer from 0 to 255", code)
	}
	os.Exit(code)
	return "", nil
}

func debugFatal(ctx context.Context) (etf.Atom, error) {
	// The runtime notices only writes that truly meet: it takes two threads, and some tries.
	runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))
	shared := map[int]int{}
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				shared[i&0xff] = i
			}
		})
	}
	writers.Wait()
	return "", context.Cause(ctx)
}
