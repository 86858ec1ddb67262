package test

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// inputLimit is how many inputs of a channel wait for its handler at most.
const inputLimit = 64

// The shapes are those of issue 3: {:add, %{value: v}} and so on. That tags and keys
// are atoms and nothing else is, the bytes tell.
func TestStatefulWorker(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call(1, "stateful_worker")
		answers := []any{
			tuple(atom("updated"), options("old_value", 0, "new_value", 5)),
			tuple(atom("updated"), options("old_value", 5, "new_value", 15)),
			tuple(atom("current"), options("value", 15)),
			tuple(atom("shutting_down"), options("final_value", 15)),
		}
		for i, command := range []any{
			tuple(atom("add"), options("value", 5)),
			tuple(atom("multiply"), options("value", 3)),
			atom("get_current"),
			atom("shutdown"),
		} {
			p.Send(send(1, command))
			m := p.expect("answer", p.of("data", 1))
			require.Equal(t, 1, m.Count)
			got, err := via.codec.value(m.Elements[1].Bytes)
			require.NoError(t, err)
			assert.Equal(t, plain(list(answers[i])), plain(got))
			if via.codec == (etfCodec{}) {
				assert.IsType(t, etf.Tuple{}, got.([]any)[0])
				assert.IsType(t, etf.Atom(""), got.([]any)[0].(etf.Tuple)[0])
			}
		}
		assert.Nil(t, p.Value(1)) // it ended by itself, with nothing to add
	})
}

func TestStatefulWorkerFromANumber(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call(1, "stateful_worker", 40)
		p.Batch(send(1, tuple(atom("add"), options("value", 2))), send(1, atom("get_current")), halfClose(1))
		answers := p.Ended(1)
		require.Len(t, answers, 2)
		assert.Equal(t, list("current", map[string]any{"value": int64(42)}), answers[1])
	})
}

func TestTheOpenersDeathEndsAChannel(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Send(callWith(options("owner", "opener"), "waits", "stateful_worker"))
		p.Send(callWith(options("owner", "opener", "credit", 0), "held back", "stateful_worker"))
		p.Send(send("held back", atom("get_current")), ownerDown("opener"))
		for _, ref := range []string{"waits", "held back"} {
			assert.Empty(t, p.Broken(ref, "cancelled"))
		}
		p.Send(send("waits", atom("get_current")))
		p.Fault("bad_message")
	})
}

func TestHalfClose(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Call("at once", "channel.echo")
		p.Send(halfClose("at once"))
		assert.Empty(t, p.Ended("at once"))

		p.Call("after some", "channel.echo")
		p.Batch(send("after some", 1), send("after some", 2), halfClose("after some"))
		assert.Equal(t, counts(1, 3), p.Ended("after some"))

		p.Batch(call("twice", "channel.finishes"), halfClose("twice"), halfClose("twice"), send("twice", "too late"))
		assert.Equal(t, list("the last"), p.Ended("twice"))
		p.Ping()
		p.Discard("fault") // the input may have come after the end of the task
	})
}

// What is sent after the end of input reaches no handler, and its sender is told.
func TestAnInputAfterTheEnd(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Call(1, "channel.when_told")
		begin := p.Callback("begin")
		p.Send(send(1, 1), halfClose(1), send(1, 2), reply(begin.ID, true))
		p.Fault("bad_message")
		assert.Equal(t, counts(1, 2), p.Ended(1))
	})
}

func TestCloseOfNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call("function", "sleep", 60_000)
		p.Send(callWith(options("credit", 1), "stream", "range", 1, 2))
		p.Elements("stream", 1)
		p.Send(halfClose("never was"), halfClose("function"), halfClose("stream"))
		p.Ping()
		p.None("fault")
		p.None("result")
		p.Send(cancel("function"), credit("stream", 1), halfClose("function"))
		p.Failure("function", "cancelled")
		assert.Equal(t, counts(2, 3), p.Ended("stream"))
		p.Send(halfClose("function"), halfClose("stream"))
		p.Ping()
		p.None("fault")
	})
}

// An input for what is no open channel is told to its sender, with the ref.
func TestAnInputForNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call("function", "sleep", 60_000)
		p.Call("stream", "range", 1, 2)
		for _, ref := range []string{"function", "stream", "never was"} {
			p.Send(send(ref, 1))
			m := p.Expect("fault")
			assert.Equal(t, ref, m.At(0))
			f, err := failure(m.At(1))
			require.NoError(t, err)
			assert.Equal(t, "bad_message", f.Reason)
		}
		p.Send(cancel("function"), credit("stream", 2))
		p.Failure("function", "cancelled")
		assert.Equal(t, counts(1, 3), p.Ended("stream"))
	})
}

// Inputs past those that may wait are faults with the ref and are lost; those before
// them are not.
func TestInputsPastTheLimit(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Call("full", "channel.when_told")
		begin := p.Callback("begin")
		const tooMany = 36
		for i := range inputLimit + tooMany {
			p.Send(send("full", i))
		}
		for range tooMany {
			m := p.Expect("fault")
			assert.Equal(t, "full", m.At(0))
			f, err := failure(m.At(1))
			require.NoError(t, err)
			assert.Equal(t, "overloaded", f.Reason)
		}
		p.Ping()
		p.None("fault")
		p.Send(credit("full", 100), reply(begin.ID, true))
		assert.Equal(t, counts(0, inputLimit), p.Elements("full", inputLimit))
		p.Send(send("full", "room again"), halfClose("full"))
		assert.Equal(t, list("room again"), p.Ended("full"))
	})
}

