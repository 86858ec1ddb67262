package portworker_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

func noop(context.Context) (any, error) { return nil, nil }

func TestRegistrationPanicsWithTheName(t *testing.T) {
	cases := map[string]struct {
		register func(*portworker.Worker)
		message  string
	}{
		"empty name":    {func(w *portworker.Worker) { portworker.Handle0(w, "", noop) }, `function name "": expected 1 to 255 bytes`},
		"reserved name": {func(w *portworker.Worker) { portworker.Handle0(w, "$mine", noop) }, `"$mine": names that begin with $`},
		"not UTF-8":     {func(w *portworker.Worker) { portworker.Handle0(w, "\xff", noop) }, "expected 1 to 255 bytes of UTF-8"},
		"twice": {func(w *portworker.Worker) {
			portworker.Handle0(w, "twin", noop)
			portworker.Handle0(w, "twin", noop)
		}, `"twin" is registered twice`},
		"no handler":   {func(w *portworker.Worker) { portworker.Handle0[any](w, "hollow", nil) }, `"hollow" has no handler`},
		"unknown lane": {func(w *portworker.Worker) { portworker.Handle0(w, "lost", noop, portworker.OnLane("fast")) }, `"lost": unknown lane "fast"`},
		"argument without a form": {func(w *portworker.Worker) {
			portworker.Handle(w, "pipe", func(context.Context, chan int) (any, error) { return nil, nil })
		}, `"pipe"`},
		"result without a form": {func(w *portworker.Worker) {
			portworker.Handle0(w, "late", func(context.Context) (func(), error) { return nil, nil })
		}, `"late"`},
		"duration": {func(w *portworker.Worker) {
			portworker.Handle(w, "wait", func(context.Context, time.Duration) (any, error) { return nil, nil })
		}, `"wait"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			defer func() {
				message, _ := recover().(string)
				assert.Contains(t, message, c.message)
			}()
			c.register(portworker.New(portworker.Config{}))
			t.Error("expected a panic")
		})
	}
}

type point struct{ X, Y int }

func arities(t *testing.T) *portworkertest.Peer {
	w := portworker.New(portworker.Config{})
	portworker.Handle0(w, "zero", func(context.Context) (string, error) { return "none", nil })
	portworker.Handle(w, "one", func(_ context.Context, p point) (point, error) { return point{p.Y, p.X}, nil })
	portworker.Handle2(w, "two", func(_ context.Context, a int, b *int) (int, error) {
		if b == nil {
			return a, nil
		}
		return a + *b, nil
	})
	portworker.Handle3(w, "three", func(_ context.Context, a []string, b map[string]int, c etf.Atom) ([]any, error) {
		return []any{a, b, c}, nil
	})
	return portworkertest.Start(t, w)
}

func TestArguments(t *testing.T) {
	peer := arities(t)
	t.Run("none", func(t *testing.T) {
		assert.Equal(t, "none", peer.Call("zero").Value)
	})
	t.Run("a struct is a map of atoms", func(t *testing.T) {
		var got point
		peer.Value(&got, "one", etf.Map{{Key: "x", Value: 1}, {Key: etf.Atom("y"), Value: 2}})
		assert.Equal(t, point{2, 1}, got)
	})
	t.Run("a pointer at the end may be left out", func(t *testing.T) {
		assert.Equal(t, int64(5), peer.Call("two", 5).Value)
		assert.Equal(t, int64(5), peer.Call("two", 5, nil).Value)
		assert.Equal(t, int64(7), peer.Call("two", 5, 2).Value)
	})
	t.Run("small numbers come as a string of bytes", func(t *testing.T) {
		peer.Send(etf.Tuple{etf.Atom("call"), "r", "two", etf.Raw{107, 0, 2, 40, 2}})
		assert.Equal(t, int64(42), peer.Await("r").Value)
	})
	t.Run("three", func(t *testing.T) {
		value := peer.Call("three", []any{"a"}, etf.Map{{Key: "k", Value: 1}}, etf.Atom("b")).Value
		assert.Equal(t, []any{[]any{"a"}, etf.Map{{Key: "k", Value: int64(1)}}, etf.Atom("b")}, value)
	})
}

func TestWrongArgumentsSayWhatWasExpected(t *testing.T) {
	peer := arities(t)
	cases := map[string]struct {
		result  portworkertest.Result
		message string
	}{
		"one for none":     {peer.Call("zero", 1), "expected 0 arguments, got 1"},
		"none for one":     {peer.Call("one"), "expected 1 argument (%{x: integer, y: integer}), got 0"},
		"none for some":    {peer.Call("two"), "expected 1 to 2 arguments (integer, integer | nil), got 0"},
		"wrong second":     {peer.Call("two", 1, "x"), `argument 2: expected integer or nil, got binary "x"`},
		"inside a struct":  {peer.Call("one", etf.Map{{Key: "x", Value: "1"}, {Key: "y", Value: 2}}), "argument 1: .x: expected integer"},
		"a missing field":  {peer.Call("one", etf.Map{{Key: "x", Value: 1}}), "y"},
		"atom for a slice": {peer.Call("three", etf.Atom("a"), etf.Map{}, etf.Atom("b")), "argument 1: expected list"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if assert.NotNil(t, c.result.Err) {
				assert.Equal(t, portworker.BadArgs, c.result.Err.Reason)
				assert.Contains(t, c.result.Err.Message, c.message)
			}
		})
	}
}
