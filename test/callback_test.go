package test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

func TestCallback(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Call("ref of the task", "ask", "my_app.lookup", list("key", 2))
		c := p.Callback("my_app.lookup")
		assert.Equal(t, "ref of the task", c.m.At(1))
		assert.Equal(t, list("key", int64(2)), c.Args)
		assert.NotContains(t, c.Opts, "timeout")
		assert.NotContains(t, c.Opts, "meta")
		p.Send(reply(c.ID, list("found", 1)))
		assert.Equal(t, list("found", int64(1)), p.Value("ref of the task"))

		p.Call(1, "ask", "no.arguments", list())
		c = p.Callback("no.arguments")
		assert.Empty(t, c.Args)
		p.Send(reply(c.ID, nil))
		assert.Nil(t, p.Value(1))
	})
}

func TestAValueThatDoesNotFit(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Call(1, "ask.integer", "f")
		p.Send(reply(p.Callback("f").ID, "seven"))
		assert.Contains(t, p.Failure(1, "failed").Message, "integer")
		p.Call(2, "ask.integer", "f")
		p.Send(reply(p.Callback("f").ID, 7))
		assert.EqualValues(t, 7, p.Value(2))
	})
}

// What fails over there is an error with its parts, whatever was sent.
func TestACallbackThatFails(t *testing.T) {
	tests := map[string]struct {
		sent                 any
		kind, message, stack string
	}{
		"an exception": {options("kind", atom("error"), "message", "boom", "stack", "lib/a.ex:1"), "error", "boom", "lib/a.ex:1"},
		"a throw":      {options("kind", atom("throw"), "message", "ball"), "throw", "ball", ""},
		"an exit":      {options("kind", atom("exit"), "message", "gone", "further", "keys"), "exit", "gone", ""},
		"a message":    {options("message", "boom"), "", "boom", ""},
		"a word":       {atom("enoent"), "", "enoent", ""},
		"a number":     {42, "", "42", ""},
	}
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				p := p.in(t)
				p.Call(1, "ask.caught", "f", list())
				p.Send(replyError(p.Callback("f").ID, tt.sent))
				got, ok := p.Value(1).(map[string]any)
				require.True(t, ok)
				assert.Equal(t, true, got["typed"])
				assert.Equal(t, "f", got["name"])
				assert.Equal(t, tt.kind, got["kind"])
				assert.Contains(t, got["message"], tt.message)
				assert.Equal(t, tt.stack, got["stack"])

				p.Call(2, "ask", "f", list()) // and one that the handler passes on
				p.Send(replyError(p.Callback("f").ID, tt.sent))
				assert.Contains(t, p.Failure(2, "failed").Message, tt.message)
			})
		}
	})
}

// With a list of what is offered, nothing else is asked for.
func TestACallbackThatIsNotOffered(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Hello("callbacks", list(atom("offered"), "offered.too"))
		p.Call(1, "ask.caught", "not.offered", list())
		assert.Equal(t, "unknown_function", p.Value(1).(map[string]any)["reason"])
		p.Call(2, "ask", "not.offered", list())
		assert.Contains(t, p.Failure(2, "unknown_function").Message, "not.offered")
		p.Call(3, "continue.callback", "not.offered", list())
		assert.Contains(t, p.Failure(3, "unknown_function").Message, "not.offered")
		p.Ping()
		p.None("callback")
		for ref, name := range []string{"offered", "offered.too"} {
			p.Call(ref, "ask", name, list())
			p.Send(reply(p.Callback(name).ID, ref))
			assert.EqualValues(t, ref, p.Value(ref))
		}
		p.Hello("callbacks", list())
		p.Call(4, "ask", "offered", list())
		p.Failure(4, "unknown_function")
		for _, wrong := range []any{"f", list(1), options("f", 1)} {
			p.Send(hello("callbacks", wrong))
			p.Fault("bad_message")
		}
	})
}

