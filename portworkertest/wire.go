package portworkertest

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"portworker"
	"portworker/etf"
)

// wire is a worker that is served over pipes in memory, and the other ends of these. The
// goroutines at either end wait on channels, so that a testing/synctest bubble knows them to be
// blocked.
type wire struct {
	send   *io.PipeWriter
	recv   *io.PipeReader
	input  *io.PipeReader
	ended  chan error // holds what Serve returned
	cancel context.CancelFunc
}

func serve(w *portworker.Worker) *wire {
	input, send := io.Pipe()
	recv, output := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	wr := &wire{send: send, recv: recv, input: input, ended: make(chan error, 1), cancel: cancel}
	go func() {
		err := w.Serve(ctx, input, output)
		_ = output.Close()
		wr.ended <- err
	}()
	return wr
}

// write sends one packet. It is for one goroutine at a time.
func (w *wire) write(packet []byte) error {
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(packet)), uint32(len(packet)))
	_, err := w.send.Write(append(frame, packet...))
	return err
}

// read returns the next packet, in memory of its own. It is for one goroutine at a time.
func (w *wire) read() ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(w.recv, length[:]); err != nil {
		return nil, err
	}
	packet := make([]byte, binary.BigEndian.Uint32(length[:]))
	_, err := io.ReadFull(w.recv, packet)
	return packet, err
}

// closeInput ends the worker's input, as a port that closes does.
func (w *wire) closeInput() { _ = w.send.Close() }

// release lets every goroutine of the wire go, once the worker has ended.
func (w *wire) release() {
	w.cancel()
	_ = w.input.Close()
}

// message is a tuple from the wire, as its encoded elements.
type message []etf.Raw

// split returns the messages of a packet.
func split(packet []byte) ([]message, error) {
	term, err := etf.Limits{}.Parse(packet)
	if err != nil {
		return nil, fmt.Errorf("packet % x: %w", packet[:min(len(packet), 64)], err)
	}
	batch := []etf.Raw{term}
	if _, _, isList := etf.ReadList(term); isList {
		if batch, err = etf.SplitList(term, nil); err != nil {
			return nil, fmt.Errorf("batch: %w", err)
		}
	}
	messages := make([]message, len(batch))
	for i, raw := range batch {
		arity, at, ok := etf.ReadTuple(raw)
		if !ok {
			return nil, fmt.Errorf("message %v: expected a tuple", raw)
		}
		for range arity {
			size := etf.Size(raw[at:])
			messages[i] = append(messages[i], raw[at:at+size])
			at += size
		}
	}
	return messages, nil
}
