package portworkertest_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

// exampleTest stands for the *testing.T that a test has, and an example has not.
type exampleTest struct {
	testing.TB
	cleanups []func()
}

func (t *exampleTest) Helper()          {}
func (t *exampleTest) Failed() bool     { return false }
func (t *exampleTest) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

func (t *exampleTest) end() {
	for _, cleanup := range slices.Backward(t.cleanups) {
		cleanup()
	}
}

func Example() {
	t := new(exampleTest) // in a test, its own t
	defer t.end()
	w := portworker.New(portworker.Config{})
	portworker.Handle(w, "double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })

	c := portworkertest.Connect(t, w)
	fmt.Println(portworkertest.Call[int](c, "double", 21))
	fmt.Println(portworkertest.Call[int](c, "double", "x"))
	// Output:
	// 42 <nil>
	// 0 bad_args: argument 1: expected integer, got binary "x"
}

func ExampleProgress() {
	t := new(exampleTest)
	defer t.end()
	c := portworkertest.Connect(t, worker())

	task := portworkertest.Async[any](c, "report", 1000) // 1 to 1000
	for n := range portworkertest.Progress[int](task) {
		if fmt.Println(n); n == 2 {
			task.Cancel()
			break
		}
	}
	_, err := task.Await()
	fmt.Println(err)
	// Output:
	// 1
	// 2
	// cancelled: cancelled by the client
}

func ExampleOpenStream() {
	t := new(exampleTest)
	defer t.end()
	c := portworkertest.Connect(t, worker())

	for n, err := range portworkertest.OpenStream[int](c, "countdown", 3).All() {
		fmt.Println(n, err)
	}
	// Output:
	// 3 <nil>
	// 2 <nil>
	// 1 <nil>
}

func ExampleOpenChannel() {
	t := new(exampleTest)
	defer t.end()
	c := portworkertest.Connect(t, worker())

	ch := portworkertest.OpenChannel[int, int](c, "total")
	ch.Send(1, 2)
	fmt.Println(ch.Next())
	ch.Close()
	fmt.Println(ch.Collect())
	// Output:
	// 1 <nil>
	// [3] <nil>
}

func ExampleClient_Callback() {
	t := new(exampleTest)
	defer t.end()
	w := portworker.New(portworker.Config{})
	portworker.Handle(w, "cents", func(ctx context.Context, euros float64) (int, error) {
		rate, err := portworker.Call[float64](ctx, "rate", "EUR")
		return int(100 * rate * euros), err
	})

	c := portworkertest.Connect(t, w)
	c.Callback("rate", func(currency string) (float64, error) { return 1.5, nil })
	fmt.Println(portworkertest.Call[int](c, "cents", 2.0))
	// Output:
	// 300 <nil>
}

func ExampleReceive() {
	t := new(exampleTest)
	defer t.end()
	w := portworker.New(portworker.Config{})
	portworker.Handle(w, "greet", func(ctx context.Context, whom etf.Pid) (any, error) {
		return nil, portworker.Notify(ctx, whom, "hello")
	})

	c := portworkertest.Connect(t, w)
	_, _ = portworkertest.Call[any](c, "greet", portworkertest.Pid(1))
	fmt.Println(portworkertest.Receive[string](c, portworkertest.Pid(1)))
	// Output:
	// hello
}

func ExampleClient_Context() {
	t := new(exampleTest)
	defer t.end()
	ctx, task := portworkertest.Connect(t, nil).Context()

	half := func(ctx context.Context, n int) int {
		_ = portworker.Progress(ctx, "halving")
		return n / 2
	}
	fmt.Println(half(ctx, 84), slices.Collect(portworkertest.Progress[string](task)))
	// Output:
	// 42 [halving]
}
