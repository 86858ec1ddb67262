package protocol

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// reserving waits for room in a goroutine of its own.
func reserving(ctx context.Context, w *Writer, n int) <-chan error {
	let := make(chan error, 1)
	go func() { let <- w.Reserve(ctx, n) }()
	synctest.Wait()
	return let
}

func TestWindowHoldsSendersBackUntilTheClientAcknowledges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &lastWrite{}
		w := NewWriter(out)
		w.SetWindow(1000)
		o := sized(t, 600)
		require.NoError(t, w.Reserve(t.Context(), o.Size()))
		w.QueueReserved(o, o.Size())
		w.Flush()
		written := len(*out) - headerSize

		second := reserving(t.Context(), w, 600)
		assert.Empty(t, second, "written is not yet consumed")
		w.Ack(written - 500)
		synctest.Wait()
		assert.Empty(t, second)
		w.Ack(100)
		assert.NoError(t, <-second)
		w.Unreserve(600)
	})
}

func TestWindowLetsAMessageThatIsTooLargeGoAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWriter(&lastWrite{})
		w.SetWindow(100)
		require.NoError(t, w.Reserve(t.Context(), 5000))
		next := reserving(t.Context(), w, 1)
		assert.Empty(t, next, "nothing else is let beside it")
		w.Unreserve(5000)
		assert.NoError(t, <-next)
	})
}

// prompt is a client that acknowledges a packet before its write returns.
type prompt struct{ writer *Writer }

func (p *prompt) Write(b []byte) (int, error) {
	p.writer.Ack(len(b) - headerSize)
	return len(b), nil
}

func TestAcknowledgementMayComeBeforeTheWriteReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &prompt{}
		w := NewWriter(out)
		out.writer = w
		w.SetWindow(1000)
		for range 10 {
			sent := reserving(t.Context(), w, 600)
			require.NoError(t, <-sent)
			w.QueueReserved(sized(t, 600), 600)
			w.Flush()
		}
	})
}

func TestAnswersPassAFullWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &lastWrite{}
		w := NewWriter(out)
		w.SetWindow(10)
		require.NoError(t, w.Reserve(t.Context(), 10))
		w.Answer(pong(t, "through"))
		w.Flush()
		assert.Equal(t, [][]byte{written(t, ETF, pong(t, "through"))}, packetsOf(t, *out))
	})
}

func TestSendersAreServedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWriter(&lastWrite{})
		w.SetWindow(100)
		require.NoError(t, w.Reserve(t.Context(), 100))
		large := reserving(t.Context(), w, 90)
		small := reserving(t.Context(), w, 1)
		w.Unreserve(50)
		synctest.Wait()
		assert.Empty(t, small, "a small one does not overtake a large one for ever")
		assert.False(t, w.TryReserve(1))
		w.Unreserve(50)
		assert.NoError(t, <-large)
		assert.NoError(t, <-small)
	})
}

func TestSenderThatGivesUpLeavesItsTurnToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWriter(&lastWrite{})
		w.SetWindow(100)
		require.NoError(t, w.Reserve(t.Context(), 50))
		ctx, cancel := context.WithCancelCause(t.Context())
		first := reserving(ctx, w, 90)
		second := reserving(t.Context(), w, 50)
		enough := errors.New("enough")
		cancel(enough)
		assert.ErrorIs(t, <-first, enough)
		assert.NoError(t, <-second)
		assert.False(t, w.TryReserve(1), "nothing was lost or won")
	})
}

// once is a source of one message.
type once struct{ o *Outgoing }

func (s *once) Take() (*Outgoing, int) {
	o := s.o
	s.o = nil
	return o, 7
}

func TestSourceIsAskedWhenItsTurnHasCome(t *testing.T) {
	out := newGate()
	w := NewWriter(out)
	require.NoError(t, w.Reserve(t.Context(), 14))
	source := &once{}
	w.QueueSource(source)
	w.QueueSource(&once{}) // has nothing, and takes no packet
	w.Queue(pong(t, "after"))
	source.o = pong(t, "made late")
	w.FlushSoon()
	assert.Equal(t, [][]byte{written(t, ETF, pong(t, "made late"))}, out.next(t))
	assert.Equal(t, [][]byte{written(t, ETF, pong(t, "after"))}, out.next(t))
	require.NoError(t, w.Wait(t.Context()))
	assert.Equal(t, Sent{Messages: 2, Packets: 2, Bytes: w.Sent().Bytes}, w.Sent())
	assert.Zero(t, w.window.reserved)
}

func TestDataMessages(t *testing.T) {
	elements := []any{int64(1), "two", etf.Atom("three"), []any{}, etf.Tuple{int64(4), 5.5}}
	t.Run("etf", func(t *testing.T) {
		d := ETF.NewData(term(t, "ref"))
		for _, v := range elements {
			require.NoError(t, d.Append(v))
		}
		want, err := etf.Append(nil, etf.Tuple{etf.Atom("data"), "ref", elements})
		require.NoError(t, err)
		assert.Equal(t, want, d.Finish().buf[headroom:])
	})
	t.Run("msgpack", func(t *testing.T) {
		ref := etf.Raw(etf.AppendBytes(nil, []byte("\xa3ref")))
		d := MessagePack.NewData(ref)
		for _, v := range elements {
			require.NoError(t, d.Append(v))
		}
		assert.Equal(t, "\x93\xa4data\xa3ref\xdd\x00\x00\x00\x05\x01\xa3two\xa5three\x90\x92\x04\xcb\x40\x16\x00\x00\x00\x00\x00\x00",
			string(d.Finish().buf[headroom:]))
	})
	t.Run("an element that has no form changes nothing", func(t *testing.T) {
		d := MessagePack.NewData(etf.Raw(etf.AppendBytes(nil, []byte{1})))
		require.NoError(t, d.Append(1))
		size := d.Size()
		assert.Error(t, d.Append(etf.ImproperList{Elements: []any{1}, Tail: 2}))
		assert.Equal(t, size, d.Size())
		assert.Equal(t, 1, d.Count())
	})
}

func TestBlobIsTheSameMessageAsItsCopy(t *testing.T) {
	blob := make([]byte, 70_000)
	blob[0], blob[69_999] = 1, 0xff // no UTF-8, so that both are binaries in MessagePack
	for _, codec := range []Codec{ETF, MessagePack} {
		t.Run(codec.String(), func(t *testing.T) {
			ref := term(t, "ref")
			if codec == MessagePack {
				ref = etf.Raw(etf.AppendBytes(nil, []byte("\xa3ref")))
			}
			copied := codec.NewData(ref)
			require.NoError(t, copied.Append(&blob))
			want := written(t, codec, copied.Finish())

			var out bytes.Buffer
			w := NewWriter(&out)
			w.SetCodec(codec)
			message, done := codec.Blob(ref, blob)
			cost := message.Cost()
			require.NoError(t, w.Reserve(t.Context(), cost))
			w.QueueReserved(message, cost)
			assert.Empty(t, done)
			w.Flush()
			<-done
			assert.Equal(t, [][]byte{want}, packetsOf(t, out.Bytes()))
			assert.Zero(t, w.waiting)
			assert.Zero(t, w.window.reserved)
		})
	}
}
