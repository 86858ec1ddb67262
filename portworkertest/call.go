package portworkertest

import "fmt"

// Call calls a function and returns how it ended: its value, or the *portworker.Error that the client gets.
// Arguments and the value pass through the same codec as on a real wire; an argument whose type is an interface of
// etf.RegisterUnion is given as a pointer to that interface, so that its tag is known.
func Call[Out any](c *Client, name string, args ...any) (Out, error) {
	c.session.t.Helper()
	return Async[Out](c, name, args...).Await()
}

// Task is a call that was made with [Async].
type Task[Out any] struct{ task *task }

// Async makes a call, and does not wait for its end. One whose end nobody waits for is a cast; when the
// test ends it is cancelled.
func Async[Out any](c *Client, name string, args ...any) *Task[Out] {
	c.session.t.Helper()
	return &Task[Out]{c.start(kindFunction, name, args)}
}

// Await waits for the end, and returns what [Call] does. It may be called again.
func (t *Task[Out]) Await() (out Out, err error) {
	t.task.session.t.Helper()
	t.task.await("the end", func() bool { return t.task.ended })
	if t.task.failure != nil {
		return out, t.task.failure
	}
	return decode[Out](t.task.session, t.task.value, fmt.Sprintf("the value of %v", t.task)), nil
}

// Cancel tells the task to stop, as the client does, and waits until it has ended. The receipt is empty where
// it had ended before.
func (t *Task[Out]) Cancel() Receipt {
	t.task.session.t.Helper()
	return t.task.cancel()
}

func (t *Task[Out]) reporter() *task { return t.task }
