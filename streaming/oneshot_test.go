package streaming_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/streaming"
)

func TestOneshotOutcomes(t *testing.T) {
	type oneshot = *streaming.Oneshot[int]
	send := func(o oneshot) error { return o.Send(7) }
	drop := func(o oneshot) error { o.Drop(); return nil }
	closing := func(o oneshot) error { o.Close(); return nil }
	cases := map[string]struct {
		first    func(oneshot) error
		value    int
		recv     error // what Recv returns then
		send     error // what Send returns then
		isClosed bool
	}{
		"sent":    {first: send, value: 7, send: streaming.ErrSent},
		"dropped": {first: drop, recv: streaming.ErrDropped, send: streaming.ErrDropped},
		"closed":  {first: closing, recv: streaming.ErrClosed, send: streaming.ErrClosed, isClosed: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := streaming.NewOneshot[int]()
			_, err := o.TryRecv()
			require.Equal(t, streaming.ErrEmpty, err)
			require.NoError(t, c.first(o))
			for range 2 { // what comes second changes nothing
				v, err := o.Recv(t.Context())
				assert.Equal(t, c.recv, err)
				assert.Equal(t, c.value, v)
				v, err = o.TryRecv()
				assert.Equal(t, c.recv, err)
				assert.Equal(t, c.value, v)
				assert.Equal(t, c.send, o.Send(8))
				assert.Equal(t, c.isClosed, isClosed(o.Closed()))
				o.Drop()
				o.Close()
			}
		})
	}
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

func TestOneshotWakesAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := streaming.NewOneshot[string]()
		got := make(chan string, 3)
		for range cap(got) {
			go func() {
				v, err := o.Recv(t.Context())
				assert.NoError(t, err)
				got <- v
			}()
		}
		synctest.Wait()
		assert.Empty(t, got)
		require.NoError(t, o.Send("done"))
		for range cap(got) {
			assert.Equal(t, "done", <-got)
		}
	})
}

func TestOneshotIsLeftAsItIsByAWaitThatIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := streaming.NewOneshot[int]()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errBoom)
		defer cancel()
		_, err := o.Recv(ctx)
		require.Equal(t, errBoom, err)
		require.NoError(t, o.Send(7))
		_, err = o.Recv(ctx)
		require.Equal(t, errBoom, err, "a context that has ended comes first")
		v, err := o.Recv(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 7, v)
	})
}

func TestOneshotTellsASenderThatNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := streaming.NewOneshot[int]()
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			defer o.Drop()
			<-o.Closed()
		}()
		synctest.Wait()
		o.Close()
		<-stopped
		_, err := o.TryRecv()
		assert.Equal(t, streaming.ErrClosed, err)
	})
}
