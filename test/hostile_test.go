package test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	hostilePackets = 20_000
	goodEvery      = 20
	hostileSeed    = 20260101
)

// Twenty thousand packets of every bad kind go in, and each good call between
// them is answered as if they had not been.
func TestHostilePackets(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, Faulty(), Unaccounted())
		p.Ping()
		h := newHostile(via)
		var good []string
		for i := range hostilePackets {
			p.SendRaw(h.packet())
			if i%goodEvery == 0 {
				ref := fmt.Sprintf("a good call, number %d of this test", i)
				good = append(good, ref)
				p.Send(call(ref, "upcase", ref[:11]))
			}
		}
		for _, ref := range good {
			require.Equal(t, "A GOOD CALL", p.Value(ref), "seed %d, %s", hostileSeed, ref)
		}
		p.Ping()
		assert.Less(t, memory(t, p.Pid(), "VmHWM"), int64(256<<20), "bytes at the most")
	})
}

// A peer that asks and never reads makes the worker neither large nor deaf: past a
// bound answers are counted, and when it reads it is told how many there were.
func TestAFloodThatNobodyReads(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, Unread())
		const pings, size = 1000, 256 << 10
		p.Send(ping("first"))
		flood := ping(strings.Repeat("x", size))
		for range pings {
			p.Send(flood)
		}
		p.Read()
		p.Pong("first")
		p.expect("fault that counts the others", func(m Message) bool {
			f, err := failure(m.At(1))
			return m.Tag == "fault" && err == nil && f.Reason == "overloaded"
		})
		p.Ping()
		assert.Less(t, memory(t, p.Pid(), "VmHWM"), int64(pings*size), "bytes at the most")
	})
}

// hostile makes bad packets: noise, mutants of good messages, and the worst that
// is known.
type hostile struct {
	random *rand.Rand
	good   [][]byte
	worst  [][]byte
}

func newHostile(via transport) *hostile {
	h := &hostile{random: rand.New(rand.NewPCG(hostileSeed, 1))}
	for _, m := range []any{
		hello(),
		call(1, "echo", list("a", 1, 2.5, options("k", tuple(1, "v")))),
		callWith(options("timeout", 1000, "owner", "o", "progress", false), 2, "upcase", "b"),
		cancel(1), ping(list(1, 2, 3)),
		tuple(atom("credit"), 1, 10), tuple(atom("send"), 1, "x"), tuple(atom("close"), 1),
		tuple(atom("owner_down"), "o"), tuple(atom("reply"), 1, tuple(atom("ok"), 2)),
		tuple(atom("ack"), 100),
		list(call(3, "echo", 1), ping(2), cancel(3)),
	} {
		h.good = append(h.good, via.codec.packet(m))
	}
	for _, payload := range unusable(via) {
		if len(payload) < 1<<12 {
			h.worst = append(h.worst, payload)
		}
	}
	return h
}

func (h *hostile) packet() []byte {
	switch h.random.IntN(4) {
	case 0:
		return h.noise(h.random.IntN(200))
	case 1:
		return append(h.good[0][:1:1], h.noise(h.random.IntN(60))...) // begins like a packet of this codec
	case 2:
		return h.worst[h.random.IntN(len(h.worst))]
	default:
		return h.mutant()
	}
}

func (h *hostile) noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(h.random.Uint32())
	}
	return b
}

// mutant is a good packet with a few bytes changed, cut out or put in.
func (h *hostile) mutant() []byte {
	b := append([]byte(nil), h.good[h.random.IntN(len(h.good))]...)
	for range 1 + h.random.IntN(4) {
		at := h.random.IntN(len(b))
		switch h.random.IntN(4) {
		case 0:
			b[at] ^= 1 << h.random.IntN(8)
		case 1:
			b[at] = byte(h.random.Uint32())
		case 2:
			b = b[:at+1]
		default:
			b = append(b[:at:at], append(h.noise(1+h.random.IntN(4)), b[at:]...)...)
		}
	}
	return b
}