// A callback carries what is left of the budget, never more, and meta as it came.
func TestACallbackSharesTheBudget(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		left := func(c Callback) int64 {
			ms, ok := c.Opts["timeout"].(int64)
			require.True(t, ok, "want a timeout in %v", c.Opts)
			return ms
		}
		meta := options("traceparent", "00-abc-01")
		began := time.Now()
		p.Send(callWith(options("timeout", 60_000, "meta", meta), 1, "reenter", 2))
		outer := p.Callback("again")
		assert.LessOrEqual(t, left(outer), int64(60_000))
		assert.GreaterOrEqual(t, left(outer), 60_000-time.Since(began).Milliseconds()-1)
		assert.Equal(t, map[string]any{"traceparent": "00-abc-01"}, outer.Opts["meta"])
		p.Send(callWith(options("timeout", left(outer)), 2, "reenter", 1))
		inner := p.Callback("again")
		assert.LessOrEqual(t, left(inner), left(outer))
		p.Send(reply(inner.ID, 0))
		p.Send(reply(outer.ID, p.Value(2)))
		assert.EqualValues(t, 2, p.Value(1))

		p.Send(callWith(options("timeout", 60_000), 3, "ask.within", "f", 500)) // a handler may be stricter
		c := p.Callback("f")
		assert.LessOrEqual(t, left(c), int64(500))
		p.Failure(3, "failed") // and hear no answer in time
		p.Send(reply(c.ID, 1))

		p.Send(callWith(options("timeout", 200), 4, "ask", "f", list()))
		c = p.Callback("f")
		assert.Positive(t, left(c))
		p.Failure(4, "timeout")
		p.Send(reply(c.ID, 1))
		p.Ping()
		p.None("fault")
	})
}

func TestCancelOfACallback(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		for name, args := range map[string][]any{
			"ask": {"f", list()}, "continue.callback": {"f", list()}, "reenter": {3}, "ask.many": {"f", 5},
		} {
			p.Send(callWith(options("owner", "o"), name, name, args...))
			ids := []int64{}
			for range map[string]int{"ask.many": 5}[name] {
				ids = append(ids, p.Callback("f").ID)
			}
			if len(ids) == 0 {
				ids = append(ids, p.Callback(map[bool]string{true: "again", false: "f"}[name == "reenter"]).ID)
			}
			if name == "ask" {
				p.Send(ownerDown("o"))
			} else {
				p.Send(cancel(name))
			}
			assert.False(t, stillRunning(t, p.Failure(name, "cancelled")))
			for _, id := range ids { // nobody waits for these any longer
				p.Send(reply(id, 1), reply(id, 1))
			}
		}
		p.Ping()
		p.None("fault")
		p.None("result")
	})
}

func TestRepliesToNobody(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Send(reply(1, 1), reply(12345678, 1), replyError(-1, "no"))
		p.Ping()
		p.None("fault")
		for _, id := range []any{"one", atom("one"), 1.5} {
			p.Send(reply(id, 1))
			p.Fault("bad_message")
		}
		for _, outcome := range []any{1, tuple(atom("ok")), tuple(atom("perhaps"), 1), tuple(atom("ok"), 1, 2), list()} {
			p.Send(tuple(atom("reply"), 1, outcome))
			p.Fault("bad_message")
		}
		p.Call(1, "ask", "f", list())
		c := p.Callback("f")
		p.Batch(reply(c.ID, "first"), reply(c.ID, "second"), replyError(c.ID, "third"))
		assert.Equal(t, "first", p.Value(1))
		p.Ping()
		p.None("fault")
	})
}

// Replies come in any order and find the one who asked.
func TestManyCallbacksAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t), Args("--lanes", "cpu=1"))
		const tasks, each = 20, 50
		onCPU := options("lane", atom("cpu"))
		for ref := range tasks {
			p.Send(callWith(onCPU, ref, "ask.many", "double", each))
		}
		asked := make([]Callback, tasks*each)
		for i := range asked {
			asked[i] = p.Callback("double")
		}
		for i := range asked {
			c := asked[(i*7919)%len(asked)]
			p.Send(reply(c.ID, 2*c.Args[0].(int64)))
		}
		for ref := range tasks {
			assert.EqualValues(t, each*(each-1), p.Value(ref))
		}
	})
}

