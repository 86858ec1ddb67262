package protocol

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// room waits for room and takes none of it.
func room(ctx context.Context, w *Writer) error {
	err := w.Reserve(ctx, 1)
	if err == nil {
		w.Unreserve(1)
	}
	return err
}

func TestRoomHoldsSendersBackUntilTheClientReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newGate()
		w := NewWriter(out)
		require.NoError(t, room(t.Context(), w))
		w.Queue(sized(t, highWater-1-packing))
		assert.True(t, w.HasRoom(), "one byte below the mark")
		w.Queue(sized(t, 50))
		assert.False(t, w.HasRoom())

		let := make(chan error, 2)
		for range cap(let) {
			go func() { let <- room(t.Context(), w) }()
		}
		w.FlushSoon()
		synctest.Wait()
		assert.Empty(t, let, "senders wait while nothing is read")
		out.next(t)
		out.next(t)
		assert.NoError(t, <-let)
		assert.NoError(t, <-let)
		assert.True(t, w.HasRoom())
		synctest.Wait()
	})
}

func TestRoomGivesUpWithTheContextsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWriter(io.Discard)
		w.Queue(sized(t, highWater))
		ctx, cancel := context.WithCancelCause(t.Context())
		let := make(chan error, 1)
		go func() { let <- room(ctx, w) }()
		synctest.Wait()
		why := &Error{Reason: Cancelled, Message: "enough"}
		cancel(why)
		assert.Same(t, why, <-let)
	})
}

var errPipe = errors.New("broken pipe")

func TestABrokenOutputLetsEveryoneGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newGate()
		w := NewWriter(out)
		w.Queue(sized(t, highWater))
		w.FlushSoon()
		<-out.writes
		let := make(chan error, 2)
		go func() { let <- room(t.Context(), w) }()
		go func() { let <- w.Wait(t.Context()) }()
		synctest.Wait()
		w.Queue(pong(t, "behind it"))
		out.done <- errPipe
		assert.ErrorIs(t, <-let, ErrWriterClosed)
		assert.ErrorIs(t, <-let, ErrWriterClosed)
		<-w.Broken()
		assert.ErrorIs(t, w.Err(), errPipe)

		w.Queue(pong(t, "after"))
		w.Answer(pong(t, "after"))
		w.Flush()
		w.FlushSoon()
		assert.False(t, w.HasRoom())
		assert.ErrorIs(t, room(t.Context(), w), ErrWriterClosed)
		assert.ErrorIs(t, w.Wait(t.Context()), ErrWriterClosed)
		synctest.Wait() // and nothing is written: the gate would keep the test from ending
	})
}

func TestWait(t *testing.T) {
	t.Run("returns at once when nothing is queued", func(t *testing.T) {
		assert.NoError(t, NewWriter(io.Discard).Wait(t.Context()))
	})
	t.Run("writes what is queued", func(t *testing.T) {
		var out bytes.Buffer
		w := NewWriter(&out)
		w.Queue(pong(t, 1))
		require.NoError(t, w.Wait(t.Context()))
		assert.NotZero(t, out.Len())
	})
	t.Run("gives up with the context's cause", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			out := newGate()
			w := NewWriter(out)
			w.Queue(pong(t, 1))
			ctx, cancel := context.WithCancelCause(t.Context())
			waited := make(chan error, 1)
			go func() { waited <- w.Wait(ctx) }()
			synctest.Wait()
			cancel(errPipe)
			assert.ErrorIs(t, <-waited, errPipe)
			out.next(t)
		})
	})
	t.Run("after Close", func(t *testing.T) {
		w := NewWriter(io.Discard)
		w.Queue(pong(t, 1))
		w.Close()
		w.Close()
		assert.ErrorIs(t, w.Wait(t.Context()), ErrWriterClosed)
		assert.ErrorIs(t, w.Err(), ErrWriterClosed)
	})
}

func TestAnswersAreBoundedAndTheirLossIsTold(t *testing.T) {
	for _, codec := range []Codec{ETF, MessagePack} {
		t.Run(codec.String(), func(t *testing.T) {
			out := &lastWrite{}
			w := NewWriter(out)
			w.SetCodec(codec)
			w.Queue(&Outgoing{buf: make([]byte, headroom+maxWaiting)})
			for range 3 {
				w.Answer(codec.Pong(term(t, "dropped")))
			}
			w.Queue(codec.Pong(term(t, "a result, which is always kept")))
			assert.Equal(t, Sent{Messages: 2, Dropped: 3}, w.Sent())
			w.Flush()
			assert.Equal(t, int64(3), w.Sent().Packets)
			assert.Equal(t, [][]byte{written(t, codec, codec.Fault(nil, droppedError(3)))}, packetsOf(t, *out))
			assert.True(t, w.HasRoom())
			w.Answer(codec.Pong(term(t, "kept")))
			assert.Equal(t, int64(4), w.Sent().Messages)
		})
	}
}

// lastWrite is an output that remembers the last write.
type lastWrite []byte

func (l *lastWrite) Write(b []byte) (int, error) {
	*l = append((*l)[:0], b...)
	return len(b), nil
}

func TestDroppedErrorSaysHowMany(t *testing.T) {
	e := droppedError(3)
	assert.Equal(t, Overloaded, e.Reason)
	assert.Equal(t, map[string]int{"dropped": 3}, e.Details)
}
