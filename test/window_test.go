package test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Rule 13. That no more is in flight than the window allows, the flow of the peer checks at each
// packet; here are those that try it, and that nothing is lost or stuck for it.

// results takes n results of whatever calls. It returns how often each ref had a value,
// and how many had another end.
func (p *Peer) results(n int) (values map[string]int, others int) {
	p.t.Helper()
	values = map[string]int{}
	for range n {
		m := p.Expect("result")
		if m.At(1).([]any)[0] == "ok" {
			values[m.Ref()]++
		} else {
			others++
		}
	}
	return values, others
}

// next takes the next message with one of the tags. As long as there is none it
// acknowledges packets one by one, so that the window is as full as can be.
func (p *Peer) next(tags ...string) Message {
	p.t.Helper()
	wanted := func(m Message) bool { return slices.Contains(tags, m.Tag) }
	for p.flow.inFlight() > 0 {
		if m, ok := p.inbox.take(wanted, 0); ok {
			return m
		}
		p.Ack(1)
	}
	return p.expect(fmt.Sprint(tags), wanted)
}

// trickle is results with a window that is kept full.
func (p *Peer) trickle(n int) (values map[string]int, others int) {
	p.t.Helper()
	for range n {
		p.inbox.put(p.next("result"))
		v, o := p.results(1)
		others += o
		if values == nil {
			values = map[string]int{}
		}
		for ref, n := range v {
			values[ref] += n
		}
	}
	return values, others
}

func TestTheWindowHoldsAFloodOfResults(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		const window, size, calls = 256 << 10, 32 << 10, 200
		p.Hello("window", window)
		for ref := range calls {
			p.Call(ref, "fill", size)
		}
		p.Ping()
		const fit = window/size - 1
		first, _ := p.results(fit)
		p.Ping()
		p.Ping()
		p.None("result") // one more does not fit
		rest, _ := p.trickle(calls - fit)
		assert.Len(t, first, fit)
		assert.Len(t, rest, calls-fit)
		assert.Less(t, memory(t, p.Pid(), "VmHWM"), int64(64<<20), "bytes at the most")
	})
}

func TestTheWindowHoldsStreams(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Hello("window", 64<<10)
		const streams, elements = 20, 100
		for ref := range streams {
			p.Send(callWith(options("credit", elements), ref, "stream.blobs", elements, 500+300*ref))
		}
		got := map[string]int{}
		for ended := 0; ended < streams; {
			m := p.next("data", "result")
			if m.Tag == "result" {
				ended++
			}
			got[m.Ref()] += m.Count
		}
		for ref, n := range got {
			assert.Equal(t, elements, n, "elements of % x", ref)
		}
	})
}

// A message that is larger than the window goes alone, whatever is before and behind it.
func TestAMessageLargerThanTheWindow(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		for _, window := range []int{1, 100, 10_000} {
			t.Run(fmt.Sprint(window), func(t *testing.T) {
				p := Start(t, via, fixture(t))
				p.Hello("window", window)
				p.AckAll()
				for ref := range 10 {
					p.Call(ref, "fill", 50_000*(ref%3))
				}
				values, _ := p.trickle(10)
				assert.Len(t, values, 10)
				p.Send(callWith(options("credit", 50), "mixed", "stream.mixed", 50, 10, 30_000))
				for elements, over := 0, false; !over; {
					m := p.next("data", "result")
					over = m.Tag == "result"
					if elements += m.Count; over {
						assert.Equal(t, 50, elements)
					}
				}
			})
		}
	})
}

// Each of many streams has elements that take up most of the window.
func TestOutputsDoNotWaitForEachOther(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Hello("window", 10_000)
		const streams, elements = 30, 20
		for ref := range streams {
			p.Send(callWith(options("credit", elements), ref, "stream.mixed", elements, 20+100*ref, 8_000-200*ref))
		}
		got := 0
		for ended := 0; ended < streams; {
			m := p.next("data", "result")
			if got += m.Count; m.Tag == "result" {
				ended++
			}
		}
		assert.Equal(t, streams*elements, got)
	})
}

