package protocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func framed(packets ...[]byte) []byte {
	var b []byte
	for _, p := range packets {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return b
}

func readAll(t testing.TB, r *PacketReader) (packets [][]byte, err error) {
	t.Helper()
	for {
		p, err := r.Next()
		if err != nil {
			return packets, err
		}
		packets = append(packets, p)
	}
}

func TestPacketReaderSplitsAnyWayTheBytesCome(t *testing.T) {
	packets := [][]byte{[]byte("one"), {}, bytes.Repeat([]byte("x"), chunkSize), []byte("three"), bytes.Repeat([]byte("y"), eagerSize+17), []byte("last")}
	stream := framed(packets...)
	sources := map[string]func(io.Reader) io.Reader{
		"all at once":     func(r io.Reader) io.Reader { return r },
		"halves":          iotest.HalfReader,
		"data with EOF":   iotest.DataErrReader,
		"byte for byte":   iotest.OneByteReader,
		"odd little ones": func(r io.Reader) io.Reader { return &stutter{r: r} },
	}
	for name, wrap := range sources {
		t.Run(name, func(t *testing.T) {
			got, err := readAll(t, NewPacketReader(wrap(bytes.NewReader(stream)), 0))
			assert.Equal(t, io.EOF, err)
			require.Len(t, got, len(packets))
			for i := range packets {
				assert.True(t, bytes.Equal(packets[i], got[i]), "packet %d", i)
			}
		})
	}
}

// stutter reads 1, 2, 3, ... bytes.
type stutter struct {
	r io.Reader
	n int
}

func (s *stutter) Read(b []byte) (int, error) {
	s.n++
	return s.r.Read(b[:min(len(b), s.n)])
}

func TestPacketReaderEndsInsideAPacket(t *testing.T) {
	whole := framed([]byte("hello"))
	for cut := 1; cut < len(whole); cut++ {
		_, err := NewPacketReader(bytes.NewReader(whole[:cut]), 0).Next()
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF, "after %d bytes", cut)
	}
}

func TestPacketReaderSkipsAPacketOverTheLimit(t *testing.T) {
	stream := framed([]byte("a"), bytes.Repeat([]byte("z"), 3*chunkSize), []byte("b"))
	r := NewPacketReader(bytes.NewReader(stream), 100)

	p, err := r.Next()
	require.NoError(t, err)
	assert.Equal(t, "a", string(p))

	_, err = r.Next()
	var tooLarge *FrameTooLargeError
	require.ErrorAs(t, err, &tooLarge)
	assert.Equal(t, FrameTooLargeError{Size: 3 * chunkSize, Limit: 100}, *tooLarge)

	p, err = r.Next()
	require.NoError(t, err)
	assert.Equal(t, "b", string(p))
	assert.LessOrEqual(t, cap(r.buf), chunkSize, "the skipped bytes are not held")
}

// TestPacketReaderSkipsInOneBuffer counts reads' buffers: none of the skipped bytes is
// anybody's, so their room serves again.
func TestPacketReaderSkipsInOneBuffer(t *testing.T) {
	const size = 1 << 30
	var header [headerSize]byte
	binary.BigEndian.PutUint32(header[:], size)
	allocations := testing.AllocsPerRun(1, func() {
		r := NewPacketReader(io.MultiReader(bytes.NewReader(header[:]), io.LimitReader(zeros{}, size), bytes.NewReader(framed([]byte("next")))), 100)
		_, err := r.Next()
		assert.IsType(t, &FrameTooLargeError{}, err)
		p, err := r.Next()
		assert.NoError(t, err)
		assert.Equal(t, "next", string(p))
	})
	assert.Less(t, allocations, 50.0)
}

// zeros reads nothing but zeros, without taking the time to write them.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func TestPacketReaderFollowsAChangedLimit(t *testing.T) {
	r := NewPacketReader(bytes.NewReader(framed([]byte("12345"), []byte("12345"), []byte("12345"))), 4)
	_, err := r.Next()
	assert.EqualError(t, err, "packet of 5 bytes: at most 4 are accepted")
	r.SetMax(5)
	p, err := r.Next()
	require.NoError(t, err)
	assert.Equal(t, "12345", string(p))
	assert.True(t, r.Buffered())
	r.SetMax(0)
	_, err = r.Next()
	require.NoError(t, err)
	assert.False(t, r.Buffered())
}

func TestPacketReaderEndsInsideASkippedPacket(t *testing.T) {
	r := NewPacketReader(bytes.NewReader([]byte{0xff, 0xff, 0xff, 0xff, 1, 2, 3}), 0)
	_, err := r.Next()
	require.IsType(t, &FrameTooLargeError{}, err)
	_, err = r.Next()
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestPacketReaderMakesNoBufferOnTheWordOfAHeader(t *testing.T) {
	r := NewPacketReader(bytes.NewReader([]byte{0x03, 0xff, 0xff, 0xff, 1}), 0)
	_, err := r.Next()
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.LessOrEqual(t, cap(r.buf), eagerSize)
}

func TestPacketReaderNeverWritesToAPacketItHandedOut(t *testing.T) {
	var all [][]byte
	for i := range 5000 {
		all = append(all, bytes.Repeat([]byte{byte(i)}, 40))
	}
	got, _ := readAll(t, NewPacketReader(iotest.HalfReader(bytes.NewReader(framed(all...))), 0))
	require.Len(t, got, len(all))
	for i := range all {
		assert.Equal(t, all[i], got[i])
	}
}

func TestPacketReaderReportsAFailedRead(t *testing.T) {
	broken := errors.New("broken")
	_, err := NewPacketReader(iotest.ErrReader(broken), 0).Next()
	assert.ErrorIs(t, err, broken)
}
