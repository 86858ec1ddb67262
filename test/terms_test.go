package test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// pid is a process of a BEAM that is not distributed.

var pid = etf.Raw("\x58\x77\x0dnonode@nohost\x00\x00\x00\x50\x00\x00\x00\x00\x00\x00\x00\x00")

// Terms that both codecs have, and that implementations get wrong.
func awkward() []any {
	terms := []any{
		nil, true, false, "", " ", "\x00", "\xff\xfe not UTF-8", "žluťoučký kůň", "日本語", "🂡", "a\nb\r\n",
		strings.Repeat("x", 255), strings.Repeat("x", 256), strings.Repeat("x", 65535), strings.Repeat("x", 65536),
		list(), list(list()), list(list(), list(list())), list(0), list(255), list(256), list(104, 105), list(1, "a", 2.0),
		etf.Map{}, etf.Map{{Key: "b", Value: 1}}, etf.Map{{Key: 1, Value: etf.Map{}}, {Key: 1.5, Value: nil}},
		etf.Map{{Key: list(1), Value: "a list for a key"}}, etf.Map{{Key: "", Value: ""}},
		0.0, math.Copysign(0, -1), 0.1, -0.1, 1e308, -1e308, 5e-324, math.MaxFloat64, math.SmallestNonzeroFloat64,
		float64(1 << 53), math.Pi, 1.0, 100.0,
		nested(50), wide(254), wide(255), wide(256), wide(70_000),
		strings.Repeat("ž", 40_000),
	}
	for shift := range 63 {
		n := int64(1) << shift
		terms = append(terms, n, -n, n-1, 1-n, n+1, -n-1)
	}
	return append(terms, int64(math.MaxInt64), int64(math.MinInt64), uint64(math.MaxUint64), uint64(1)<<63)
}

func wide(n int) []any {
	l := make([]any, n)
	for i := range l {
		l[i] = i % 300
	}
	return l
}

// Terms that only the External Term Format has.
func awkwardETF() []any {
	terms := []any{
		atom("a"), atom(""), atom("with space"), atom("žluťoučký"), atom(strings.Repeat("日", 255)), atom("Elixir.Enum"),
		atom("undefined"), atom("null"), tuple(), tuple(1), tuple(tuple()), etf.Tuple(wide(255)), etf.Tuple(wide(256)),
		etf.Tuple(wide(70_000)), etf.ImproperList{Elements: list(1), Tail: 2},
		etf.ImproperList{Elements: list(list(), tuple()), Tail: "tail"},
		etf.Bitstring{Bytes: []byte{0x80}, Bits: 1}, etf.Bitstring{Bytes: []byte{1, 2, 0xfe}, Bits: 7},
		etf.Map{{Key: atom("a"), Value: 1}, {Key: "a", Value: 2}, {Key: tuple(1), Value: 3}, {Key: 1, Value: 4}, {Key: 1.0, Value: 5}},
		options("__struct__", atom("Elixir.Date"), "year", 2026), list(tuple(atom("k"), "v"), tuple(atom("k"), "w")),
		pid, tuple(pid, pid), etf.Map{{Key: pid, Value: pid}},
		etf.Raw("\x59\x77\x0dnonode@nohost\x00\x00\x00\x05\x00\x00\x00\x00"),
		etf.Raw("\x78\x77\x0dnonode@nohost\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00"),
		etf.Raw("\x5a\x00\x03\x77\x0dnonode@nohost\x00\x00\x00\x00\x00\x01\x02\x03\x00\x00\x00\x04\x00\x00\x00\x05"),
		etf.Raw("\x71\x77\x05lists\x77\x03map\x61\x02"),
	}
	for _, bits := range []uint{63, 64, 65, 127, 128, 1000, 2040, 2048, 4096, 100_000} {
		n := new(big.Int).Lsh(big.NewInt(1), bits)
		terms = append(terms, n, new(big.Int).Neg(n), new(big.Int).Sub(n, big.NewInt(1)))
	}
	return terms
}

// grow makes terms of all kinds inside each other.
func grow(r *rand.Rand, leaves []any, depth int) any {
	if depth == 0 || r.IntN(4) == 0 {
		return leaves[r.IntN(len(leaves))]
	}
	elements := make([]any, r.IntN(5))
	for i := range elements {
		elements[i] = grow(r, leaves, depth-1)
	}
	if r.IntN(2) == 0 {
		return elements
	}
	m := make(etf.Map, len(elements))
	for i, e := range elements {
		m[i] = etf.Pair{Key: fmt.Sprint("key ", i), Value: e}
	}
	return m
}

