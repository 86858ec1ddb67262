package test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"portworker/etf"
)

func TestContinue(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Call(1, "continue", "echo", list("the result"))
		assert.Equal(t, "the result", p.Value(1))
		p.Call(2, "continue", "no.such.function", list())
		assert.Contains(t, p.Failure(2, "unknown_function").Message, "no.such.function")
		p.Call(3, "continue", "reenter", list("no number"))
		p.Failure(3, "bad_args")
		p.Call(4, "continue", "stream.count", list()) // of another kind
		p.Failure(4, "failed")
		p.Call(5, "countdown", 2000)
		assert.Equal(t, "done", p.Value(5))
		p.Call(6, "continue", "continue.callback", list("f", list(1)))
		c := p.Callback("f")
		assert.EqualValues(t, 6, c.m.At(1))
		p.Send(reply(c.ID, "over there"))
		assert.Equal(t, "over there", p.Value(6))
	})
}

func TestAContinuationCanBeStopped(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Send(callWith(options("owner", "us"), 1, "continue", "hold", list()), ownerDown("us"))
		p.Failure(1, "cancelled")
		p.Send(callWith(options("timeout", 50), 2, "continue", "hold", list()))
		p.Failure(2, "timeout")
		p.Send(callWith(options("timeout", 200), 3, "countdown", math.MaxInt32))
		p.Failure(3, "timeout")
		p.Call(4, "countdown", math.MaxInt32)
		p.Send(cancel(4))
		p.Failure(4, "cancelled")
		p.Send(callWith(options("timeout", 100), 5, "continue.callback", "f", list()))
		c := p.Callback("f")
		assert.LessOrEqual(t, c.Opts["timeout"], int64(100))
		p.Failure(5, "timeout")
		p.Send(reply(c.ID, 1))
		p.Ping()
		p.None("result")
		p.None("fault")
	})
}

// One that continues elsewhere holds no place meanwhile.
func TestAContinuationGivesItsPlaceUp(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t), Args("--lanes", "cpu=1"))
		onCPU := options("lane", atom("cpu"))
		p.Send(callWith(onCPU, 1, "continue", "hold", list())) // hold's own lane is io
		p.Send(callWith(onCPU, 2, "continue.callback", "f", list()))
		c := p.Callback("f")
		p.Send(callWith(onCPU, 3, "echo", "room"))
		assert.Equal(t, "room", p.Value(3))
		p.Send(cancel(1), replyError(c.ID, options("kind", atom("error"), "message", "boom")))
		p.Failure(1, "cancelled")
		assert.Contains(t, p.Failure(2, "failed").Message, "boom")
	})
}

// Its credit goes on with a stream that another ends.
func TestAStreamContinues(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Send(callWith(options("credit", 5), 1, "stream.then", 3, "stream.fails", list(4)))
		assert.Equal(t, append(counts(0, 3), counts(0, 2)...), p.Elements(1, 5))
		p.Ping()
		p.None("result")
		p.Send(credit(1, 10))
		assert.Equal(t, counts(2, 4), p.Broken(1, "failed"))
		p.Send(callWith(options("credit", 5), 2, "stream.then", 2, "stream.then", list(1, "stream.count", list())))
		assert.Equal(t, append(append(counts(0, 2), counts(0, 1)...), counts(0, 2)...), p.Elements(2, 5))
		p.Send(cancel(2), credit(2, 5))
		p.Broken(2, "cancelled")
		p.Send(callWith(options("credit", 5), 3, "stream.then", 2, "echo", list(1)))
		assert.Len(t, p.Broken(3, "failed"), 2)
	})
}

// Who yields lets those of higher priority go first, and no one of lower.
func TestYield(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t), Args("--lanes", "cpu=1"))
		onCPU := func(priority string) etf.Map {
			return options("lane", atom("cpu"), "priority", atom(priority))
		}
		p.Send(callWith(onCPU("normal"), "yields", "yield"))
		p.untilLane("cpu", "running", 1)
		p.Send(callWith(onCPU("low"), "low", "echo", 1))
		for ref := range 20 {
			p.Send(callWith(onCPU("high"), ref, "echo", ref))
			assert.EqualValues(t, ref, p.Value(ref))
		}
		p.untilLane("cpu", "waiting", 1)
		p.Send(cancel("yields"))
		p.Failure("yields", "cancelled")
		assert.EqualValues(t, 1, p.Value("low"))
	})
}
