package dispatch_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
	"portworker/streaming"
)

// command is what the counter takes.
type command interface{ isCommand() }

type (
	add   struct{ Value int }
	get   struct{}
	leave struct{}
)

func (add) isCommand()   {}
func (get) isCommand()   {}
func (leave) isCommand() {}

var _ = etf.RegisterUnion[command](add{}, get{}, leave{})

// streams is a worker with a stream of each kind and a channel.
func streams(t *testing.T) *fixture {
	f := &fixture{t: t, started: make(chan any, 100), release: make(chan struct{})}
	w := portworker.New(portworker.Config{})
	portworker.HandleSeq(w, "range", func(_ context.Context, n int) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for i := range n {
				if !yield(i, nil) {
					return
				}
			}
		}
	})
	portworker.HandleSeq(w, "fails", func(_ context.Context, n int) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			for i := range n {
				if !yield(i, nil) {
					return
				}
			}
			yield(0, errors.New("out of numbers"))
		}
	})
	portworker.HandleStream0(w, "forever", func(ctx context.Context, out *portworker.Sender[int]) error {
		for i := 0; ; i++ {
			if err := out.Send(ctx, i); err != nil {
				f.started <- err
				return err
			}
		}
	})
	portworker.HandleStream0(w, "reports", func(ctx context.Context, out *portworker.Sender[string]) error {
		return errors.Join(out.Send(ctx, "a"), portworker.Progress(ctx, "between"), out.Send(ctx, "b"))
	})
	portworker.HandleSeq0(w, "panics", func(ctx context.Context) iter.Seq2[int, error] {
		return streaming.Buffered(ctx, streaming.Ready(streaming.FromSlice([]int{1})), 2, func(context.Context, int) (int, error) { panic("deep down") })
	})
	portworker.HandleChannel(w, "counter", counter)
	f.Peer = portworkertest.Start(t, w)
	return f
}

// counter adds up what it is told.
func counter(ctx context.Context, total int, ch *portworker.Channel[command, int]) error {
	for {
		in, err := ch.Next(ctx)
		if errors.Is(err, io.EOF) {
			return ch.Finish(ctx, -total)
		}
		if err != nil {
			return err
		}
		switch in := in.(type) {
		case add:
			total += in.Value
		case get:
			err = ch.Send(ctx, total)
		case leave:
			return errors.Join(ch.Finish(ctx, total), ch.Send(ctx, 0))
		}
		if err != nil {
			return err
		}
	}
}

func numbers(from, to int) (list []any) {
	for i := from; i < to; i++ {
		list = append(list, int64(i))
	}
	return list
}

func TestStreamSendsAgainstCreditAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := streams(t)
		ref := f.Start("range", nil, 10)
		synctest.Wait()
		f.Quiet()
		f.Send(etf.Tuple{atom("credit"), ref, int64(3)})
		assert.Equal(t, numbers(0, 3), f.Elements(ref, 3))
		synctest.Wait()
		f.Quiet()
		f.Send(etf.Tuple{atom("credit"), ref, int64(100)})
		assert.Equal(t, numbers(3, 10), f.Elements(ref, 7))
		result := f.Await(ref)
		assert.Nil(t, result.Err)
		assert.Nil(t, result.Value)
	})
}

func TestStreamBeginsWithTheCallsCredit(t *testing.T) {
	f := streams(t)
	ref := f.Start("range", options("credit", int64(5)), 5)
	assert.Equal(t, numbers(0, 5), f.Elements(ref, 5))
	assert.Nil(t, f.Await(ref).Err)
}

func TestStreamThatFailsSendsWhatCameBefore(t *testing.T) {
	f := streams(t)
	ref := f.Start("fails", options("credit", int64(9)), 2)
	assert.Equal(t, numbers(0, 2), f.Elements(ref, 2))
	assert.Equal(t, "out of numbers", f.fails(ref, portworker.Failed).Message)
}

func TestPanicInAStreamsGoroutineFailsItsTask(t *testing.T) {
	f := streams(t)
	err := f.fails(f.Start("panics", options("credit", int64(1))), portworker.Panic)
	assert.Equal(t, "deep down", err.Message)
	assert.Contains(t, err.Stack, "dispatch_test.streams")
}

