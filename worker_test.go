package portworker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestHandlerErrors(t *testing.T) {
	quota := &portworker.Error{Reason: portworker.Overloaded, Message: "quota is used up", Details: map[string]int{"left": 0}}
	w := portworker.New(portworker.Config{})
	fail := func(name string, err error) {
		portworker.Handle0(w, name, func(context.Context) (int, error) { return 0, err })
	}
	fail("plain", errors.New("disk full"))
	fail("own", quota)
	fail("wrapped", fmt.Errorf("save: %w", quota))
	fail("no reason", &portworker.Error{Message: "just so"})
	fail("own reason", &portworker.Error{Reason: "quota", Message: "none is left"})
	fail("odd details", &portworker.Error{Reason: portworker.Failed, Message: "m", Details: make(chan int)})
	portworker.Handle0(w, "bad value", func(context.Context) (any, error) { return etf.Map{{Key: 1, Value: 1}, {Key: 1, Value: 2}}, nil })
	peer := portworkertest.Start(t, w)

	cases := map[string]struct {
		reason  portworker.Reason
		message string
		details any
	}{
		"plain":       {portworker.Failed, "disk full", nil},
		"own":         {portworker.Overloaded, "quota is used up", etf.Map{{Key: "left", Value: int64(0)}}},
		"wrapped":     {portworker.Overloaded, "save: overloaded: quota is used up", etf.Map{{Key: "left", Value: int64(0)}}},
		"no reason":   {portworker.Failed, "just so", nil},
		"own reason":  {portworker.Failed, "quota: none is left", nil},
		"odd details": {portworker.Failed, "its details could not be encoded", nil},
		"bad value":   {portworker.Failed, "encode result: ", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := peer.Call(name).Err
			if assert.NotNil(t, err) {
				assert.Equal(t, c.reason, err.Reason)
				assert.Contains(t, err.Message, c.message)
				assert.Equal(t, c.details, err.Details)
			}
		})
	}
}

func TestEveryFailureIsCountedUnderAReason(t *testing.T) {
	w := portworker.New(portworker.Config{})
	portworker.Handle(w, "fail", func(_ context.Context, reason string) (any, error) {
		return nil, &portworker.Error{Reason: portworker.Reason(reason), Message: "m"}
	})
	peer := portworkertest.Start(t, w)
	for _, reason := range []string{"", "quota", "overloaded"} {
		assert.NotNil(t, peer.Call("fail", reason).Err)
	}
	var stats struct {
		OK     int
		Errors map[string]int
	}
	peer.Value(&stats, "$stats")
	assert.Equal(t, map[string]int{"failed": 2, "overloaded": 1}, stats.Errors)
	assert.Zero(t, stats.OK)
}

func TestErrorsAreToldApartByReason(t *testing.T) {
	err := fmt.Errorf("call: %w", &portworker.Error{Reason: portworker.Timeout, Message: "not done after 1s"})
	assert.ErrorIs(t, err, &portworker.Error{Reason: portworker.Timeout})
	assert.NotErrorIs(t, err, &portworker.Error{Reason: portworker.Cancelled})
}

func TestProgressNeedsATask(t *testing.T) {
	assert.ErrorContains(t, portworker.Progress(context.Background(), 1), "belongs to no task")
}

func TestProgressReachesThroughDerivedContexts(t *testing.T) {
	w := portworker.New(portworker.Config{})
	portworker.Handle0(w, "derived", func(ctx context.Context) (string, error) {
		type key struct{}
		ctx, cancel := context.WithCancel(context.WithValue(ctx, key{}, "value"))
		defer cancel()
		return "done", portworker.Progress(ctx, "half")
	})
	result := portworkertest.Start(t, w).Call("derived")
	assert.Equal(t, []any{"half"}, result.Progress)
	assert.Equal(t, "done", result.Value)
}

func TestProgressThatHasNoForm(t *testing.T) {
	w := portworker.New(portworker.Config{})
	portworker.Handle0(w, "odd", func(ctx context.Context) (any, error) { return nil, portworker.Progress(ctx, func() {}) })
	err := portworkertest.Start(t, w).Call("odd").Err
	if assert.NotNil(t, err) {
		assert.Contains(t, err.Message, "encode progress")
	}
}

func TestCauseTellsWhyATaskWasStopped(t *testing.T) {
	causes := make(chan error, 1)
	started := make(chan struct{})
	w := portworker.New(portworker.Config{})
	portworker.Handle0(w, "wait", func(ctx context.Context) (any, error) {
		close(started)
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return nil, ctx.Err()
	})
	peer := portworkertest.Start(t, w)
	ref := peer.Start("wait", nil)
	<-started
	peer.Send(etf.Tuple{etf.Atom("cancel"), ref})
	assert.Equal(t, portworker.Cancelled, peer.Await(ref).Err.Reason)
	assert.ErrorIs(t, <-causes, &portworker.Error{Reason: portworker.Cancelled})
}

// A worker has functions; a peer, or a BEAM, calls them.
func Example() {
	w := portworker.New(portworker.Config{Name: "shouter"})
	portworker.Handle(w, "upcase", func(_ context.Context, s string) (string, error) {
		return strings.ToUpper(s), nil
	}, portworker.Doc("Returns a text in upper case."))

	var t testing.T
	peer := portworkertest.Start(&t, w)
	fmt.Println(peer.Call("upcase", "hello").Value)
	fmt.Println(peer.Call("upcase", 5).Err)
	_ = peer.Close()
	// Output:
	// HELLO
	// bad_args: argument 1: expected binary, got integer 5
}
