package cli

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"portworker/etf"
	"portworker/protocol"
)

// A client is the worker's peer in the same process: it gets exactly what a BEAM would. Messages are
// read by one goroutine; any may send.
type client struct {
	input  *io.PipeWriter
	output *io.PipeReader
	reader *protocol.PacketReader
	held   []message // of the packet that was read last
	ended  chan error
}

// dial serves w on a connection in memory. The client must be closed.
func dial(w Worker) *client {
	in, input := io.Pipe()
	output, out := io.Pipe()
	// A worker may send larger packets than it takes.
	c := &client{input: input, output: output, reader: protocol.NewPacketReader(output, maxPacket), ended: make(chan error, 1)}
	go func() {
		err := w.Serve(context.Background(), in, out)
		_ = in.Close()
		_ = out.Close()
		c.ended <- err
	}()
	return c
}

const (
	headerSize = 4
	maxPacket  = 1<<31 - 1 // the most that a worker sends, in bytes
)

// packetLimits are more than any packet of a worker needs.
var packetLimits = etf.Limits{MaxDepth: 20_000, MaxInflated: maxPacket}

// send writes one message in a packet of its own. It waits for the worker to
// read, which it always does.
func (c *client) send(tag string, parts ...any) error {
	message := append(etf.Tuple{etf.Atom(tag)}, parts...)
	packet, err := etf.Append([]byte{headerSize: etf.Version}, message)
	if err != nil {
		return fmt.Errorf("encode %s: %w", tag, err)
	}
	binary.BigEndian.PutUint32(packet, uint32(len(packet)-headerSize))
	_, err = c.input.Write(packet)
	return err
}

// next returns the next message, and io.EOF when the worker has said all it had to.
func (c *client) next() (message, error) {
	for len(c.held) == 0 {
		packet, err := c.reader.Next()
		if err != nil {
			return message{}, err
		}
		if c.held, err = splitPacket(packet); err != nil {
			return message{}, err
		}
	}
	m := c.held[0]
	c.held = c.held[1:]
	return m, nil
}

// close ends the worker's input, throws away what it still says, and waits for it.
func (c *client) close() error {
	_ = c.input.Close()
	_, _ = io.Copy(io.Discard, c.output)
	return <-c.ended
}

// hello introduces the client and returns the map with which the worker does.
func (c *client) hello() (etf.Raw, error) {
	if err := c.send("hello", etf.Map{}); err != nil {
		return nil, err
	}
	for {
		m, err := c.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, errors.New("the worker ended before its hello")
		case err != nil:
			return nil, fmt.Errorf("read hello: %w", err)
		case m.tag == "hello" && len(m.parts) == 1:
			return m.parts[0], nil
		}
	}
}