// A task asks many times at once while another has its place: it goes on when it can
// have one again.
func TestManyCallbacksOfATaskThatLostItsPlace(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t), Args("--lanes", "cpu=1"))
		onCPU := options("lane", atom("cpu"))
		for round := range 5 {
			p.Send(callWith(onCPU, "asks", "ask.many", "f", 8))
			ids := []int64{}
			for range 8 {
				ids = append(ids, p.Callback("f").ID)
			}
			p.Send(callWith(onCPU, "holds", "hold"))
			p.untilLane("cpu", "running", 1)
			for _, id := range ids {
				p.Send(reply(id, 1))
			}
			p.Ping()
			if round%2 == 0 {
				p.Send(cancel("holds"))
				assert.EqualValues(t, 8, p.Value("asks"))
			} else {
				p.Send(cancel("asks"))
				p.Failure("asks", "cancelled")
				p.Send(cancel("holds"))
			}
			p.Failure("holds", "cancelled")
			p.untilLane("cpu", "running", 0)
			p.untilLane("cpu", "waiting", 0)
			p.Send(callWith(onCPU, "after", "echo", round))
			assert.EqualValues(t, round, p.Value("after"))
		}
	})
}

// untilLane waits until a number of a lane in $stats is as wanted.
func (p *Peer) untilLane(lane, number string, want int64) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		lanes, _ := p.Stats()["lanes"].(map[string]any)
		numbers, ok := lanes[lane].(map[string]any)
		require.True(p.t, ok, "want lane %s in %v", lane, lanes)
		if numbers[number] == want {
			return
		}
		require.True(p.t, time.Now().Before(deadline), "%s of lane %s stays at %v, want %d", number, lane, numbers[number], want)
	}
}

// Here calls there, there calls here, and so on down, with one place for all.
func TestCallbacksReenter(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t), Args("--lanes", "cpu=1"))
		onCPU := options("lane", atom("cpu"))
		const depth = 50
		p.Send(callWith(onCPU, depth, "reenter", depth))
		ids := make([]int64, depth+1)
		for d := depth; d > 0; d-- {
			c := p.Callback("again")
			require.Equal(t, list(int64(d-1)), c.Args)
			ids[d] = c.ID
			p.Send(callWith(onCPU, d-1, "reenter", d-1))
		}
		for d := 0; d < depth; d++ {
			p.Send(reply(ids[d+1], p.Value(d)))
		}
		assert.EqualValues(t, depth, p.Value(depth))
	})
}

func TestNotify(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Call(1, "notify", "somebody", list("hello", 1))
		m := p.Expect("notify")
		assert.Equal(t, "somebody", m.At(0))
		assert.Equal(t, list("hello", int64(1)), m.At(1))
		assert.Equal(t, true, p.Value(1))
	})
	p := Start(t, overETF, fixture(t))
	alias := etf.Raw("\x5a\x00\x03\x77\x0dnonode@nohost\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03")
	for i, to := range []any{pid, alias, atom("a_registered_name")} {
		p.Call(i, "notify", to, i)
		m := p.Expect("notify")
		assert.Equal(t, string(overETF.codec.term(to)), m.Ref())
		p.Value(i)
	}
}

// What asks the client keeps its place among elements, and a stream that asks goes on.
func TestADrainWaitsForACallback(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Call(1, "ask", "f", list())
		c := p.Callback("f")
		p.Call(2, "continue.callback", "g", list())
		g := p.Callback("g")
		p.Send(atom("drain"), call(3, "echo", 1))
		p.Failure(3, "draining")
		p.Send(reply(c.ID, "late"), reply(g.ID, "later"))
		assert.Equal(t, "late", p.Value(1))
		assert.Equal(t, "later", p.Value(2))
		assert.Equal(t, 0, p.Wait(patience))
	})
}

func TestTheEndOfInputEndsCallbacks(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Call(1, "ask", "f", list())
		p.Call(2, "continue.callback", "f", list())
		p.Callback("f")
		p.Callback("f")
		p.CloseStdin()
		p.Failure(1, "cancelled")
		p.Failure(2, "cancelled")
		assert.Equal(t, 0, p.Wait(patience))
	})
}

// A question or an answer of some size is as good as another.
func TestLargeCallbacks(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		large := strings.Repeat("x", 2<<20)
		for ref := range 4 {
			p.Call(ref, "ask", "f", list(large, ref))
		}
		for range 4 {
			c := p.Callback("f")
			p.Send(reply(c.ID, list(large, c.Args[1])))
		}
		for ref := range 4 {
			require.Equal(t, list(large, int64(ref)), p.Value(ref), fmt.Sprint(ref))
		}
	})
}
