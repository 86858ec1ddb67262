package protocol

import (
	"bytes"
	"io"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func filled(n int, with byte) []byte { return bytes.Repeat([]byte{with}, n) }

func next(t *testing.T, r *PacketReader) []byte {
	t.Helper()
	p, err := r.Next()
	require.NoError(t, err)
	return p
}

func sameMemory(a, b []byte) bool { return unsafe.SliceData(a) == unsafe.SliceData(b) }

func TestMemoryIsReadIntoAgainOnceWhatItWasLentToIsWritten(t *testing.T) {
	r := NewPacketReader(bytes.NewReader(framed(filled(300_000, 'a'), filled(300_000, 'b'), filled(250_000, 'c'))), 0)
	w := NewWriter(io.Discard)

	a := next(t, r)
	o := ETF.Pong(nil)
	r.Lend(o)
	w.Queue(o)
	b := next(t, r)
	assert.False(t, sameMemory(a, b), "it has not been written")
	assert.Equal(t, filled(300_000, 'a'), a)

	w.Flush()
	c := next(t, r)
	assert.True(t, sameMemory(a, c))
	assert.Equal(t, filled(250_000, 'c'), c)
	assert.Equal(t, filled(300_000, 'b'), b, "this one was not lent")
}

func TestWhatIsNotLentStaysAsItIs(t *testing.T) {
	cases := map[string]struct {
		size int
		lend func(*PacketReader)
	}{
		"to a message that is discarded": {300_000, func(r *PacketReader) {
			o := ETF.Pong(nil)
			r.Lend(o)
			o.Discard()
		}},
		"small":     {leastLoan - headerSize - 1, lendWritten},
		"too large": {mostLoan - headerSize + 1, lendWritten},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := NewPacketReader(bytes.NewReader(framed(filled(c.size, 'a'), filled(c.size, 'b'))), 0)
			a := next(t, r)
			c.lend(r)
			assert.Empty(t, r.returned)
			b := next(t, r)
			assert.Equal(t, filled(c.size, 'a'), a)
			assert.Equal(t, filled(c.size, 'b'), b)
		})
	}
}

// lendWritten lends the packet to a message, which is then written.
func lendWritten(r *PacketReader) {
	o := ETF.Pong(nil)
	r.Lend(o)
	w := NewWriter(io.Discard)
	w.Queue(o)
	w.Flush()
}

func TestAPacketIsLentOnce(t *testing.T) {
	r := NewPacketReader(bytes.NewReader(framed(filled(300_000, 'a'), filled(10, 'b'))), 0)
	next(t, r)
	lendWritten(r)
	lendWritten(r)
	assert.Len(t, r.returned, 1)
	next(t, r)
	lendWritten(r)
	assert.Len(t, r.returned, 1, "the small packet lies elsewhere")
}

// A message that was put into the packet of another gave the memory back at once, while one before it was not written.
func TestALoanIsGivenBackAfterTheMessagesBefore(t *testing.T) {
	r := NewPacketReader(bytes.NewReader(framed(filled(300_000, 'a'))), 0)
	next(t, r)
	w := NewWriter(io.Discard)
	w.Queue(ETF.Pong(nil))
	o := ETF.Pong(nil)
	r.Lend(o)
	w.Queue(o)
	assert.Empty(t, r.returned)
	w.Flush()
	assert.Len(t, r.returned, 1)
}

func TestPacketsThatFollowALentOneLieElsewhere(t *testing.T) {
	var packets [][]byte
	for i := range 40 {
		packets = append(packets, filled(leastLoan+i*9_973, byte(i)), filled(i, byte(100+i)), filled(chunkSize-i, byte(200+i)))
	}
	r := NewPacketReader(bytes.NewReader(framed(packets...)), 0)
	kept := map[int][]byte{}
	for i := range packets {
		p := next(t, r)
		require.True(t, bytes.Equal(packets[i], p), "packet %d", i)
		if len(p) >= leastLoan {
			lendWritten(r)
		} else {
			kept[i] = p
		}
	}
	for i, p := range kept {
		assert.True(t, bytes.Equal(packets[i], p), "packet %d", i)
	}
}

// The memory of a chunk that a large packet begins in is used for the next chunk, if no packet lies in it.
func TestALargePacketTakesOnlyItsOwnMemory(t *testing.T) {
	stream := framed(filled(300_000, 'a'))
	source := bytes.NewReader(stream)
	r := NewPacketReader(source, 0)
	next(t, r)
	lendWritten(r)
	perPacket := testing.AllocsPerRun(100, func() {
		source.Reset(stream)
		if _, err := r.Next(); err != nil {
			panic(err)
		}
		o := newOutgoing()
		r.Lend(o)
		o.release()
	})
	assert.Zero(t, perPacket)
}
