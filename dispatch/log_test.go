package dispatch_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/dispatch"
	"portworker/etf"
)

// logging is a connection whose output can be read, and a logger on it.
func logging(t *testing.T, fallback io.Writer) (log *slog.Logger, send func(etf.Tuple), next func() etf.Tuple) {
	input, write := io.Pipe()
	read, output := io.Pipe()
	c := dispatch.NewConn(input, output, dispatch.Options{Registry: &dispatch.Registry{}})
	ended := make(chan error, 1)
	go func() { ended <- c.Serve(context.Background()) }()
	t.Cleanup(func() {
		_ = write.Close()
		_ = read.Close()
		require.NoError(t, <-ended)
	})
	send = func(message etf.Tuple) {
		packet, err := etf.Marshal(message)
		require.NoError(t, err)
		_, err = write.Write(append([]byte{0, 0, byte(len(packet) >> 8), byte(len(packet))}, packet...))
		require.NoError(t, err)
	}
	next = func() etf.Tuple {
		var size [4]byte
		_, err := io.ReadFull(read, size[:])
		require.NoError(t, err)
		packet := make([]byte, int(size[1])<<16|int(size[2])<<8|int(size[3]))
		_, err = io.ReadFull(read, packet)
		require.NoError(t, err)
		var message etf.Tuple
		require.NoError(t, etf.Unmarshal(packet, &message))
		return message
	}
	handler := c.LogHandler(slog.NewTextHandler(fallback, nil))
	return slog.New(handler), send, next
}

func TestLogRecordsReachTheClientAfterItsHello(t *testing.T) {
	var fallback bytes.Buffer
	log, send, next := logging(t, &fallback)
	log.Info("too early")
	assert.Contains(t, fallback.String(), "too early")

	send(etf.Tuple{atom("hello"), etf.Map{{Key: atom("log_level"), Value: atom("info")}}})
	require.Equal(t, atom("hello"), next()[0])
	fallback.Reset()
	log.Debug("below the level")
	log.Warn("disk is filling", "left", 12, "ratio", 0.5, "ok", false, "since", time.Unix(0, 0).UTC(), slog.Group("disk", "name", "sda"))
	message := next()
	assert.Equal(t, etf.Tuple{atom("log"), atom("warning"), "disk is filling", etf.Map{
		{Key: "left", Value: int64(12)},
		{Key: "ratio", Value: "0.5"},
		{Key: "ok", Value: false},
		{Key: "since", Value: "1970-01-01T00:00:00Z"},
		{Key: "disk.name", Value: "sda"},
	}}, message)
	assert.Empty(t, fallback.String())
}

func TestLogRecordsAreTamed(t *testing.T) {
	log, send, next := logging(t, io.Discard)
	send(etf.Tuple{atom("hello"), etf.Map{}})
	next()
	log.WithGroup("g").With("a", 1, "bad", "\xff").Error(strings.Repeat("x", 20_000), "a", 2)
	message := next()
	assert.Equal(t, atom("error"), message[1])
	assert.Len(t, message[2], 8<<10+len("…"))
	assert.Equal(t, etf.Map{{Key: "g.a", Value: int64(2)}, {Key: "g.bad", Value: "\uFFFD"}}, message[3])
}
