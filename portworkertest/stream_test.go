package portworkertest_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// countdown sends n to 1.
func countdown(ctx context.Context, n int, out *portworker.Sender[int]) error {
	for ; n > 0; n-- {
		if err := out.Send(ctx, n); err != nil {
			return err // the consumer has had enough
		}
	}
	return nil
}

func TestCountdown(t *testing.T) {
	w := portworker.New(portworker.Config{})
	portworker.HandleStream(w, "countdown", countdown)
	peer := portworkertest.Start(t, w)

	ref := peer.Start("countdown", nil, 3)
	peer.Grant(ref, 2)
	assert.Equal(t, []any{int64(3), int64(2)}, peer.Elements(ref, 2))
	peer.Grant(ref, 10)
	result := peer.Await(ref)
	assert.Nil(t, result.Err)
	assert.Equal(t, []any{int64(1)}, result.Elements)
}

func TestCountdownWaitsToBeAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := portworker.New(portworker.Config{})
		portworker.HandleStream(w, "countdown", countdown)
		peer := portworkertest.Start(t, w)

		peer.Start("countdown", nil, 3)
		synctest.Wait() // until the handler can go no further
		peer.Quiet()
	})
}

// total answers each number with the sum so far.
func total(ctx context.Context, ch *portworker.Channel[int, int]) error {
	sum := 0
	for {
		n, err := ch.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		sum += n
		if err := ch.Send(ctx, sum); err != nil {
			return err
		}
	}
}

func TestTotal(t *testing.T) {
	w := portworker.New(portworker.Config{})
	portworker.HandleChannel0(w, "total", total)
	peer := portworkertest.Start(t, w)

	ref := peer.Start("total", nil)
	peer.SendInput(ref, 1, 2, 3)
	assert.Equal(t, []any{int64(1), int64(3), int64(6)}, peer.Elements(ref, 3))
	peer.SendInput(ref, "four")
	fault := peer.Next()
	require.Equal(t, etf.Atom("fault"), fault[0])
	require.Equal(t, ref, fault[1])
	peer.HalfClose(ref)
	assert.Nil(t, peer.Await(ref).Err)
}
