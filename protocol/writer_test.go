package protocol

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// gate is an output that hands each write over and completes it when told.
type gate struct {
	writes chan []byte
	done   chan error
}

func newGate() *gate { return &gate{writes: make(chan []byte), done: make(chan error)} }

func (g *gate) Write(b []byte) (int, error) {
	g.writes <- bytes.Clone(b)
	if err := <-g.done; err != nil {
		return 0, err
	}
	return len(b), nil
}

// next waits for a write, lets it complete and returns the packets in it.
func (g *gate) next(t testing.TB) [][]byte {
	b := <-g.writes
	g.done <- nil
	return packetsOf(t, b)
}

func packetsOf(t testing.TB, b []byte) [][]byte {
	t.Helper()
	packets, err := readAll(t, NewPacketReader(bytes.NewReader(b), 1<<31-1))
	require.Equal(t, io.EOF, err)
	return packets
}

// pongs returns what the pongs of packets carry, in order, and how many there were
// in each packet.
func pongs(t testing.TB, packets ...[]byte) (terms []any, sizes []int) {
	t.Helper()
	for _, packet := range packets {
		messages := []any{unmarshal(t, packet)}
		if batch, ok := messages[0].([]any); ok {
			messages = batch
		}
		for _, m := range messages {
			pong := m.(etf.Tuple)
			require.Equal(t, etf.Atom("pong"), pong[0])
			terms = append(terms, pong[1])
		}
		sizes = append(sizes, len(messages))
	}
	return terms, sizes
}

func pong(t testing.TB, v any) *Outgoing { return ETF.Pong(term(t, v)) }

// sized returns a message of exactly size encoded bytes.
func sized(t testing.TB, size int) *Outgoing {
	const overhead = 2 + 6 + 5 // {pong, <<...>>}
	o := pong(t, strings.Repeat("x", size-overhead))
	require.Equal(t, size, o.Size())
	return o
}

func TestAMessageQueuedWhileIdleIsOneWriteByItsSender(t *testing.T) {
	var out bytes.Buffer // not safe for concurrent use: the race detector would tell
	w := NewWriter(&out)
	w.Queue(pong(t, 1))
	w.Flush()
	terms, _ := pongs(t, packetsOf(t, out.Bytes())...)
	assert.Equal(t, []any{int64(1)}, terms)
	assert.Equal(t, Sent{Messages: 1, Packets: 1, Bytes: int64(out.Len())}, w.Sent())
}

func TestMessagesQueuedTogetherAreOnePacketAndOneWrite(t *testing.T) {
	for _, codec := range []Codec{ETF, MessagePack} {
		t.Run(codec.String(), func(t *testing.T) {
			out := &countingWriter{}
			w := NewWriter(out)
			w.SetCodec(codec)
			for i := range 1000 {
				w.Queue(codec.Pong(term(t, i)))
			}
			w.Flush()
			assert.Equal(t, 1, out.writes)
			assert.Len(t, packetsOf(t, out.Bytes()), 1)
			assert.Equal(t, int64(1000), w.Sent().Messages)
		})
	}
}

type countingWriter struct {
	bytes.Buffer
	writes int
}

func (c *countingWriter) Write(b []byte) (int, error) {
	c.writes++
	return c.Buffer.Write(b)
}

func TestWhatIsQueuedDuringAWriteLeavesTogetherInTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newGate()
		w := NewWriter(out)
		w.Queue(pong(t, 0))
		w.FlushSoon()
		first := <-out.writes
		for i := 1; i <= 100; i++ {
			w.Queue(pong(t, i))
			w.Flush() // returns: the goroutine that writes takes this as well
		}
		out.done <- nil
		second := out.next(t)
		synctest.Wait()
		terms, sizes := pongs(t, append(packetsOf(t, first), second...)...)
		assert.Equal(t, []int{1, 100}, sizes)
		for i, v := range terms {
			assert.Equal(t, int64(i), v)
		}
		assert.Equal(t, int64(2), w.Sent().Packets)
	})
}

