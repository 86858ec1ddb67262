package portworkertest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/portworkertest"
)

func TestMisuseFailsTheTestWhereItIs(t *testing.T) {
	cases := map[string]struct {
		misuse func(c *portworkertest.Client)
		says   string
	}{
		"a value of another type": {
			func(c *portworkertest.Client) { _, _ = portworkertest.Call[string](c, "double", 2) },
			"the value of double (call 1) is 4: expected string",
		},
		"an argument that is no term": {
			func(c *portworkertest.Client) { _, _ = portworkertest.Call[int](c, "double", make(chan int)) },
			"call double: argument 1: chan int has no form",
		},
		"a stream that is called": {
			func(c *portworkertest.Client) { _, _ = portworkertest.Call[int](c, "countdown", 2) },
			`"countdown" is a stream, which OpenStream opens: expected a function`,
		},
		"a function that is opened": {
			func(c *portworkertest.Client) { portworkertest.OpenChannel[int, int](c, "double", 2) },
			`"double" is a function, which Call and Async call: expected a channel`,
		},
		"an element of another type": {
			func(c *portworkertest.Client) {
				_, _ = portworkertest.OpenStream[bool](c, "countdown", 2).Collect()
			},
			"an element of countdown (call 1) is 2: expected bool",
		},
		"progress of another type": {
			func(c *portworkertest.Client) {
				for range portworkertest.Progress[shape](portworkertest.Async[any](c, "report", 1)) {
					continue
				}
			},
			"progress of report (call 1) is 1: expected portworkertest_test.shape",
		},
		"credit of none": {
			func(c *portworkertest.Client) { portworkertest.OpenStream[int](c, "countdown", 2).Grant(0) },
			"Grant(0): expected more than 0",
		},
		"an input after the end": {
			func(c *portworkertest.Client) {
				ch := portworkertest.OpenChannel[int, int](c, "total")
				ch.Cancel()
				ch.Send(1)
			},
			"send 1: total (call 1) has ended: cancelled: cancelled by the client",
		},
		"options that make no sense": {
			func(c *portworkertest.Client) { c.With(portworkertest.Options{Timeout: -1}) },
			"expected a Timeout >= 0",
		},
		"a context of a worker": {
			func(c *portworkertest.Client) { c.Context() },
			"expected a client of Connect(t, nil)",
		},
		"a callback that is none": {
			func(c *portworkertest.Client) { c.Callback("price", 5) },
			`Callback("price"): expected a function without ..., got int`,
		},
		"a callback that is nil": {
			func(c *portworkertest.Client) { c.Callback("price", nil) },
			`Callback("price"): expected a function without ..., got nil`,
		},
		"a callback with two values": {
			func(c *portworkertest.Client) { c.Callback("price", func() (int, int) { return 1, 2 }) },
			`Callback("price"): expected an error as the second result, got func() (int, int)`,
		},
		"a callback with three values": {
			func(c *portworkertest.Client) { c.Callback("price", func() (a, b int, e error) { return }) },
			`Callback("price"): expected a value, an error, or both`,
		},
		"a message to no term": {
			func(c *portworkertest.Client) { portworkertest.Receive[int](c, make(chan int)) },
			"Receive: chan int has no form",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			went := false
			r := record(t, func(t testing.TB) {
				tc.misuse(portworkertest.Connect(t, worker()))
				went = true
			})
			assert.False(t, went, "the test goes on")
			require.Len(t, r.failures, 1)
			assert.Contains(t, r.failures[0], "failure_test.go: portworkertest: ")
			assert.Contains(t, r.failures[0], tc.says)
		})
	}
}

func TestWhatDoesNotComeIsNotWaitedForForEver(t *testing.T) {
	cases := map[string]struct {
		wait func(c *portworkertest.Client)
		says string
	}{
		"an end": {
			func(c *portworkertest.Client) { _, _ = portworkertest.Call[any](c, "wait") },
			"waited for the end of wait (call 1): it did not come within 24h0m0s",
		},
		"progress": {
			func(c *portworkertest.Client) {
				for range portworkertest.Progress[int](portworkertest.Async[any](c, "report", 1)) {
					continue
				}
			},
			"waited for progress of report (call 1): it did not come",
		},
		"an output": {
			func(c *portworkertest.Client) { _, _ = portworkertest.OpenChannel[int, int](c, "total").Next() },
			"waited for an element, or the end, of total (call 1): it did not come",
		},
		"a message": {
			func(c *portworkertest.Client) { portworkertest.Receive[int](c, "logger") },
			"waited for a message to logger: it did not come",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := record(t, func(t testing.TB) { tc.wait(portworkertest.Connect(t, worker())) })
				require.Len(t, r.failures, 1)
				assert.Contains(t, r.failures[0], "failure_test.go: portworkertest: "+tc.says)
			})
		})
	}
}