// The bound holds to the byte: what just does not fit does not come.
func TestTheWindowIsExact(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		const fit = 4
		for _, size := range []int{100, 20_000} {
			p.Hello("window", 1<<20)
			p.AckAll()
			p.Call("samp 1", "fill", size)
			p.Value("samp 1")
			result := p.flow.inFlight()
			for short := range 8 {
				p.Hello("window", fit*result-short)
				p.AckAll()
				calls := make([]any, 2*fit)
				for i := range calls {
					calls[i] = call(fmt.Sprintf("call %d", i), "fill", size)
				}
				p.Batch(calls...)
				p.results(fit - 1)
				p.Ping()
				values, _ := p.trickle(len(calls) - fit + 1)
				require.Len(t, values, len(calls)-fit+1)
			}
		}
	})
}

// While the window is full, pongs, faults and refusals come, and so does the news of
// each task that is stopped. That the window is full is no reason to send a value that
// nobody waits for any longer.
func TestControlPassesAFullWindow(t *testing.T) {
	stops := map[string]func(p *Peer, calls int){
		"cancel": func(p *Peer, calls int) {
			for ref := range calls {
				p.Send(cancel(ref))
			}
		},
		"owner_down": func(p *Peer, _ int) { p.Send(ownerDown("us")) },
		"timeout":    func(*Peer, int) {},
	}
	everywhere(t, func(t *testing.T, via transport) {
		for name, stop := range stops {
			t.Run(name, func(t *testing.T) {
				p := Start(t, via, fixture(t))
				const window, size, calls = 128 << 10, 16 << 10, 100
				p.Hello("window", window)
				opts := options("owner", "us")
				if name == "timeout" {
					opts = options("timeout", 300)
				}
				for ref := range calls {
					if ref%2 == 0 {
						p.Send(callWith(opts, ref, "fill", size))
					} else {
						p.Send(callWith(append(options("credit", 100), opts...), ref, "stream.blobs", 50, size))
					}
				}
				for p.flow.inFlight() < window-2*size {
					p.Ping()
				}
				p.Call("unknown", "no.such.function")
				p.Failure("unknown", "unknown_function")
				p.Send(tuple(atom("nonsense")))
				p.Fault("bad_message")
				p.Call("held", "hold")
				p.Send(cancel("held"))
				p.Failure("held", "cancelled")
				stop(p, calls)
				values, stopped := p.results(calls)
				assert.LessOrEqual(t, len(values), window/size)
				assert.Equal(t, calls, len(values)+stopped)
				p.Ping()
				p.AckAll()
				p.Call("afterwards", "fill", size)
				assert.Len(t, p.Value("afterwards"), size)
			})
		}
	})
}

func TestAcksThatMakeNoSense(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Send(ack(100), ack(0), ack(int64(math.MaxInt64))) // there is no window
		p.Ping()
		p.None("fault")
		for _, bytes := range []any{-1, "100", 1.5, list(), nil} {
			p.Send(ack(bytes))
			p.Fault("bad_message")
		}
		p.Hello("window", 50_000)
		p.AckAll()
		for range 3 {
			p.Send(ack(int64(math.MaxInt64))) // what was never sent makes no room
		}
		const calls = 40
		for ref := range calls {
			p.Call(ref, "fill", 20_000)
		}
		p.Ping()
		values, _ := p.trickle(calls)
		assert.Len(t, values, calls)
		for _, window := range []any{-1, "large", 1.5} {
			p.Send(hello("window", window))
			p.Fault("bad_message")
		}
		p.Hello()
	})
}

// A window may be set, changed and lifted at any time.
func TestALaterHelloChangesTheWindow(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		const calls = 50
		p.Hello("window", 40_000)
		for ref := range calls {
			p.Call(ref, "fill", 10_000)
		}
		p.results(2)
		p.Hello() // and all that waited comes
		values, _ := p.results(calls - 2)
		assert.Len(t, values, calls-2)
	})
}
