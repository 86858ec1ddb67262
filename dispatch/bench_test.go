package dispatch_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

// BenchmarkCall measures what a call costs from its packet to its result's, in batches of 64 that are answered before
// the next is sent, without policies and with some that are never put to use. Decoding the results is the peer's cost, and part of it.
func BenchmarkCall(b *testing.B) {
	w := portworker.New(portworker.Config{})
	echo := func(_ context.Context, v etf.Raw) (etf.Raw, error) { return v, nil }
	portworker.Handle(w, "plain", echo)
	portworker.Handle(w, "retry", echo, portworker.Retry(portworker.RetryPolicy{}))
	portworker.Handle(w, "breaker", echo, portworker.Breaker(portworker.BreakerPolicy{}))
	portworker.Handle(w, "hedge", echo, portworker.Hedge(time.Second, 1))
	portworker.Handle(w, "all", echo, portworker.Retry(portworker.RetryPolicy{}), portworker.Breaker(portworker.BreakerPolicy{}),
		portworker.Hedge(time.Second, 1), portworker.RateLimit(1e9, 1e6), portworker.TimeLimit(time.Second))
	for _, name := range []string{"plain", "retry", "breaker", "hedge", "all"} {
		b.Run(name, func(b *testing.B) {
			peer := portworkertest.Start(b, w)
			batch := make([]etf.Tuple, 64)
			for i := range batch {
				batch[i] = etf.Tuple{etf.Atom("call"), int64(i), name, []any{"sixteen bytes..."}}
			}
			b.ReportAllocs()
			for done := 0; b.Loop(); done++ {
				if done%len(batch) == 0 {
					go peer.Send(batch...)
				}
				peer.Next()
			}
		})
	}
}

// BenchmarkPipes measures a call of echo over pipes: alone, in batches of 64, and with 1,000 under way. What is
// written and read are bytes, so that little but the worker is measured; an op is a call.
func BenchmarkPipes(b *testing.B) {
	for name, c := range map[string]struct{ batch, packets int }{"alone": {1, 1}, "batch of 64": {64, 1}, "1000 under way": {1, 1000}} {
		b.Run(name, func(b *testing.B) {
			send, results := servePipes(b)
			request := echoes(b, c.batch, c.packets)
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; {
				go func() { _, _ = send.Write(request) }()
				for round := done + c.batch*c.packets; done < round; {
					done += results()
				}
			}
		})
	}
}

// servePipes serves echo over two pipes, and returns where to write, and what counts the
// results of the next packet.
func servePipes(b *testing.B) (send io.Writer, results func() int) {
	w := portworker.New(portworker.Config{})
	portworker.Handle(w, "echo", func(_ context.Context, v etf.Raw) (etf.Raw, error) { return v, nil })
	in, send, err := os.Pipe()
	require.NoError(b, err)
	recv, out, err := os.Pipe()
	require.NoError(b, err)
	served := make(chan error, 1)
	go func() { served <- w.Serve(context.Background(), in, out) }()
	b.Cleanup(func() {
		_ = send.(io.Closer).Close()
		require.NoError(b, <-served)
	})
	var length [4]byte
	packet := make([]byte, 1<<20)
	return send, func() int {
		_, err := io.ReadFull(recv, length[:])
		require.NoError(b, err)
		n := binary.BigEndian.Uint32(length[:])
		_, err = io.ReadFull(recv, packet[:n])
		require.NoError(b, err)
		return bytes.Count(packet[:n], []byte("result"))
	}
}

// echoes returns the bytes of packets of calls.
func echoes(b *testing.B, batch, packets int) (stream []byte) {
	for i := range packets {
		calls := make([]etf.Tuple, batch)
		for j := range calls {
			calls[j] = etf.Tuple{etf.Atom("call"), int64(i*batch + j), "echo", []any{"sixteen bytes..."},
				etf.Map{{Key: etf.Atom("timeout"), Value: 5000}}}
		}
		packet, err := etf.Marshal(calls)
		require.NoError(b, err)
		stream = binary.BigEndian.AppendUint32(stream, uint32(len(packet)))
		stream = append(stream, packet...)
	}
	return stream
}
