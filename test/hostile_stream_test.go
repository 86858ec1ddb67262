package test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	hostileRounds     = 20
	hostilePerRound   = 500
	hostileGoodEvery  = 20
	hostileStreamSize = 2000
)

// Mutants of what is said to streams, channels and callbacks meet some that are alive.
// They may feed, starve and end these; calls go on, each task has one result, and when
// all is over nothing is left.
func TestHostileStreamMessages(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t), Faulty(), Unaccounted())
		h := newHostile(via)
		for round := range hostileRounds {
			p.hostileRound(h, round)
		}
		assert.Less(t, memory(t, p.Pid(), "VmHWM"), int64(128<<20), "bytes at the most")
	})
}

func (p *Peer) hostileRound(h *hostile, round int) {
	p.t.Helper()
	name := func(kind string) string { return fmt.Sprintf("%s in round %d", kind, round) }
	stream, channel, asks, silent := name("stream"), name("channel"), name("asks"), name("silent")
	p.Batch(
		callWith(options("credit", 3), stream, "stream.fails", hostileStreamSize),
		callWith(options("input_credit", true), channel, "channel.echo"),
		call(asks, "ask", "f", list()),
		call(silent, "hold"),
	)
	id := p.Callback("f").ID
	h.good = nil
	for _, m := range []any{
		credit(stream, 1), credit(channel, 64), credit(silent, 1), credit(stream, int64(math.MaxInt32)),
		send(channel, "x"), send(channel, list(1, options("k", tuple(1, 2.5)))), send(stream, 1), send(silent, 1),
		halfClose(channel), halfClose(stream), halfClose(silent),
		reply(id, "y"), replyError(id, options("kind", atom("error"), "message", "boom")),
		ack(100), ack(int64(math.MaxInt64)),
		list(credit(stream, 2), send(channel, 1), ack(5), halfClose(silent)),
	} {
		h.good = append(h.good, p.via.codec.packet(m))
	}
	for i := range hostilePerRound {
		p.SendRaw(h.mutant())
		if i%hostileGoodEvery == 0 {
			ref := fmt.Sprintf("good call %d of round %d", i, round)
			p.Call(ref, "echo", i)
			require.EqualValues(p.t, i, p.Value(ref), "seed %d", hostileSeed)
		}
	}
	all := []string{stream, channel, asks, silent}
	for _, ref := range all {
		p.Send(cancel(ref))
		p.Result(ref)
	}
	p.Ping()
	p.None("result")
	for _, tag := range []string{"data", "credit", "fault", "callback"} {
		p.Discard(tag)
	}
}
