package streaming_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"portworker/streaming"
)

// TestQueueIsABoundedList plays with a Queue and with a slice.
func TestQueueIsABoundedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.IntRange(1, 4).Draw(t, "capacity")
		q := streaming.NewQueue[int](capacity)
		var list []int
		closed, n := false, 0
		added := func() error {
			switch {
			case closed:
				return streaming.ErrClosed
			case len(list) == capacity:
				return streaming.ErrFull
			default:
				list = append(list, n)
				return nil
			}
		}
		taken := func() (int, error) {
			switch {
			case len(list) > 0:
				v := list[0]
				list = list[1:]
				return v, nil
			case closed:
				return 0, streaming.ErrClosed
			default:
				return 0, streaming.ErrEmpty
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"try send": func(*rapid.T) {
				n++
				require.Equal(t, added(), q.TrySend(n))
			},
			"send": func(*rapid.T) {
				if n++; closed || len(list) < capacity {
					require.Equal(t, added(), q.Send(context.Background(), n))
				}
			},
			"try receive": func(*rapid.T) {
				v, err := q.TryRecv()
				want, wantErr := taken()
				require.Equal(t, wantErr, err)
				require.Equal(t, want, v)
			},
			"receive": func(*rapid.T) {
				if closed || len(list) > 0 {
					v, err := q.Recv(context.Background())
					want, wantErr := taken()
					require.Equal(t, wantErr, err)
					require.Equal(t, want, v)
				}
			},
			"close": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "rarely") == 0 {
					q.Close()
					closed = true
				}
			},
			"": func(*rapid.T) {
				require.Equal(t, len(list), q.Len())
				require.Equal(t, capacity, q.Cap())
			},
		})
	})
}

func TestQueueServesWaitingSendersInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := streaming.NewQueue[int](1)
		for i := range 4 {
			go func() { assert.NoError(t, q.Send(t.Context(), i)) }()
			synctest.Wait()
		}
		assert.Equal(t, streaming.ErrFull, q.TrySend(9))
		assert.Equal(t, []int{0, 1, 2, 3}, collected(t, streaming.Take(q.Stream(t.Context()), 4)))
	})
}

func TestQueueCloseSendsWaitingSendersAwayAndLetsReceiversDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := streaming.NewQueue[int](2)
		require.NoError(t, q.TrySend(1))
		require.NoError(t, q.TrySend(2))
		refused := make(chan error, 3)
		for range cap(refused) {
			go func() { refused <- q.Send(t.Context(), 3) }()
		}
		synctest.Wait()
		q.Close()
		q.Close()
		for range cap(refused) {
			assert.Equal(t, streaming.ErrClosed, <-refused)
		}
		assert.Equal(t, []int{1, 2}, collected(t, q.Stream(t.Context())))
		_, err := q.Recv(t.Context())
		assert.Equal(t, streaming.ErrClosed, err)
	})
}

func TestQueueWaitsEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := streaming.NewQueue[int](1)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errBoom)
		defer cancel()
		_, err := q.Recv(ctx)
		require.Equal(t, errBoom, err)
		require.Equal(t, errBoom, q.Send(ctx, 1), "a context that has ended comes first")
		require.NoError(t, q.TrySend(1))
		ctx, cancel = context.WithTimeoutCause(t.Context(), time.Second, errBoom)
		defer cancel()
		require.Equal(t, errBoom, q.Send(ctx, 2))
		assert.Equal(t, 1, q.Len(), "what was not sent is not in it")
	})
}

func TestQueueCloseWakesReceivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := streaming.NewQueue[int](1)
		woken := make(chan error, 3)
		for range cap(woken) {
			go func() {
				_, err := q.Recv(t.Context())
				woken <- err
			}()
		}
		synctest.Wait()
		q.Close()
		for range cap(woken) {
			assert.Equal(t, streaming.ErrClosed, <-woken)
		}
	})
}

// TestQueueLosesNothingThatWasAccepted closes the queue in the midst of senders and receivers.
func TestQueueLosesNothingThatWasAccepted(t *testing.T) {
	const senders, each = 8, 500
	q := streaming.NewQueue[int](4)
	accepted := make([]int, senders)
	var sending, receiving sync.WaitGroup
	for i := range senders {
		sending.Go(func() {
			for range each {
				err := q.Send(t.Context(), i)
				if errors.Is(err, streaming.ErrClosed) {
					return
				}
				accepted[i]++
			}
		})
	}
	received := make([][senders]int, 3)
	for r := range received {
		receiving.Go(func() {
			n := 0
			for i := range q.Stream(t.Context()) {
				received[r][i]++
				if n++; r == 0 && n == each {
					q.Close()
				}
			}
		})
	}
	sending.Wait()
	q.Close()
	receiving.Wait()
	for i, n := range accepted {
		assert.Equal(t, n, received[0][i]+received[1][i]+received[2][i], "sender %d", i)
	}
}
