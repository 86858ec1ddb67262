package portworkertest

import (
	"maps"
	"testing"
	"time"

	"portworker"
	"portworker/etf"
)

// Client is a worker's client in the same process, with Go values on both sides: see [Call],
// [Async], [OpenStream] and [OpenChannel]. It reads all the time, so that no handler waits for
// the test, except where a stream or channel waits to be asked.
//
// What goes wrong with the test itself fails it at once: a value of another type than the test
// expects, a function of another kind, a wait of more than 30 s, or, inside a bubble of
// testing/synctest, of more than a day of its clock. When a test fails, for whatever reason, the last
// 50 messages are logged. A Client's functions and methods are for the test's goroutine.
type Client struct {
	session *session
	options Options
}

// Options say how calls are made. The zero value is a plain call.
type Options struct {
	// Timeout is the call's deadline, rounded up to whole milliseconds; 0 is none.
	Timeout time.Duration
	// Meta travels with the call: a handler sees it in portworker.Meta.
	Meta map[string]string
	// Credit is how many elements may be sent before the test asks for any: 0 is the
	// default, none for a stream and 64 for a channel, and -1 is none.
	Credit int
}

// Connect serves w until the test ends. A nil w is a worker without functions, which is enough
// for [Client.Context].
//
// At the end of the test, tasks that have not ended are cancelled. The test fails when a handler runs on a second after its task has
// ended, and names it with its stack; and when the worker does not end. A cancelled task whose handler does not return
// ends after the worker's cancel_grace, 1 s unless set.
func Connect(t testing.TB, w *portworker.Worker) *Client {
	t.Helper()
	s := newSession(t)
	if w == nil {
		w = s.contextWorker()
	}
	s.wire = serve(w)
	go s.receive()
	t.Cleanup(s.finish)
	s.hello(nil)
	s.await("the worker's hello", patience(), func() bool { return s.kinds != nil })
	return &Client{session: s}
}

// With returns a client of the same worker whose calls have these options besides those of c;
// where both have one, o's is used.
func (c *Client) With(o Options) *Client {
	c.session.t.Helper()
	merged := c.options
	if o.Timeout < 0 || o.Credit < -1 {
		c.session.t.Fatalf("portworkertest: options %+v: expected a Timeout >= 0 and a Credit >= -1", o)
	}
	if o.Timeout != 0 {
		merged.Timeout = o.Timeout
	}
	if o.Credit != 0 {
		merged.Credit = o.Credit
	}
	merged.Meta = maps.Clone(c.options.Meta)
	if merged.Meta == nil {
		merged.Meta = make(map[string]string, len(o.Meta))
	}
	maps.Copy(merged.Meta, o.Meta)
	return &Client{session: c.session, options: merged}
}

// term is the options of a call to a function of that kind, as the wire has them.
func (o Options) term(kind string) etf.Map {
	opts := etf.Map{}
	add := func(name string, value any) { opts = append(opts, etf.Pair{Key: etf.Atom(name), Value: value}) }
	if o.Timeout > 0 {
		add("timeout", int64((o.Timeout+time.Millisecond-1)/time.Millisecond))
	}
	if len(o.Meta) > 0 {
		add("meta", o.Meta)
	}
	if kind != kindFunction {
		add("credit", o.credit(kind))
	}
	if kind == kindChannel {
		add("input_credit", true)
	}
	return opts
}

// channelCredit is how many outputs, and how many inputs, a channel has room for from the start.
const channelCredit = 64

func (o Options) credit(kind string) int {
	switch {
	case o.Credit > 0:
		return o.Credit
	case o.Credit == 0 && kind == kindChannel:
		return channelCredit
	}
	return 0
}

// patience is how long a test waits for what does not come. In a bubble of testing/synctest, whose clock
// begins in the year 2000, time costs nothing: it passes when everything is blocked.
func patience() time.Duration {
	if time.Now().Year() < 2020 {
		return 24 * time.Hour
	}
	return 30 * time.Second
}
