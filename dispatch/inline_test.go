package dispatch

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
	"portworker/protocol"
)

// wire is a client of a connection in the same package.
type wire struct {
	t    *testing.T
	conn *Conn
	in   *io.PipeWriter
	got  chan etf.Tuple
	opts []any // of the call that begins
}

// serveInline serves one function, act.
func serveInline(t *testing.T, act func(ctx context.Context, task *Task) (any, error)) *wire {
	var registry Registry
	registry.Add(Function{Name: "act", Run: act})
	in, send := io.Pipe()
	recv, out := io.Pipe()
	w := &wire{t: t, conn: NewConn(in, out, Options{Registry: &registry}), in: send, got: make(chan etf.Tuple, 100)}
	served := make(chan error, 1)
	go func() {
		served <- w.conn.Serve(t.Context())
		_ = out.Close()
	}()
	go w.receive(recv)
	t.Cleanup(func() {
		_ = send.Close()
		require.NoError(t, <-served)
	})
	return w
}

func (w *wire) receive(recv io.Reader) {
	defer close(w.got)
	packets := protocol.NewPacketReader(recv, 0)
	for {
		packet, err := packets.Next()
		if err != nil {
			return
		}
		var term any
		if !assert.NoError(w.t, etf.Unmarshal(packet, &term)) {
			return
		}
		batch, ok := term.([]any)
		if !ok {
			batch = []any{term}
		}
		for _, m := range batch {
			w.got <- m.(etf.Tuple)
		}
	}
}

func (w *wire) send(messages ...any) { w.sendAlone(messages) }

// sendAlone sends a message, or a batch of some, as a packet.
func (w *wire) sendAlone(message any) {
	packet, err := etf.Marshal(message)
	require.NoError(w.t, err)
	_, err = w.in.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(packet))), packet...))
	require.NoError(w.t, err)
}

func (w *wire) next() etf.Tuple {
	m, ok := <-w.got
	require.True(w.t, ok, "the connection ended")
	return m
}

func callAct(ref int, opts ...any) etf.Tuple {
	return append(etf.Tuple{etf.Atom("call"), ref, "act", []any{}}, opts...)
}

func ping(v any) etf.Tuple { return etf.Tuple{etf.Atom("ping"), v} }

// quick is the pace of a function whose next run is inline.
var quick = pace{outside: estimate{seen: lessons}}

// begin calls act, whose first run is inline, with other messages behind it, and waits until
// it has begun.
func (w *wire) begin(begun <-chan struct{}, with ...any) {
	w.conn.update(func(s *inflight) { s.of(w.conn.options.Registry.find("act")).pace = quick })
	w.send(append([]any{callAct(1, w.opts...)}, with...)...)
	<-begun
}

func result(ref int, value any) etf.Tuple {
	return etf.Tuple{etf.Atom("result"), int64(ref), etf.Tuple{etf.Atom("ok"), value}}
}

// failure returns the reason of a result that is an error.
func failure(t *testing.T, m etf.Tuple, ref int) any {
	require.Len(t, m, 3)
	assert.Equal(t, int64(ref), m[1])
	outcome := m[2].(etf.Tuple)
	require.Equal(t, etf.Atom("error"), outcome[0])
	reason, _ := outcome[1].(etf.Map).Get(etf.Atom("reason"))
	return reason
}

// inlineNow reports whether the reader runs the task.
func inlineNow(task *Task) (inline bool) {
	task.conn.update(func(s *inflight) { inline = s.inline == task })
	return inline
}

// actInline makes a handler that does something, once, when the reader runs it.
func actInline(begun chan struct{}, do func(ctx context.Context, task *Task) (any, error)) func(context.Context, *Task) (any, error) {
	acted := false
	return func(ctx context.Context, task *Task) (any, error) {
		if acted || !inlineNow(task) {
			return "learned", nil
		}
		acted = true
		close(begun)
		return do(ctx, task)
	}
}

func TestRunsWithLargeArgumentsAreJudgedApart(t *testing.T) {
	for name, known := range map[string]func(*functionCounts) *pace{
		"small": func(n *functionCounts) *pace { return &n.pace },
		"large": func(n *functionCounts) *pace { return &n.largePace },
	} {
		t.Run(name+" are known to be quick", func(t *testing.T) {
			w := serveInline(t, func(_ context.Context, task *Task) (any, error) { return inlineNow(task), nil })
			w.conn.update(func(s *inflight) { *known(s.of(w.conn.options.Registry.find("act"))) = quick })
			for ref, args := range map[int][]any{1: {}, 2: {make([]byte, largeArgs+1)}} {
				w.send(etf.Tuple{etf.Atom("call"), ref, "act", args})
				assert.Equal(t, result(ref, (name == "large") == (len(args) > 0)), w.next())
			}
		})
	}
}

