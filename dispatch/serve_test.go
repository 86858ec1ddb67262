package dispatch_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/etf"
)

func TestEndOfInputCancelsWhatRuns(t *testing.T) {
	f := serve(t, portworker.Limits{})
	ref := f.waiting("wait", nil)
	f.CloseInput()
	err := f.fails(ref, portworker.Cancelled)
	assert.Contains(t, err.Message, "closed the connection")
	assert.NoError(t, f.Close())
}

func TestEndOfInputDoesNotWaitForAStubbornHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t, portworker.Limits{DrainTimeout: time.Second, CancelGrace: time.Minute})
		defer f.letGo()
		ref := f.waiting("stubborn", nil)
		begun := time.Now()
		f.CloseInput()
		f.fails(ref, portworker.Draining)
		assert.NoError(t, f.Close())
		assert.LessOrEqual(t, time.Since(begun), time.Second)
	})
}

func TestAValueThatIsReadyAtTheEndOfInputIsStillSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t, portworker.Limits{})
		ref := f.waiting("stubborn", nil)
		f.CloseInput()
		synctest.Wait()
		f.letGo()
		assert.Equal(t, "x", f.Await(ref).Value)
	})
}

func TestEndOfInputInsideAPacket(t *testing.T) {
	input, send := io.Pipe()
	w := portworker.New(portworker.Config{})
	ended := make(chan error)
	go func() { ended <- w.Serve(context.Background(), input, io.Discard) }()
	_, err := send.Write([]byte{0, 0, 0, 9, 131})
	require.NoError(t, err)
	_ = send.Close()
	assert.ErrorIs(t, <-ended, io.ErrUnexpectedEOF)
}

func TestDrainFinishesWhatRunsAndRefusesWhatComes(t *testing.T) {
	for name, drain := range map[string]func(*fixture){
		"asked for by the client":  func(f *fixture) { f.Send(etf.Tuple{atom("drain")}) },
		"asked for by the context": func(f *fixture) { f.Drain() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := serve(t, portworker.Limits{})
				running := f.waiting("stubborn", nil)
				drain(f)
				synctest.Wait()
				f.fails(f.Start("echo", nil, "x"), portworker.Draining)
				f.letGo()
				assert.Equal(t, "x", f.Await(running).Value)
				_, err := f.Read()
				assert.Equal(t, io.EOF, err, "the worker has gone by itself")
			})
		})
	}
}

func TestEndOfInputAfterADrainLetsTasksFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t, portworker.Limits{})
		ref := f.waiting("wait", options("timeout", int64(1000)))
		f.Send(etf.Tuple{atom("drain")})
		f.CloseInput()
		f.fails(ref, portworker.Timeout)
	})
}

func TestDrainDeadlineEndsWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t, portworker.Limits{DrainTimeout: time.Second})
		ref := f.waiting("wait", nil)
		f.Send(etf.Tuple{atom("drain")})
		begun := time.Now()
		f.fails(ref, portworker.Draining)
		assert.Equal(t, 900*time.Millisecond, time.Since(begun))
	})
}

// deaf is an output whose reader has gone.
type deaf struct{}

func (deaf) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestBrokenOutputStopsQuietly(t *testing.T) {
	input, send := io.Pipe()
	defer send.Close()
	w := portworker.New(portworker.Config{})
	ended := make(chan error)
	go func() { ended <- w.Serve(context.Background(), input, deaf{}) }()
	_, err := send.Write([]byte{0, 0, 0, 1, 0})
	require.NoError(t, err)
	assert.NoError(t, <-ended)
}

func TestClientThatDoesNotReadHoldsUpNoControlMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t, portworker.Limits{})
		for i := range 1000 {
			f.Send(etf.Tuple{atom("call"), int64(i), "echo", []any{string(make([]byte, 10_000))}})
		}
		ref := f.waiting("wait", nil)
		f.Send(etf.Tuple{atom("cancel"), ref}, etf.Tuple{atom("ping"), "all sent"})
		results, pong := 0, false
		for results < 1001 || !pong {
			if message := f.Next(); message[0] == atom("pong") {
				pong = true
			} else {
				require.Equal(t, atom("result"), message[0])
				results++
			}
		}
	})
}
