package portworkertest

import (
	"context"

	"portworker"
)

// contextFunction is the function whose contexts are lent to tests.
const contextFunction = "portworkertest.context"

// contextWorker is a worker with that function alone.
func (s *session) contextWorker() *portworker.Worker {
	w := portworker.New(portworker.Config{Name: "portworkertest"})
	portworker.Handle(w, contextFunction, func(ctx context.Context, ref int64) (any, error) {
		s.update(func() { s.tasks[ref].lent = ctx })
		<-ctx.Done()
		return nil, context.Cause(ctx)
	})
	return w
}

// Context returns the context of a task of its own, for code that is called directly, without a handler that is
// registered. portworker.Progress, Call, Notify, Meta and Yield work with it, and the [Options] of c hold. The task has
// what is reported. The context is done at its deadline, when the task is cancelled, and at the end of the test.
//
// It is for a client that was made with Connect(t, nil).
func (c *Client) Context() (context.Context, *Task[any]) {
	s := c.session
	s.t.Helper()
	if s.kinds[contextFunction] == "" {
		s.t.Fatalf("portworkertest: Context: the worker has functions of its own: expected a client of Connect(t, nil)")
	}
	s.mu.Lock()
	ref := s.refs + 1
	s.mu.Unlock()
	t := c.start(kindFunction, contextFunction, []any{ref})
	t.await("the context", func() bool { return t.lent != nil || t.ended })
	if t.lent == nil {
		s.t.Fatalf("portworkertest: Context: %v", t.failure)
	}
	return t.lent, &Task[any]{t}
}
