package portworkertest

import "portworker/etf"

// Channel is a channel that was opened with [OpenChannel].
type Channel[In, Out any] struct{ task *task }

// OpenChannel opens a channel. Its handler may send 64 outputs before the test asks for any, unless
// [Options] say otherwise.
func OpenChannel[In, Out any](c *Client, name string, args ...any) *Channel[In, Out] {
	c.session.t.Helper()
	return &Channel[In, Out]{c.start(kindChannel, name, args)}
}

// Send sends inputs, and waits while 64 of them wait for the handler, as the Elixir client does. It fails
// the test when the channel has ended. An input that the handler's type does not
// fit shows in [Channel.Next].
func (ch *Channel[In, Out]) Send(inputs ...In) {
	t := ch.task
	t.session.t.Helper()
	for i := range inputs {
		ended := false
		t.await("room for an input", func() bool {
			if ended = t.ended; !ended && t.room > 0 {
				t.room--
				return true
			}
			return ended
		})
		if ended {
			t.session.t.Fatalf("portworkertest: send %v: %v has ended: %v", inputs[i], t, t.outcome())
		}
		t.session.mustSend(etf.Tuple{etf.Atom("send"), t.ref, &inputs[i]})
	}
}

// Close says that no more input comes. The channel goes on until its handler returns.
func (ch *Channel[In, Out]) Close() {
	ch.task.session.t.Helper()
	ch.task.session.mustSend(etf.Tuple{etf.Atom("close"), ch.task.ref})
}

// Grant lets the handler send n more outputs, and waits for none.
func (ch *Channel[In, Out]) Grant(n int) {
	ch.task.session.t.Helper()
	ch.task.grant(n)
}

// Next returns the next output, and asks for one where all that was asked for has come. At the end it returns io.EOF, or
// the *portworker.Error that the channel ended with. The error of an input that was not taken is returned in its
// place among the outputs, and the channel goes on.
func (ch *Channel[In, Out]) Next() (Out, error) {
	ch.task.session.t.Helper()
	return next[Out](ch.task)
}

// Collect returns the outputs up to the end, or up to the first error. Close comes before it, unless the
// handler ends by itself.
func (ch *Channel[In, Out]) Collect() ([]Out, error) {
	ch.task.session.t.Helper()
	return collect[Out](ch.task)
}

// Cancel tells the channel to stop, and waits until it has ended. The receipt is empty where it had ended
// before.
func (ch *Channel[In, Out]) Cancel() Receipt {
	ch.task.session.t.Helper()
	return ch.task.cancel()
}

func (ch *Channel[In, Out]) reporter() *task { return ch.task }

// outcome says how a task has ended.
func (t *task) outcome() string {
	if t.failure != nil {
		return t.failure.Error()
	}
	return "ok"
}