func TestPacketBoundaries(t *testing.T) {
	tests := map[string]struct {
		sizes   []int // of the messages queued
		packets []int // how many messages are in each packet
	}{
		"small ones share":                          {[]int{100, 100, 100}, []int{3}},
		"one below linkSize is copied":              {[]int{100, linkSize - 1, 100}, []int{3}},
		"one of linkSize has its own packet":        {[]int{100, linkSize, 100}, []int{1, 1, 1}},
		"one of linkSize at first":                  {[]int{linkSize, 100, 100}, []int{1, 2}},
		"a packet is closed at batchSize":           {[]int{15000, 15000, 15000, 15000, batchSize - 60000, 100}, []int{5, 1}},
		"a packet below batchSize takes one more":   {[]int{15000, 15000, 15000, 15000, batchSize - 60001, 15000, 100}, []int{6, 1}},
		"a message larger than a batch":             {[]int{3 * batchSize}, []int{1}},
		"large ones in a row are a packet for each": {[]int{linkSize, linkSize, linkSize}, []int{1, 1, 1}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out := &countingWriter{}
			w := NewWriter(out)
			for _, size := range test.sizes {
				w.Queue(sized(t, size))
			}
			w.Flush()
			terms, packets := pongs(t, packetsOf(t, out.Bytes())...)
			assert.Equal(t, test.packets, packets)
			assert.Equal(t, len(test.packets), out.writes)
			for i, v := range terms {
				assert.Len(t, v, test.sizes[i]-13, "message %d", i)
			}
		})
	}
}

func TestASenderHandsTheFlushingOnAfterSomeRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newGate()
		w := NewWriter(out)
		w.Queue(pong(t, 0))
		returned := make(chan struct{})
		go func() {
			w.Flush()
			close(returned)
		}()
		const more = 5
		var packets [][]byte
		for i := 1; i < flushRounds+more; i++ {
			b := <-out.writes
			packets = append(packets, packetsOf(t, b)...)
			w.Queue(pong(t, i)) // there is always something left to write
			out.done <- nil
			synctest.Wait()
			select {
			case <-returned:
				assert.GreaterOrEqual(t, i, flushRounds, "returned before its rounds were done")
			default:
				assert.Less(t, i, flushRounds, "still writes for others")
			}
		}
		packets = append(packets, out.next(t)...)
		synctest.Wait()
		terms, _ := pongs(t, packets...)
		assert.Len(t, terms, flushRounds+more)
	})
}

// TestAPacketKeepsTheCodecItWasQueuedIn is about a first packet that is in no
// codec, whose fault is queued in ETF, and a second that settles on MessagePack before the fault is written.
func TestAPacketKeepsTheCodecItWasQueuedIn(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	fault := &Error{Reason: BadFrame, Message: "first byte is 1"}
	w.Queue(ETF.Fault(nil, fault))
	w.SetCodec(MessagePack)
	w.Queue(MessagePack.Pong(term(t, 1)))
	w.Queue(MessagePack.Pong(term(t, 2)))
	w.Flush()
	packets := packetsOf(t, out.Bytes())
	require.Len(t, packets, 2)
	assert.Equal(t, written(t, ETF, ETF.Fault(nil, fault)), packets[0])
	assert.Equal(t, "\xdd\x00\x00\x00\x02\x92\xa4pong\x01\x92\xa4pong\x02", string(packets[1]))
}

func TestConcurrentSendersLoseAndTearNothing(t *testing.T) {
	const senders, each = 16, 300
	in, out := io.Pipe() // a write waits for its reader: as slow as can be
	w := NewWriter(out)
	var sending sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			for i := range each {
				size := 10
				if i%50 == 0 {
					size = linkSize
				}
				if !assert.NoError(t, room(t.Context(), w)) {
					return
				}
				w.Queue(pong(t, etf.Tuple{s, i, strings.Repeat("x", size)}))
				if i%3 == 0 {
					w.FlushSoon()
				} else {
					w.Flush()
				}
			}
		})
	}
	go func() {
		sending.Wait()
		assert.NoError(t, w.Wait(context.Background()))
		out.Close()
	}()
	packets, err := readAll(t, NewPacketReader(in, 0))
	assert.Equal(t, io.EOF, err)
	terms, _ := pongs(t, packets...)
	assert.Len(t, terms, senders*each)
	var next [senders]int64
	for _, v := range terms {
		m := v.(etf.Tuple)
		s := m[0].(int64)
		require.Equal(t, next[s], m[1], "sender %d's messages are in order", s)
		next[s]++
	}
	sent := w.Sent()
	assert.Equal(t, int64(senders*each), sent.Messages)
	assert.Equal(t, int64(len(packets)), sent.Packets)
}
