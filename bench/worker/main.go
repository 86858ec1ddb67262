// Command worker has the functions that the benchmarks need and the ready binary
// has not.
package main

import (
	"bytes"
	"context"
	"syscall"

	"portworker"
	"portworker/etf"
)

func main() {
	w := portworker.New(portworker.Config{Name: "bench"})
	portworker.Handle(w, "echo", func(_ context.Context, v etf.Raw) (etf.Raw, error) { return v, nil }, portworker.NoRetain())
	portworker.HandleStream2(w, "blobs", blobs)
	portworker.HandleStream(w, "integers", integers)
	portworker.HandleChannel0(w, "mirror", mirror)
	portworker.Handle0(w, "block", block, portworker.OnLane(portworker.LaneBlocking))
	portworker.Handle0(w, "wait", wait)
	portworker.Main(w)
}

// wait holds a goroutine until it is cancelled.
func wait(ctx context.Context) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// blobs sends count binaries of size bytes.
func blobs(ctx context.Context, count, size int, out *portworker.Sender[[]byte]) error {
	blob := bytes.Repeat([]byte{'x'}, size)
	for range count {
		if err := out.Send(ctx, blob); err != nil {
			return err
		}
	}
	return nil
}

// integers sends 0 to count-1, each of which is a small integer on the wire.
func integers(ctx context.Context, count int, out *portworker.Sender[int]) error {
	for i := range count {
		if err := out.Send(ctx, i&0xff); err != nil {
			return err
		}
	}
	return nil
}

// block holds a thread in a read that does not return: of a pipe that nobody writes
// to, around the runtime's poller.
func block(context.Context) (int, error) {
	var pipe [2]int
	if err := syscall.Pipe2(pipe[:], syscall.O_CLOEXEC); err != nil {
		return 0, err
	}
	return syscall.Read(pipe[0], make([]byte, 1))
}

// mirror sends every input back.
func mirror(ctx context.Context, ch *portworker.Channel[etf.Raw, etf.Raw]) error {
	for v, err := range ch.All(ctx) {
		if err == nil {
			err = ch.Send(ctx, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
