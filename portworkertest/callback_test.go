package portworkertest_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/portworkertest"
)

func TestCallbacks(t *testing.T) {
	c := portworkertest.Connect(t, worker())
	var seen map[string]string
	c.Callback("nothing", func() {})
	c.Callback("value", func(a, b int) int { return a + b })
	c.Callback("context", func(ctx context.Context, text string) (string, error) {
		seen = portworker.Meta(ctx)
		return "<" + text + ">", ctx.Err()
	})
	c.Callback("shape", func(s shape) shape { return square{Side: s.(circle).Radius} })
	c.Callback("fine", func() error { return nil })
	c.Callback("failed", func() (int, error) { return 0, errors.New("no price") })
	c.Callback("thrown", func() error { return &portworker.CallbackError{Kind: "throw", Message: "ball", Stack: "at"} })
	c.Callback("ended", func() { runtime.Goexit() })
	c.Callback("odd", func() any { return func() {} })

	cases := map[string]struct {
		name  string
		args  []any
		value any
		err   string
	}{
		"nothing":       {"nothing", nil, nil, ""},
		"a value":       {"value", []any{1, 2}, int64(3), ""},
		"a context":     {"context", []any{"x"}, "<x>", ""},
		"no error":      {"fine", nil, nil, ""},
		"an error":      {"failed", nil, nil, `callback "failed": error: no price`},
		"a throw":       {"thrown", nil, nil, `callback "thrown": throw: ball`},
		"Goexit":        {"ended", nil, nil, "ended its goroutine"},
		"no term":       {"odd", nil, nil, "error: the value of the test's function: func() has no form"},
		"not there":     {"none", nil, nil, "unknown_function"},
		"too many":      {"value", []any{1, 2, 3}, nil, "takes 2 arguments, got 3: [1, 2, 3]"},
		"of a bad type": {"value", []any{1, "two"}, nil, "argument 2: "},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := portworkertest.Call[any](c, "ask", tc.name, tc.args)
			if tc.err == "" {
				require.NoError(t, err)
				assert.Equal(t, tc.value, got)
				return
			}
			assert.ErrorContains(t, err, tc.err)
		})
	}
	assert.Equal(t, map[string]string{"asked": "context"}, seen)

	given := shape(circle{Radius: 3})
	got, err := portworkertest.Call[shape](c, "ask", "shape", []any{&given})
	require.NoError(t, err)
	assert.Equal(t, shape(square{Side: 3}), got)

	c.Callback("value", func() string { return "another" })
	again, err := portworkertest.Call[string](c, "ask", "value", []any{})
	require.NoError(t, err)
	assert.Equal(t, "another", again)
}

func TestACallbackEndsWithTheTask(t *testing.T) {
	c := portworkertest.Connect(t, worker())
	asked, ended := make(chan struct{}), make(chan struct{})
	c.Callback("block", func(ctx context.Context) {
		close(asked)
		<-ctx.Done()
		close(ended)
	})
	task := portworkertest.Async[any](c, "ask", "block", []any{})
	<-asked
	task.Cancel()
	<-ended
}