func TestAHandlerThatIsLeftRunningIsNamed(t *testing.T) {
	cases := map[string]func(c *portworkertest.Client){
		"after a deadline": func(c *portworkertest.Client) {
			_, _ = portworkertest.Call[any](c.With(portworkertest.Options{Timeout: time.Millisecond}), "stubborn")
		},
		"after a cancel":           func(c *portworkertest.Client) { portworkertest.Async[any](c, "stubborn").Cancel() },
		"when nobody waits for it": func(c *portworkertest.Client) { portworkertest.Async[any](c, "stubborn") },
	}
	for name, start := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				defer close(release)
				w := portworker.New(portworker.Config{})
				portworker.Handle0(w, "stubborn", func(context.Context) (any, error) { <-release; return nil, nil })
				r := record(t, func(t testing.TB) { start(portworkertest.Connect(t, w)) })
				require.Len(t, r.failures, 1)
				assert.Contains(t, r.failures[0], `a handler of "stubborn" is left running`)
				assert.Contains(t, r.failures[0], "TestAHandlerThatIsLeftRunningIsNamed")
			})
		})
	}
}

func TestAHandlerThatIsStillReturningIsNoLeak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := portworker.New(portworker.Config{})
		portworker.Handle0(w, "slow", func(context.Context) (any, error) { time.Sleep(1500 * time.Millisecond); return nil, nil })
		r := record(t, func(t testing.TB) { portworkertest.Async[any](portworkertest.Connect(t, w), "slow") })
		assert.Empty(t, r.failures)
	})
}

func TestACallbackThatIsLeftRunningIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		r := record(t, func(t testing.TB) {
			c := portworkertest.Connect(t, worker())
			c.Callback("block", func() { <-release })
			portworkertest.Async[any](c, "ask", "block", []any{})
			synctest.Wait()
		})
		require.Len(t, r.failures, 1)
		assert.Contains(t, r.failures[0], `the function that answers callback "block" is left running`)
	})
}

func TestACallbackThatPanicsFailsTheTest(t *testing.T) {
	r := record(t, func(t testing.TB) {
		c := portworkertest.Connect(t, worker())
		c.Callback("price", func() { panic("no price") })
		_, err := portworkertest.Call[any](c, "ask", "price", []any{})
		assert.ErrorContains(t, err, "no price")
	})
	require.Len(t, r.failures, 1)
	assert.Contains(t, r.failures[0], `callback "price" panicked: no price`)
	assert.Contains(t, r.failures[0], "TestACallbackThatPanicsFailsTheTest")
}

func TestTheConversationIsLoggedOnFailure(t *testing.T) {
	r := record(t, func(t testing.TB) {
		c := portworkertest.Connect(t, worker())
		_, err := portworkertest.Call[any](c, "fail", strings.Repeat("é", 300))
		assert.NoError(t, err)
	})
	lines := strings.Split(r.log(), "\n")
	require.Len(t, lines, 5)
	assert.Equal(t, "portworkertest: the conversation (-> from the test, <- from the worker)", lines[0])
	assert.Contains(t, lines[1], "-> {hello,#{")
	assert.Contains(t, lines[2], "<- {hello,#{")
	assert.Contains(t, lines[3], "-> {call,1,<<\"fail\"")
	assert.Regexp(t, `\(\d+ bytes\)$`, lines[4])
	assert.Less(t, len(lines[4]), 260)
}

func TestTheLoggedConversationIsBounded(t *testing.T) {
	r := record(t, func(t testing.TB) {
		c := portworkertest.Connect(t, worker())
		for i := range 100 {
			_, _ = portworkertest.Call[int](c, "double", i)
		}
		t.Errorf("the test fails")
	})
	lines := strings.Split(r.log(), "\n")
	require.Len(t, lines, 51)
	assert.Contains(t, lines[0], "without the first 152 messages")
	assert.Contains(t, lines[50], fmt.Sprintf("<- {result,100,{ok,%d}}", 198))
}

func TestNothingIsLoggedOfATestThatPasses(t *testing.T) {
	r := record(t, func(t testing.TB) {
		_, err := portworkertest.Call[int](portworkertest.Connect(t, worker()), "double", 1)
		assert.NoError(t, err)
	})
	assert.Empty(t, r.logs)
	assert.Empty(t, r.failures)
}
