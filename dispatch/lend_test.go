package dispatch

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// largeBlob is an argument whose packet has memory of its own.
func largeBlob(with byte) []byte { return bytes.Repeat([]byte{with}, 100_000) }

func callWith(ref int, arg any, opts ...any) etf.Tuple {
	return append(etf.Tuple{etf.Atom("call"), ref, "act", []any{arg}}, opts...)
}

// hold remembers what it was called with, so that its memory goes to nobody else but by being lent.
type hold struct {
	mu   sync.Mutex
	args []etf.Raw
}

func (h *hold) add(args etf.Raw) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.args = append(h.args, args)
}

// reused reports whether two calls came in the same memory.
func (h *hold) reused() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := map[*byte]bool{}
	for _, args := range h.args {
		seen[unsafe.SliceData(args)] = true
	}
	return len(seen) < len(h.args)
}

// serveHolder serves act, which says that it keeps nothing, and does.
func serveHolder(t *testing.T, act func(*Task) (any, error)) (*wire, *hold) {
	h := &hold{}
	w := serveInline(t, func(_ context.Context, task *Task) (any, error) {
		h.add(task.Args())
		return act(task)
	})
	w.conn.options.Registry.find("act").NoRetain = true
	return w, h
}

// alwaysQuick lets the reader run the next call of act.
func (w *wire) alwaysQuick() {
	w.conn.update(func(s *inflight) {
		n := s.of(w.conn.options.Registry.find("act"))
		n.pace, n.largePace = quick, quick
	})
}

func TestAFunctionThatKeepsNothingIsCalledInMemoryThatWasUsedBefore(t *testing.T) {
	w, h := serveHolder(t, func(task *Task) (any, error) {
		args, err := etf.SplitList(task.Args(), nil)
		return &args[0], err // a part of the packet
	})
	for ref := 0; !h.reused(); ref++ {
		require.Less(t, ref, 1000)
		w.alwaysQuick()
		w.send(callWith(ref, largeBlob(byte(ref))), etf.Tuple{etf.Atom("ack"), 0})
		w.alwaysQuick()
		w.sendAlone(callWith(1000+ref, largeBlob(byte(ref+1))))
		assert.Equal(t, result(ref, string(largeBlob(byte(ref)))), w.next())
		assert.Equal(t, result(1000+ref, string(largeBlob(byte(ref+1)))), w.next())
	}
}

func TestMemoryThatSomebodyMayLookAtIsLeftAlone(t *testing.T) {
	meta := etf.Map{{Key: etf.Atom("meta"), Value: etf.Map{{Key: "trace", Value: "1"}}}}
	lane := etf.Map{{Key: etf.Atom("lane"), Value: etf.Atom(LaneCPU)}}
	cases := map[string]struct {
		keeps bool
		err   error
		send  func(w *wire, ref int)
		calls int // in each packet
	}{
		"the function may keep it": {keeps: true, calls: 1,
			send: func(w *wire, ref int) { w.sendAlone(callWith(ref, largeBlob(byte(ref)))) }},
		"another call is in the packet": {calls: 2,
			send: func(w *wire, ref int) {
				w.send(callWith(ref, largeBlob(byte(ref))), callWith(1000+ref, largeBlob(byte(ref))))
			}},
		"more than the call is in the packet": {calls: 1,
			send: func(w *wire, ref int) {
				w.send(callWith(ref, largeBlob(byte(ref))), etf.Tuple{etf.Atom("owner_down"), 1})
			}},
		"the call has metadata": {calls: 1,
			send: func(w *wire, ref int) { w.sendAlone(callWith(ref, largeBlob(byte(ref)), meta)) }},
		"the call has a goroutine": {calls: 1,
			send: func(w *wire, ref int) { w.sendAlone(callWith(ref, largeBlob(byte(ref)), lane)) }},
		"the call fails": {err: errors.New("no"), calls: 1,
			send: func(w *wire, ref int) { w.sendAlone(callWith(ref, largeBlob(byte(ref)))) }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w, h := serveHolder(t, func(*Task) (any, error) { return "done", c.err })
			w.conn.options.Registry.find("act").NoRetain = !c.keeps
			const packets = 10
			for ref := range packets {
				w.alwaysQuick()
				c.send(w, ref)
				for range c.calls {
					w.next()
				}
			}
			require.Len(t, h.args, packets*c.calls)
			assert.False(t, h.reused())
			for i, args := range h.args {
				want, err := etf.Append(nil, []any{largeBlob(byte(i / c.calls))})
				require.NoError(t, err)
				assert.True(t, bytes.Equal(want, args), "arguments of call %d", i)
			}
		})
	}
}

// The call behind it is the packet's last, and keeps nothing; the one before it still runs.
func TestMemoryIsNotLentWhileACallBeforeRunsOn(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	var later atomic.Bool
	w, _ := serveHolder(t, func(task *Task) (any, error) {
		if !later.Swap(true) {
			close(begun)
			<-goOn
		}
		args, err := etf.SplitList(task.Args(), nil)
		return &args[0], err
	})
	w.alwaysQuick()
	w.send(callWith(1, "mine"), callWith(2, largeBlob('2')))
	<-begun
	assert.Equal(t, result(2, string(largeBlob('2'))), w.next())
	for ref := range 10 {
		w.alwaysQuick()
		w.sendAlone(callWith(10+ref, largeBlob(byte(ref))))
		assert.Equal(t, result(10+ref, string(largeBlob(byte(ref)))), w.next())
	}
	close(goOn)
	assert.Equal(t, result(1, "mine"), w.next())
}

func TestProgressThatIsAPartOfTheArgumentsKeepsItsBytes(t *testing.T) {
	w, h := serveHolder(t, func(task *Task) (any, error) {
		args, err := etf.SplitList(task.Args(), nil)
		if err == nil {
			err = errors.Join(task.Progress(&args[0]), task.Progress("small"))
		}
		return "done", err
	})
	for ref := 0; !h.reused(); ref++ {
		require.Less(t, ref, 1000)
		w.alwaysQuick()
		w.sendAlone(callWith(ref, largeBlob(byte(ref))))
		assert.Equal(t, etf.Tuple{etf.Atom("progress"), int64(ref), string(largeBlob(byte(ref)))}, w.next())
		assert.Equal(t, etf.Tuple{etf.Atom("progress"), int64(ref), "small"}, w.next())
		assert.Equal(t, result(ref, "done"), w.next())
	}
}

func TestManyLargeCallsUnderWayKeepTheirBytes(t *testing.T) {
	w, _ := serveHolder(t, func(task *Task) (any, error) {
		args, err := etf.SplitList(task.Args(), nil)
		return &args[0], err
	})
	const calls, atOnce = 200, 100 // as many results as the client holds
	for first := 0; first < calls; first += atOnce {
		for ref := first; ref < first+atOnce; ref++ {
			if ref%10 == 0 {
				w.alwaysQuick()
			}
			w.sendAlone(callWith(ref, largeBlob(byte(ref))))
		}
		for range atOnce {
			m := w.next()
			ref := int(m[1].(int64))
			assert.Equal(t, result(ref, string(largeBlob(byte(ref)))), m)
		}
	}
}
