package main

import (
	"context"
	"encoding/binary"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/etf"
)

// A client talks to a worker.
type client struct {
	t    *testing.T
	send io.WriteCloser
	recv io.Reader
	held []etf.Tuple // received in a batch, not yet asked for
}

// connect starts a worker with all the functions of this program, over pipes of memory. It ends
// with the test.
func connect(t *testing.T) *client {
	t.Helper()
	w := portworker.New(portworker.Config{})
	register(w)
	registerDebug(w)

	input, send := io.Pipe()
	recv, output := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- w.Serve(context.Background(), input, output)
		output.Close()
	}()
	t.Cleanup(func() {
		send.Close()
		io.Copy(io.Discard, recv)
		require.NoError(t, <-ended)
	})
	return &client{t: t, send: send, recv: recv}
}

func (c *client) write(message etf.Tuple) {
	c.t.Helper()
	packet, err := etf.Append([]byte{0, 0, 0, 0, etf.Version}, message)
	require.NoError(c.t, err)
	binary.BigEndian.PutUint32(packet, uint32(len(packet)-4))
	_, err = c.send.Write(packet)
	require.NoError(c.t, err)
}

// next returns the next message, one by one where they came as a batch.
func (c *client) next() etf.Tuple {
	c.t.Helper()
	for len(c.held) == 0 {
		var length [4]byte
		_, err := io.ReadFull(c.recv, length[:])
		require.NoError(c.t, err)
		packet := make([]byte, binary.BigEndian.Uint32(length[:]))
		_, err = io.ReadFull(c.recv, packet)
		require.NoError(c.t, err)

		var term any
		require.NoError(c.t, etf.Unmarshal(packet, &term))
		batch, isBatch := term.([]any)
		if !isBatch {
			batch = []any{term}
		}
		for _, message := range batch {
			c.held = append(c.held, message.(etf.Tuple))
		}
	}
	message := c.held[0]
	c.held = c.held[1:]
	return message
}

const ref = "the only call"

func (c *client) start(name string, args ...any) {
	c.t.Helper()
	c.write(etf.Tuple{etf.Atom("call"), ref, name, args})
}

// progress waits for a progress message and returns what it carries.
func (c *client) progress() any {
	c.t.Helper()
	message := c.next()
	require.Equal(c.t, etf.Atom("progress"), message[0], "%v", message)
	return message[2]
}

// finish waits for the call to end, and returns its progress, how it ended and with what.
func (c *client) finish() (progress []any, how etf.Atom, what any) {
	c.t.Helper()
	for {
		message := c.next()
		require.Equal(c.t, ref, message[1], "%v", message)
		if message[0] == etf.Atom("result") {
			ending := message[2].(etf.Tuple)
			return progress, ending[0].(etf.Atom), ending[1]
		}
		require.Equal(c.t, etf.Atom("progress"), message[0], "%v", message)
		progress = append(progress, message[2])
	}
}

// value makes a call that must succeed.
func (c *client) value(name string, args ...any) any {
	c.t.Helper()
	c.start(name, args...)
	_, how, value := c.finish()
	require.Equal(c.t, etf.Atom("ok"), how, "%v", value)
	return value
}

// failure makes a call that must fail, and returns the reason and the message.
func (c *client) failure(name string, args ...any) (reason, message string) {
	c.t.Helper()
	c.start(name, args...)
	return c.failed()
}

// cancelled cancels the call, and checks that its handler obeyed.
func (c *client) cancelled() {
	c.t.Helper()
	c.write(etf.Tuple{etf.Atom("cancel"), ref})
	_, how, what := c.finish()
	require.Equal(c.t, etf.Atom("error"), how, "%v", what)
	require.Equal(c.t, etf.Atom("cancelled"), field(c.t, what, "reason"))
	require.Equal(c.t, false, field(c.t, field(c.t, what, "details"), "still_running"))
}

func (c *client) failed() (reason, message string) {
	c.t.Helper()
	_, how, what := c.finish()
	require.Equal(c.t, etf.Atom("error"), how, "%v", what)
	return string(field(c.t, what, "reason").(etf.Atom)), field(c.t, what, "message").(string)
}

func field(t *testing.T, term any, name string) any {
	t.Helper()
	require.IsType(t, etf.Map{}, term)
	value, ok := term.(etf.Map).Get(etf.Atom(name))
	require.True(t, ok, "no %s in %v", name, term)
	return value
}