func TestCancelStopsAStreamThatWaitsForCredit(t *testing.T) {
	f := streams(t)
	ref := f.Start("forever", options("credit", int64(2)))
	f.Elements(ref, 2)
	f.Send(etf.Tuple{atom("cancel"), ref})
	f.fails(ref, portworker.Cancelled)
	assert.ErrorIs(t, (<-f.started).(error), &portworker.Error{Reason: portworker.Cancelled})
	f.Send(etf.Tuple{atom("credit"), ref, int64(2)}) // too late, and nobody's fault
	f.Quiet()
}

func TestProgressKeepsItsPlaceAmongElements(t *testing.T) {
	f := streams(t)
	ref := f.Start("reports", options("credit", int64(2)))
	assert.Equal(t, []any{"a"}, f.Elements(ref, 1))
	assert.Equal(t, etf.Tuple{atom("progress"), ref, "between"}, f.Next())
	assert.Equal(t, []any{"b"}, f.Elements(ref, 1))
	assert.Nil(t, f.Await(ref).Err)
}

func TestStreamFillsMessagesWhileTheClientDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := streams(t)
		ref := f.Start("range", options("credit", int64(5000)), 5000)
		synctest.Wait()
		messages := 0
		for got := 0; got < 5000; messages++ {
			message := f.Next()
			require.Equal(t, atom("data"), message[0])
			got += len(message[2].([]any))
		}
		assert.Less(t, messages, 50)
		assert.Nil(t, f.Await(ref).Err)
	})
}

func TestWindowBoundsAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := streams(t)
		f.Send(etf.Tuple{atom("hello"), options("window", int64(2000))})
		hello := f.Next()
		require.Equal(t, atom("hello"), hello[0])
		f.Send(etf.Tuple{atom("ack"), int64(1 << 20)})
		f.Start("range", options("credit", int64(100_000)), 100_000)
		got, ended := 0, false
		for !ended {
			synctest.Wait()
			f.Send(etf.Tuple{atom("ping"), "so far"})
			inFlight := 0
			for message := f.Next(); message[0] != atom("pong"); message = f.Next() {
				if ended = message[0] == atom("result"); !ended {
					elements := message[2].([]any)
					got += len(elements)
					inFlight += 2 * len(elements) // bytes of each at the least
				}
			}
			require.LessOrEqual(t, inFlight, 2000)
			f.Send(etf.Tuple{atom("ack"), int64(2000)})
		}
		assert.Equal(t, 100_000, got)
	})
}

func TestChannel(t *testing.T) {
	f := streams(t)
	ref := f.Start("counter", nil, 10)
	send := func(input any) { f.Send(etf.Tuple{atom("send"), ref, input}) }

	send(etf.Tuple{atom("add"), options("value", int64(5))})
	send(atom("get"))
	assert.Equal(t, []any{int64(15)}, f.Elements(ref, 1))

	send(etf.Tuple{atom("subtract"), options("value", int64(5))})
	fault := f.fault(ref)
	assert.Equal(t, atom("bad_args"), field(t, fault, "reason"))
	assert.Contains(t, field(t, fault, "message"), "input: ")

	send(atom("leave"))
	assert.Equal(t, []any{int64(15)}, f.Elements(ref, 1))
	assert.Contains(t, f.fails(ref, portworker.Failed).Message, "after the end")
}

func TestHalfCloseIsTheEndOfInput(t *testing.T) {
	f := streams(t)
	ref := f.Start("counter", nil, 1)
	f.Send(etf.Tuple{atom("send"), ref, etf.Tuple{atom("add"), options("value", int64(1))}}, etf.Tuple{atom("close"), ref})
	assert.Equal(t, []any{int64(-2)}, f.Elements(ref, 1))
	assert.Nil(t, f.Await(ref).Err)
	f.Send(etf.Tuple{atom("close"), ref})
	f.Quiet()
}

