package portworkertest

import (
	"context"
	"fmt"
	"iter"
	"time"

	"portworker"
	"portworker/etf"
)

// task is a call, a stream or a channel.
type task struct {
	session *session
	ref     int64
	name    string
	timeout time.Duration
	ctx     context.Context // of callbacks that run for it
	stop    context.CancelFunc

	// The rest is guarded by the session's lock.
	reports []etf.Raw
	items   []item
	credit  int // elements that were asked for and have not come
	room    int // inputs that may be sent
	ended   bool
	value   etf.Raw
	failure *portworker.Error
	lent    context.Context // of the handler, where a test has it
}

// start makes a call to a function of that kind.
func (c *Client) start(kind, name string, args []any) *task {
	s := c.session
	s.t.Helper()
	if known, ok := s.kinds[name]; ok && known != kind {
		s.t.Fatalf("portworkertest: %q is a %s, which %s: expected a %s", name, known, opener[known], kind)
	}
	list := make([]etf.Raw, len(args))
	for i, arg := range args {
		term, err := etf.Append(nil, arg)
		if err != nil {
			s.t.Fatalf("portworkertest: call %s: argument %d: %v", name, i+1, err)
		}
		list[i] = term
	}
	t := &task{session: s, name: name, timeout: c.options.Timeout, credit: c.options.credit(kind), room: channelCredit}
	t.ctx, t.stop = context.WithCancel(context.Background())
	s.mu.Lock()
	s.refs++
	t.ref = s.refs
	s.tasks[t.ref] = t
	s.mu.Unlock()
	if err := s.send(etf.Tuple{etf.Atom("call"), t.ref, name, list, c.options.term(kind)}); err != nil {
		s.update(func() { delete(s.tasks, t.ref) })
		t.stop()
		s.t.Fatalf("portworkertest: call %s: %v", name, err)
	}
	return t
}

// opener says what calls a function of each kind.
var opener = map[string]string{
	kindFunction: "Call and Async call",
	kindStream:   "OpenStream opens",
	kindChannel:  "OpenChannel opens",
}

// take acts on a message with the task's ref; the session's lock is held.
func (t *task) take(tag string, term etf.Raw) {
	if t.ended {
		return // a fault for an input that came too late
	}
	switch tag {
	case "progress":
		t.reports = append(t.reports, term)
	case "data":
		elements, err := etf.SplitList(term, nil)
		if err != nil {
			t.session.lost = fmt.Errorf("data %v: expected a list", term)
		}
		t.credit -= len(elements)
		for _, element := range elements {
			t.items = append(t.items, item{value: element})
		}
	case "credit":
		n, _, _ := etf.ReadInt(term)
		t.room += int(n)
	case "fault":
		t.items = append(t.items, item{fault: readError(term)})
	case "result":
		t.value, t.failure = readOutcome(term)
		t.ended = true
		t.stop()
	}
}

func readOutcome(term etf.Raw) (etf.Raw, *portworker.Error) {
	_, header, _ := etf.ReadTuple(term)
	status, n, _ := etf.ReadAtom(term[header:])
	if value := term[header+n:]; status != "ok" {
		return nil, readError(value)
	} else {
		return value, nil
	}
}

// readError reads an error as the wire has it.
func readError(term etf.Raw) *portworker.Error {
	var fields etf.Map
	if err := etf.Decode(term, &fields); err != nil {
		return &portworker.Error{Reason: portworker.Failed, Message: fmt.Sprintf("%v: expected an error map", term)}
	}
	return errorOf(fields)
}

func (t *task) String() string { return fmt.Sprintf("%s (call %d)", t.name, t.ref) }

// await waits for something of the task's.
func (t *task) await(what string, ready func() bool) {
	t.session.t.Helper()
	t.session.await(fmt.Sprintf("%s of %v", what, t), t.timeout+patience(), ready)
}

// cancel tells the task to stop, and waits until it has ended.
func (t *task) cancel() Receipt {
	t.session.t.Helper()
	t.session.mustSend(etf.Tuple{etf.Atom("cancel"), t.ref})
	t.await("the end", func() bool { return t.ended })
	return receiptOf(t.failure)
}

// Receipt says what became of a handler whose task was cancelled.
type Receipt struct {
	// StillRunning is true for a handler that did not return within the worker's cancel_grace.
	StillRunning bool
	// Stack is where it was then.
	Stack string
}

func receiptOf(e *portworker.Error) (r Receipt) {
	if e == nil || e.Reason != portworker.Cancelled {
		return r
	}
	details, _ := e.Details.(etf.Map)
	running, _ := details.Get(etf.Atom("still_running"))
	stack, _ := details.Get(etf.Atom("stack"))
	r.StillRunning, _ = running.(bool)
	r.Stack, _ = stack.(string)
	return r
}

// Reporter is a [Task], [Stream] or [Channel].
type Reporter interface{ reporter() *task }

// Progress yields what the handler reports with portworker.Progress, as it comes, until the task has ended. Each
// report is yielded once: a loop that was left goes on in the next one where it was. For the task of
// [Client.Context] it ends with what has been reported before.
func Progress[T any](of Reporter) iter.Seq[T] {
	t := of.reporter()
	return func(yield func(T) bool) {
		t.session.t.Helper()
		lent := t.lent != nil
		if lent {
			t.session.barrier()
		}
		for {
			var report etf.Raw
			t.await("progress", func() bool {
				if len(t.reports) > 0 {
					report, t.reports = t.reports[0], t.reports[1:]
				}
				return report != nil || t.ended || lent
			})
			if report == nil || !yield(decode[T](t.session, report, fmt.Sprintf("progress of %v", t))) {
				return
			}
		}
	}
}
