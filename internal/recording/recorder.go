package recording

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"

	"portworker/internal/wire"
)

// A Recorder runs a worker between a client and itself.
type Recorder struct {
	In  io.Reader // from the client
	Out io.Writer // to the client
	Err io.Writer // of the worker, and for what the recorder has to say
	// File gets the recording.
	File io.Writer
	// Command is the worker; its Stdin, Stdout and Stderr are set here.
	Command *exec.Cmd

	writer *writer
}

// Run passes everything on, signals too, until the worker has ended, and returns its exit status: 128 and
// the signal's number if one has ended it. Where the file cannot be written any longer, it says so once, and goes on.
func (r *Recorder) Run() (status int, err error) {
	if r.writer, err = newWriter(r.File, r.Command.Args); err != nil {
		return 0, err
	}
	input, err := r.Command.StdinPipe()
	if err != nil {
		return 0, err
	}
	output, err := r.Command.StdoutPipe()
	if err != nil {
		return 0, err
	}
	r.Command.Stderr = r.Err
	if err := r.Command.Start(); err != nil {
		return 0, err
	}
	stop := r.passSignals()
	defer stop()
	// The client's side is not waited for: a read from it returns when it likes.
	go func() {
		r.pass(r.In, input, fromClient)
		r.keep(clientClosed, nil)
		_ = input.Close()
	}()
	if broken := r.pass(output, r.Out, fromWorker); broken {
		_ = output.Close() // as the worker would have it without anyone between
	}
	r.keep(workerClosed, nil)
	if closer, ok := r.Out.(io.Closer); ok {
		_ = closer.Close()
	}
	_ = r.Command.Wait()
	status = exitStatus(r.Command.ProcessState)
	r.keep(exited, status)
	return status, nil
}

// exitStatus is that of a process that has ended, as shells count it.
func exitStatus(state *os.ProcessState) int {
	if wait, ok := state.Sys().(syscall.WaitStatus); ok && wait.Signaled() {
		return 128 + int(wait.Signal())
	}
	return state.ExitCode()
}

// keep adds an event to the recording.
func (r *Recorder) keep(kind string, what any) {
	if err := r.writer.add(kind, what); err != nil {
		fmt.Fprintf(r.Err, "record: %v; nothing more is kept, and the conversation goes on\n", err)
	}
}

// pass copies a side's bytes as they come. Each packet is kept before its last bytes are passed on. It returns
// whether the other side has stopped reading.
func (r *Recorder) pass(from io.Reader, to io.Writer, kind string) (broken bool) {
	var packets splitter
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		packets.add(buffer[:n], func(packet []byte) { r.keep(kind, packet) })
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return true
			}
		}
		if err != nil {
			return false
		}
	}
}

// passSignals passes signals on to the worker until it is stopped.
func (r *Recorder) passSignals() (stop func()) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGQUIT)
	// A side that has gone is noticed by the write that fails.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	var done sync.WaitGroup
	done.Go(func() {
		for s := range signals {
			number, ok := s.(syscall.Signal)
			if !ok {
				continue
			}
			r.keep(signalled, int(number))
			_ = r.Command.Process.Signal(s)
		}
	})
	return func() {
		signal.Stop(signals)
		close(signals)
		done.Wait()
	}
}

// A splitter finds the packets in a stream of bytes. A packet that is too large to be one is passed over.
type splitter struct {
	held []byte // of a packet that is not whole yet
	skip int64  // bytes of one that is too large
}

// largestKept bounds what is held of a packet, in bytes.
const largestKept = 1 << 30

// add takes bytes and calls whole for each packet that they complete, in its own memory.
func (s *splitter) add(bytes []byte, whole func(packet []byte)) {
	if n := min(s.skip, int64(len(bytes))); n > 0 {
		s.skip -= n
		bytes = bytes[n:]
	}
	s.held = append(s.held, bytes...)
	for len(s.held) >= wire.HeaderSize {
		size := int64(binary.BigEndian.Uint32(s.held))
		end := wire.HeaderSize + size
		if size > largestKept {
			passed := min(end, int64(len(s.held)))
			s.held, s.skip = s.held[passed:], end-passed
			continue
		}
		if int64(len(s.held)) < end {
			return
		}
		whole(s.held[wire.HeaderSize:end:end])
		s.held = s.held[end:]
	}
	if len(s.held) == 0 {
		s.held = nil
	}
}