func TestEchoOfAwkwardTerms(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		terms := awkward()
		if via.codec == (etfCodec{}) {
			terms = append(terms, awkwardETF()...)
		}
		r := rand.New(rand.NewPCG(500, 2))
		for range 300 {
			terms = append(terms, grow(r, terms[:300], 4))
		}
		require.Greater(t, len(terms), 500)

		p := Start(t, via)
		for ref, term := range terms {
			p.Call(ref, "echo", term)
		}
		for ref, term := range terms {
			requireSame(t, p, ref, term)
		}
	})
}

// requireSame compares an echo with what was sent, decoded by the same codec so
// that forms of one term are one value. A minus on zero counts.
func requireSame(t *testing.T, p *Peer, ref int, sent any) {
	t.Helper()
	want, err := p.via.codec.messages(p.via.codec.packet(tuple(atom("pong"), sent)))
	require.NoError(t, err)
	m := p.expect(fmt.Sprintf("result of %d", ref), p.of("result", ref))
	outcome, ok := elements(m.Elements[1].Value)
	require.True(t, ok && plain(outcome[0]) == "ok", "term %d: %v", ref, m)
	if f, ok := sent.(float64); ok {
		got, _ := outcome[1].(float64)
		require.Equal(t, math.Float64bits(f), math.Float64bits(got), "term %d: %v", ref, f)
		return
	}
	require.True(t, assert.ObjectsAreEqual(want[0].Elements[0].Value, outcome[1]),
		"term %d: want %.300v, got %.300v", ref, fmt.Sprintf("%#v", want[0].Elements[0].Value), fmt.Sprintf("%#v", outcome[1]))
}

// elements are those of a tuple, which in MessagePack is a list.
func elements(v any) ([]any, bool) {
	if t, ok := v.(etf.Tuple); ok {
		return t, true
	}
	l, ok := v.([]any)
	return l, ok
}

func TestEchoOfBytesInMessagePack(t *testing.T) {
	p := Start(t, overMsgpack)
	p.Call(1, "echo", []byte("\x00\xff raw"))
	assert.Equal(t, "\x00\xff raw", p.Value(1))
	p.Call(2, "upcase", []byte("bytes are a string to a handler"))
	assert.Equal(t, "BYTES ARE A STRING TO A HANDLER", p.Value(2))
}

// What has no form here is refused, not guessed at.
func TestAnExtensionInMessagePack(t *testing.T) {
	p := Start(t, overMsgpack)
	p.SendRaw([]byte("\x94\xa4call\x01\xa4echo\x91\xd4\x05\x00"))
	p.ledger.sent(overMsgpack.codec, call(1, "echo"))
	assert.Contains(t, []string{"bad_args", "bad_message", "bad_frame", "unsupported"}, p.Refused(1).Reason)
	p.Ping()
	p.Discard("fault")
}

func TestRefsInMessagePack(t *testing.T) {
	p := Start(t, overMsgpack)
	for name, ref := range map[string]any{
		"integer": 7, "negative": -1, "string": "ref", "bytes": []byte{0, 255}, "float": 2.5, "large": uint64(math.MaxUint64),
	} {
		t.Run(name, func(t *testing.T) {
			p := p.in(t)
			p.Call(ref, "echo", name)
			assert.Equal(t, name, p.Value(ref))
		})
	}
}

// The codec is that of the first packet, for good.
func TestTheCodecHoldsForTheConnection(t *testing.T) {
	tests := map[string]struct{ via, other transport }{
		"etf first":     {overETF, overMsgpack},
		"msgpack first": {overMsgpack, overETF},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := Start(t, tt.via)
			p.Ping()
			p.SendRaw(tt.other.codec.packet(call(1, "echo", 1)))
			f, err := failure(p.Expect("fault").At(1))
			require.NoError(t, err)
			assert.Contains(t, []string{"bad_frame", "bad_message"}, f.Reason)
			p.Ping()
			p.Discard("fault") // it may well hold more than one mistake
			p.None("result")
		})
	}
}
