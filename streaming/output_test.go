package streaming

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
	"portworker/protocol"
)

// gate is a client that reads a packet each time it is told to, and says how many
// bytes that were.
type gate struct{ read, got chan int }

func (g *gate) Write(b []byte) (int, error) {
	<-g.read
	g.got <- len(b) - 4
	return len(b), nil
}

func TestOutputThatWaitsForRoomHoldsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &gate{read: make(chan int), got: make(chan int, 1)}
		w := protocol.NewWriter(client)
		ref, err := etf.Append(nil, "ref")
		require.NoError(t, err)
		out := NewOutput(t.Context(), w, protocol.ETF, ref, 10, nil)
		read := func() {
			client.read <- 0
			w.Ack(<-client.got)
			synctest.Wait()
		}

		// The second element opens a message that the third would fit into, if that
		// were not taken while the third waits: alone it needs more room.
		require.NoError(t, out.Send(t.Context(), 1))
		synctest.Wait()
		require.NoError(t, out.Send(t.Context(), 2))
		w.SetWindow(1)
		sent := make(chan error, 1)
		go func() { sent <- out.Send(t.Context(), make([]byte, 3000)) }()
		synctest.Wait()
		require.Empty(t, sent)

		read()
		read()
		require.NotEmpty(t, sent, "the window is empty")
		assert.NoError(t, <-sent)
		read()
	})
}

func TestBlobMayBeChangedOnceItIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &gate{read: make(chan int), got: make(chan int, 10)}
		w := protocol.NewWriter(client)
		ref, err := etf.Append(nil, "ref")
		require.NoError(t, err)
		out := NewOutput(t.Context(), w, protocol.ETF, ref, 2, nil)
		sent := make(chan error, 1)
		go func() { sent <- out.Send(t.Context(), new(make([]byte, blobSize))) }()
		synctest.Wait()
		assert.Empty(t, sent, "while it is not written it is not sent")
		for range 3 { // its head, its bytes and what ends the list
			client.read <- 0
		}
		assert.NoError(t, <-sent)

		w.Close()
		assert.ErrorIs(t, out.Send(t.Context(), new(make([]byte, blobSize))), protocol.ErrWriterClosed)
	})
}
