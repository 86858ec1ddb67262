package streaming_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"portworker/streaming"
)

// listener is a subscription and what a list says that it is to receive.
type listener struct {
	*streaming.Subscription[int]
	due    []int
	closed bool
}

// take receives as the list has it: a listener may be due the last capacity values.
func (l *listener) take(capacity int, ended bool) (int, error) {
	switch missed := len(l.due) - capacity; {
	case l.closed:
		return 0, streaming.ErrClosed
	case missed > 0:
		l.due = l.due[missed:]
		return 0, &streaming.LaggedError{Missed: uint64(missed)}
	case len(l.due) > 0:
		v := l.due[0]
		l.due = l.due[1:]
		return v, nil
	case ended:
		return 0, streaming.ErrClosed
	default:
		return 0, streaming.ErrEmpty
	}
}

// TestBroadcastIsAListForEachListener plays with a Broadcast and with slices.
func TestBroadcastIsAListForEachListener(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.IntRange(1, 4).Draw(t, "capacity")
		b := streaming.NewBroadcast[int](capacity)
		var all []*listener
		ended, n := false, 0
		open := func() (open int) {
			for _, l := range all {
				if !l.closed {
					open++
				}
			}
			return open
		}
		some := func(t *rapid.T) *listener {
			if len(all) == 0 { // then this step is one that makes a listener
				all = append(all, &listener{Subscription: b.Subscribe()})
			}
			return rapid.SampledFrom(all).Draw(t, "listener")
		}
		t.Repeat(map[string]func(*rapid.T){
			"send": func(*rapid.T) {
				n++
				count, err := b.Send(n)
				if ended {
					require.Equal(t, streaming.ErrClosed, err)
					return
				}
				require.NoError(t, err)
				require.Equal(t, open(), count)
				for _, l := range all {
					l.due = append(l.due, n)
				}
			},
			"subscribe": func(*rapid.T) { all = append(all, &listener{Subscription: b.Subscribe()}) },
			"try receive": func(t *rapid.T) {
				l := some(t)
				v, err := l.TryRecv()
				want, wantErr := l.take(capacity, ended)
				require.Equal(t, wantErr, err)
				require.Equal(t, want, v)
			},
			"close one": func(t *rapid.T) {
				l := some(t)
				l.Close()
				l.closed, l.due = true, nil
			},
			"close": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "rarely") == 0 {
					b.Close()
					ended = true
				}
			},
			"": func(*rapid.T) {
				require.Equal(t, open(), b.Listeners())
				for _, l := range all {
					if !l.closed {
						require.Equal(t, min(len(l.due), capacity), l.Len())
					}
				}
			},
		})
	})
}

func TestBroadcastReachesAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := streaming.NewBroadcast[int](2)
		var waiting sync.WaitGroup
		for range 3 {
			s := b.Subscribe()
			waiting.Go(func() {
				defer s.Close()
				assert.Equal(t, []int{1, 2}, collected(t, s.Stream(t.Context())))
			})
		}
		for v := range 2 {
			synctest.Wait()
			n, err := b.Send(v + 1)
			require.NoError(t, err)
			assert.Equal(t, 3, n)
		}
		b.Close()
		b.Close()
		waiting.Wait()
		assert.Zero(t, b.Listeners())
	})
}

func TestBroadcastTellsALaggardWhatItMissed(t *testing.T) {
	b := streaming.NewBroadcast[int](2)
	s := b.Subscribe()
	defer s.Close()
	for v := range 5 {
		_, err := b.Send(v)
		require.NoError(t, err)
	}
	b.Close()
	_, err := streaming.Collect(s.Stream(t.Context()))
	var lagged *streaming.LaggedError
	require.ErrorAs(t, err, &lagged)
	assert.EqualValues(t, 3, lagged.Missed)
	assert.EqualError(t, err, "lagged behind: 3 values missed")
	assert.Equal(t, []int{3, 4}, collected(t, s.Stream(t.Context())), "another run goes on with what is kept")
}

func TestBroadcastWaitsEnd(t *testing.T) {
	cases := map[string]struct {
		end  func(*streaming.Broadcast[int], *streaming.Subscription[int], context.CancelCauseFunc)
		want error
	}{
		"by its context": {func(_ *streaming.Broadcast[int], _ *streaming.Subscription[int], cancel context.CancelCauseFunc) {
			cancel(errBoom)
		}, errBoom},
		"by its own Close": {func(_ *streaming.Broadcast[int], s *streaming.Subscription[int], _ context.CancelCauseFunc) {
			s.Close()
		}, streaming.ErrClosed},
		"by Close": {func(b *streaming.Broadcast[int], _ *streaming.Subscription[int], _ context.CancelCauseFunc) {
			b.Close()
		}, streaming.ErrClosed},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := streaming.NewBroadcast[int](1)
				s := b.Subscribe()
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				time.AfterFunc(time.Second, func() { c.end(b, s, cancel) })
				_, err := s.Recv(ctx)
				assert.Equal(t, c.want, err)
			})
		})
	}
}

func TestBroadcastKeepsNothingForNobody(t *testing.T) {
	b := streaming.NewBroadcast[*[1 << 20]byte](2)
	collectedBy := make(chan struct{})
	s := b.Subscribe()
	value := new([1 << 20]byte)
	runtime.AddCleanup(value, func(done chan struct{}) { close(done) }, collectedBy)
	_, err := b.Send(value)
	require.NoError(t, err)
	value = nil
	s.Close()
	for range 1000 {
		if runtime.GC(); isClosed(collectedBy) {
			break
		}
	}
	assert.True(t, isClosed(collectedBy), "the value is garbage")
	runtime.KeepAlive(b)
}

// TestBroadcastCountsEveryValue lets a sender outrun its listeners: what each received and missed is all there was.
func TestBroadcastCountsEveryValue(t *testing.T) {
	const values = 5000
	b := streaming.NewBroadcast[int](8)
	var listening sync.WaitGroup
	for range 4 {
		s := b.Subscribe()
		listening.Go(func() {
			defer s.Close()
			last, sum := -1, 0
			for {
				v, err := s.Recv(t.Context())
				if errors.Is(err, streaming.ErrClosed) {
					break
				}
				var lagged *streaming.LaggedError
				if errors.As(err, &lagged) {
					sum += int(lagged.Missed)
					continue
				}
				assert.NoError(t, err)
				assert.Greater(t, v, last)
				last, sum = v, sum+1
			}
			assert.Equal(t, values, sum)
		})
	}
	for v := range values {
		_, err := b.Send(v)
		require.NoError(t, err)
	}
	b.Close()
	listening.Wait()
}