// An input that does not fit is a fault that says what was expected, and is skipped.
func TestAnInputThatDoesNotFit(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Call(1, "channel.integers")
		for i, input := range []any{1, "two", 3, 4.5, 5, list(6), 7} {
			p.Send(send(1, input))
			if i%2 == 0 {
				assert.Equal(t, list(int64(input.(int))), p.Elements(1, 1))
				continue
			}
			m := p.Expect("fault")
			assert.EqualValues(t, 1, m.At(0))
			f, err := failure(m.At(1))
			require.NoError(t, err)
			assert.Equal(t, "bad_args", f.Reason)
			assert.Contains(t, f.Message, "integer")
		}
		p.Send(halfClose(1))
		assert.Empty(t, p.Ended(1))
	})
}

func TestAnInputOfNoUnionCase(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call(1, "stateful_worker")
		for _, input := range []any{
			atom("explode"), tuple(atom("add"), 5), tuple(atom("add"), options("value", "five")), atom("add"),
			tuple(atom("add"), options("velue", 5)), tuple(atom("get_current"), options()), 5,
		} {
			p.Send(send(1, input))
			assert.NotEmpty(t, p.Fault("bad_args").Message, "%v", input)
		}
		p.Send(send(1, atom("get_current")))
		assert.Equal(t, list(list("current", map[string]any{"value": int64(0)})), p.Elements(1, 1))
		p.Send(halfClose(1))
		assert.Empty(t, p.Ended(1))
	})
}

// A channel may send 64 outputs before it is granted any, or as many as its call says.
func TestTheFirstCreditOfAChannel(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Call("64", "channel.crowd", 4)
		p.Elements("64", channelCredit)
		p.Send(callWith(options("credit", 0), "none", "channel.crowd", 4))
		p.Send(callWith(options("credit", 7), "seven", "channel.crowd", 4))
		p.Elements("seven", 7)
		p.Send(credit("none", 3))
		p.Elements("none", 3)
		p.Ping()
		p.None("data")
		p.Send(halfClose("64"), credit("64", 1000)) // from here on it may end before it has sent all of it
		p.Ended("64")
		p.Send(cancel("none"), credit("none", 1000))
		p.Broken("none", "cancelled")
		p.Send(halfClose("seven"), cancel("seven"))
		p.Rest("seven")
	})
}

// Neither half-close nor cancel sets a crowd of senders free.
func TestHalfCloseAndCancelRaceAChannel(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		const channels = 300
		for ref := range channels {
			p.Send(callWith(options("credit", ref%5, "owner", ref%7), ref, "channel.crowd", 3), send(ref, "x"), credit(ref, 5))
			switch ref % 3 {
			case 0:
				p.Send(halfClose(ref))
			case 1:
				p.Send(cancel(ref))
			case 2:
				p.Send(halfClose(ref), cancel(ref))
			}
			p.Send(credit(ref, 3))
		}
		p.Send(ownerDown(3))
		for ref := range channels {
			_, failed := p.Rest(ref)
			if failed != nil {
				require.Equal(t, "cancelled", failed.Reason)
			}
		}
	})
}

// With input_credit the worker says when more inputs may come. One who sends no more
// than that loses none.
func TestInputCredit(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		const inputs = 5000
		p.Send(callWith(options("input_credit", true, "credit", inputs), 1, "channel.echo"))
		maySend, sent := inputLimit, 0
		for sent < inputs {
			batch := []any{}
			for ; maySend > 0 && sent < inputs; maySend-- {
				batch = append(batch, send(1, sent))
				sent++
			}
			p.Batch(batch...)
			if sent < inputs {
				m := p.expect("credit", p.of("credit", 1))
				maySend += int(m.At(1).(int64))
			}
		}
		p.Send(halfClose(1))
		assert.Equal(t, counts(0, inputs), p.Ended(1))
		p.None("fault")

		p.Call(2, "channel.echo") // who does not ask is not told
		for i := range 200 {
			p.Send(send(2, i), credit(2, 1))
			p.Elements(2, 1)
		}
		p.Send(halfClose(2))
		p.Ended(2)
		p.Discard("credit")
		p.Send(callWith(options("input_credit", "please"), 3, "channel.echo"))
		p.Failure(3, "bad_message")
	})
}

func TestAThousandChannels(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		const channels = 1000
		for ref := range channels {
			p.Send(call(ref, "stateful_worker"), send(ref, tuple(atom("add"), options("value", ref))))
		}
		for ref := range channels {
			p.Send(send(ref, atom("shutdown")))
		}
		for ref := range channels {
			answers := p.Ended(ref)
			require.Len(t, answers, 2)
			require.Equal(t, list("shutting_down", map[string]any{"final_value": int64(ref)}), answers[1])
		}
	})
}

func TestCompress(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("the worker reads what the client sends and answers when a task ends")
	var original strings.Builder
	for original.Len() < 1<<20 {
		original.WriteString(words[random.IntN(len(words))])
	}
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Send(callWith(options("credit", 1000, "input_credit", true), "in", "compress", options("format", "gzip")))
		for i, rest := 0, original.String(); rest != ""; i++ {
			n := min(len(rest), 50_000)
			p.Send(send("in", []byte(rest[:n])))
			rest = rest[n:]
		}
		p.Send(halfClose("in"))
		compressed := joined(p.Ended("in"))
		r, err := gzip.NewReader(strings.NewReader(compressed))
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		require.True(t, bytes.Equal([]byte(original.String()), got))

		p.Send(callWith(options("credit", 1000), "out", "decompress", options("format", atom("gzip"))))
		p.Send(send("out", []byte(compressed)), halfClose("out"))
		require.True(t, original.String() == joined(p.Ended("out")))
	})
}

func joined(pieces []any) string {
	var all strings.Builder
	for _, piece := range pieces {
		all.WriteString(piece.(string))
	}
	return all.String()
}
