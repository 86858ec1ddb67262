package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"portworker/etf"
	"portworker/internal/wire"
	"portworker/protocol"
)

// A client is the worker's peer in the same process: it gets exactly what a BEAM would. Messages are
// read by one goroutine; any may send.
type client struct {
	input  *io.PipeWriter
	output *io.PipeReader
	reader *protocol.PacketReader
	held   []wire.Message // of the packet that was read last
	ended  chan error
}

// dial serves w on a connection in memory. The client must be closed.
func dial(w Worker) *client {
	in, input := io.Pipe()
	output, out := io.Pipe()
	// A worker may send larger packets than it takes.
	c := &client{input: input, output: output, reader: protocol.NewPacketReader(output, wire.MaxPacket), ended: make(chan error, 1)}
	go func() {
		err := w.Serve(context.Background(), in, out)
		_ = in.Close()
		_ = out.Close()
		c.ended <- err
	}()
	return c
}

// send writes one message in a packet of its own. It waits for the worker to
// read, which it always does.
func (c *client) send(tag string, parts ...any) error {
	message := append(etf.Tuple{etf.Atom(tag)}, parts...)
	packet, err := etf.Append([]byte{etf.Version}, message)
	if err != nil {
		return fmt.Errorf("encode %s: %w", tag, err)
	}
	_, err = c.input.Write(wire.Frame(packet))
	return err
}

// next returns the next message, and io.EOF when the worker has said all it had to.
func (c *client) next() (wire.Message, error) {
	for len(c.held) == 0 {
		packet, err := c.reader.Next()
		if err != nil {
			return wire.Message{}, err
		}
		if c.held, err = wire.Split(packet); err != nil {
			return wire.Message{}, err
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
		case m.Tag == "hello" && len(m.Parts) == 1:
			return m.Parts[0], nil
		}
	}
}