func TestAHandlerThatBlocksTheReaderLosesIt(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	w := serveInline(t, actInline(begun, func(context.Context, *Task) (any, error) {
		<-goOn
		return "went on", nil
	}))
	w.begin(begun)
	w.send(ping(1), callAct(1000), ping(2))
	var others []etf.Tuple
	for range 3 {
		others = append(others, w.next())
	}
	assert.ElementsMatch(t, []etf.Tuple{{etf.Atom("pong"), int64(1)}, result(1000, "learned"), {etf.Atom("pong"), int64(2)}}, others)
	w.send(callAct(1))
	assert.Equal(t, etf.Atom("fault"), w.next()[0], "its ref is live")
	close(goOn)
	assert.Equal(t, result(1, "went on"), w.next())
}

// The reader took its handler's labels after the lock with which the role is taken from it: the race detector saw the
// next reader change them at the same time.
func TestTheRoleIsTakenFromAHandlerThatHasNeverHeldTheLock(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	var later atomic.Bool
	w := serveInline(t, func(context.Context, *Task) (any, error) {
		if !later.Swap(true) {
			close(begun)
			<-goOn
		}
		return nil, nil
	})
	w.begin(begun)
	w.send(ping(1))
	assert.Equal(t, etf.Tuple{etf.Atom("pong"), int64(1)}, w.next())
	close(goOn)
	assert.Equal(t, etf.Atom("result"), w.next()[0])
}

func TestTheRestOfAPacketIsReadByTheNextReaderInOrder(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	defer close(goOn)
	w := serveInline(t, actInline(begun, func(context.Context, *Task) (any, error) {
		<-goOn
		return nil, nil
	}))
	var batch []any
	for i := range 50 {
		batch = append(batch, ping(i))
	}
	w.begin(begun, batch...)
	for i := range 50 {
		assert.Equal(t, etf.Tuple{etf.Atom("pong"), int64(i)}, w.next())
	}
}

func TestAnInlineHandlerEndsLikeAnyOther(t *testing.T) {
	cases := map[string]struct {
		do     func(context.Context, *Task) (any, error)
		reason protocol.Reason
	}{
		"panic":  {func(context.Context, *Task) (any, error) { panic("no") }, protocol.Panic},
		"goexit": {func(context.Context, *Task) (any, error) { runtime.Goexit(); return nil, nil }, protocol.Failed},
		"error":  {func(context.Context, *Task) (any, error) { return nil, errors.New("no") }, protocol.Failed},
		"no term": {func(context.Context, *Task) (any, error) { return make(chan int), nil },
			protocol.Failed},
		"continues": {func(context.Context, *Task) (any, error) { return nil, &Continuation{Name: "nothing there"} }, protocol.UnknownFunction},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			begun := make(chan struct{})
			w := serveInline(t, actInline(begun, c.do))
			w.begin(begun, ping("after"))
			seen := map[any]etf.Tuple{}
			for len(seen) < 2 {
				m := w.next()
				seen[m[0]] = m
			}
			assert.Equal(t, etf.Atom(c.reason), failure(t, seen[etf.Atom("result")], 1))
			w.send(callAct(2000))
			assert.Equal(t, result(2000, "learned"), w.next(), "reading goes on")
		})
	}
}

func TestAnInlineHandlerIsCancelled(t *testing.T) {
	begun := make(chan struct{})
	w := serveInline(t, actInline(begun, func(ctx context.Context, _ *Task) (any, error) {
		derived, cancel := context.WithCancel(ctx)
		defer cancel()
		<-derived.Done()
		return nil, context.Cause(derived)
	}))
	w.begin(begun)
	w.send(etf.Tuple{etf.Atom("cancel"), 1})
	assert.Equal(t, etf.Atom(protocol.Cancelled), failure(t, w.next(), 1))
}

func TestAnInlineHandlerMeetsItsDeadline(t *testing.T) {
	begun := make(chan struct{})
	w := serveInline(t, actInline(begun, func(ctx context.Context, _ *Task) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}))
	w.opts = []any{etf.Map{{Key: etf.Atom("timeout"), Value: 20}}}
	w.begin(begun)
	assert.Equal(t, etf.Atom(protocol.Timeout), failure(t, w.next(), 1))
}

func TestAnInlineHandlerAsksTheClient(t *testing.T) {
	begun := make(chan struct{})
	w := serveInline(t, actInline(begun, func(ctx context.Context, task *Task) (any, error) {
		if err := task.Progress("asking"); err != nil {
			return nil, err
		}
		return task.Ask(ctx, "price", nil)
	}))
	w.begin(begun)
	assert.Equal(t, etf.Tuple{etf.Atom("progress"), int64(1), "asking"}, w.next())
	question := w.next()
	require.Equal(t, etf.Atom("callback"), question[0])
	w.send(etf.Tuple{etf.Atom("reply"), question[1], etf.Tuple{etf.Atom("ok"), 5}})
	assert.Equal(t, result(1, int64(5)), w.next())
}

func TestAHandlerThatKeepsItsThreadIsNeverInline(t *testing.T) {
	w := serveInline(t, func(_ context.Context, task *Task) (any, error) {
		runtime.LockOSThread() // ends with the goroutine
		return inlineNow(task), nil
	})
	for ref := range 100 {
		w.send(callAct(ref))
		require.Equal(t, result(ref, false), w.next())
	}
}