func TestStreamsThatWaitForTheirConsumersKeepNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := streams(t)
		f.Send(etf.Tuple{atom("hello"), options("config", options("lanes", options("io", int64(1))))})
		f.Next()
		first := f.Start("range", nil, 3)
		second := f.Start("range", nil, 3)
		synctest.Wait()
		for _, ref := range []any{first, second} {
			f.Send(etf.Tuple{atom("credit"), ref, int64(9)})
			assert.Equal(t, numbers(0, 3), f.Elements(ref, 3))
			assert.Nil(t, f.Await(ref).Err)
		}
	})
}

func TestChannelsThatWaitForInputKeepNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := streams(t)
		f.Send(etf.Tuple{atom("hello"), options("config", options("lanes", options("io", int64(1))))})
		f.Next()
		first := f.Start("counter", nil, 1)
		synctest.Wait()
		second := f.Start("counter", nil, 2)
		for _, ref := range []any{second, first} {
			f.Send(etf.Tuple{atom("close"), ref})
			f.Elements(ref, 1)
			assert.Nil(t, f.Await(ref).Err)
		}
	})
}

func TestInputAfterTheEndOfInputIsAFault(t *testing.T) {
	f := streams(t)
	ref := f.Start("counter", options("credit", int64(0)), 0)
	f.Send(etf.Tuple{atom("close"), ref}, etf.Tuple{atom("send"), ref, atom("get")})
	assert.Contains(t, field(t, f.fault(ref), "message"), "closed before")
}

func TestInputPastTheLimitIsAFaultAndNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := streams(t)
		ref := f.Start("counter", options("credit", int64(0)), 0)
		f.Send(etf.Tuple{atom("send"), ref, atom("get")}) // holds the handler until there is credit
		synctest.Wait()
		for range 64 {
			f.Send(etf.Tuple{atom("send"), ref, etf.Tuple{atom("add"), options("value", int64(1))}})
		}
		f.Quiet()
		f.Send(etf.Tuple{atom("send"), ref, etf.Tuple{atom("add"), options("value", int64(1000))}})
		assert.Equal(t, atom("overloaded"), field(t, f.fault(ref), "reason"))

		f.Send(etf.Tuple{atom("credit"), ref, int64(2)})
		f.Elements(ref, 1)
		synctest.Wait()
		f.Send(etf.Tuple{atom("close"), ref})
		assert.Equal(t, []any{int64(-64)}, f.Elements(ref, 1))
		assert.Nil(t, f.Await(ref).Err)
	})
}

func TestInputCreditIsGrantedToThoseWhoCount(t *testing.T) {
	f := streams(t)
	ref := f.Start("counter", options("input_credit", true), 0)
	for range 32 {
		f.Send(etf.Tuple{atom("send"), ref, etf.Tuple{atom("add"), options("value", int64(1))}})
	}
	assert.Equal(t, etf.Tuple{atom("credit"), ref, int64(32)}, f.Next())
	f.Send(etf.Tuple{atom("close"), ref})
	f.Elements(ref, 1)
	f.Await(ref)
}

func TestOpenersDeathEndsAChannel(t *testing.T) {
	f := streams(t)
	ref := f.Start("counter", options("owner", "ann"), 0)
	f.Send(etf.Tuple{atom("owner_down"), "ann"})
	f.fails(ref, portworker.Cancelled)
}

func TestInputsForNoChannelAreFaults(t *testing.T) {
	f := streams(t)
	f.Send(etf.Tuple{atom("send"), "nobody", int64(1)})
	assert.Contains(t, field(t, f.fault("nobody"), "message"), "no channel with that ref")
	ref := f.Start("forever", nil)
	f.Send(etf.Tuple{atom("send"), ref, int64(1)})
	assert.Contains(t, field(t, f.fault(ref), "message"), "forever is no channel")
}

func TestValueThatNobodyWaitsForIsNotSentPastTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t, portworker.Limits{})
		f.hello(options("window", int64(1)))
		large := string(make([]byte, 1000))
		waits := f.Start("echo", nil, large) // for room: the hello is not acknowledged
		synctest.Wait()
		f.Send(etf.Tuple{atom("cancel"), waits})
		f.fails(waits, portworker.Cancelled)
		f.Send(etf.Tuple{atom("ack"), int64(1 << 20)})
		assert.Equal(t, large, f.Call("echo", large).Value)
	})
}
