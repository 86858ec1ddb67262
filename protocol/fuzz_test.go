package protocol

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// checkMessage fails the test when a message promises what it does not keep.
func checkMessage(t *testing.T, m Message) {
	t.Helper()
	scanned := func(what string, raw etf.Raw) {
		n, err := etf.Limits{MaxDepth: 10_000}.Scan(raw)
		require.NoError(t, err, what)
		require.Equal(t, len(raw), n, what)
	}
	switch m := m.(type) {
	case *Invalid:
		require.NotNil(t, m.Err)
		require.True(t, m.Err.Reason == BadMessage || m.Err.Reason == BadFrame, m.Err.Reason)
		require.NotEmpty(t, m.Err.Message)
		require.True(t, m.Ref != nil || !m.Call, "a result needs a ref")
		if m.Ref != nil {
			scanned("ref", m.Ref)
		}
	case *Call:
		scanned("ref", m.Ref)
		scanned("arguments", m.Args)
		require.GreaterOrEqual(t, m.Timeout, time.Duration(0))
		require.GreaterOrEqual(t, m.Credit, CreditDefault)
		for _, raw := range []etf.Raw{m.Owner, m.Retry, m.Meta} {
			if raw != nil {
				scanned("option", raw)
			}
		}
	case *Cancel:
		scanned("ref", m.Ref)
	case *Credit:
		scanned("ref", m.Ref)
		require.Positive(t, m.N)
	case *Send:
		scanned("ref", m.Ref)
		scanned("term", m.Term)
	case *Close:
		scanned("ref", m.Ref)
	case *OwnerDown:
		scanned("owner", m.Owner)
	case *Reply:
		scanned("ref", m.Ref)
		scanned("value", m.Value)
	case *Ack:
		require.GreaterOrEqual(t, m.Bytes, 0)
	case *Ping:
		scanned("term", m.Term)
	}
}

// answers builds what a worker would say to a message, in the connection's
// codec, and checks that a client can read it.
func answers(t *testing.T, c Codec, m Message) {
	var o *Outgoing
	switch m := m.(type) {
	case *Invalid:
		if o = c.Fault(m.Ref, m.Err); m.Call {
			o = c.Failure(m.Ref, m.Err)
		}
	case *Reply:
		o = c.Fault(m.Ref, &Error{Reason: Unsupported})
	case *Ping:
		o = c.Pong(m.Term)
	case *Call:
		var err error
		if o, err = c.Result(m.Ref, m.Args); err != nil {
			return
		}
	default:
		return
	}
	packet := written(t, c, o)
	if c == MessagePack {
		packet = append([]byte("\x92\xa4ping"), packet...)
		require.IsType(t, &Ping{}, parse(packet)[0], "% x", packet)
		return
	}
	_, err := etf.Limits{MaxDepth: 10_000}.Parse(packet)
	require.NoError(t, err, "% x", packet)
}

func FuzzParse(f *testing.F) {
	for _, packet := range golden(f, "client") {
		f.Add(packet, []byte("\x92\xa4ping\x01"))
	}
	f.Add([]byte{0x90}, callWith([]byte{0xd4, 1, 2}))
	f.Add(mp(f, []any{[]any{"reply", "x", []any{"ok", 1}}, []any{"call", 1.5, "f", []any{}, map[string]any{"timeout": 1}}}), []byte("\xa5drain"))
	f.Add([]byte{1}, []byte{131, 80, 0, 0, 0, 9})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		p := Parser{Limits: etf.Limits{MaxDepth: 100, MaxInflated: 1 << 20}}
		for _, packet := range [][]byte{first, second} {
			before := bytes.Clone(packet)
			p.Open(packet)
			for m := p.Next(); m != nil; m = p.Next() {
				checkMessage(t, m)
				answers(t, p.Codec(), m)
			}
			require.Equal(t, before, packet, "a packet is read, not written")
		}
	})
}

// FuzzMessagePack checks that what came in as MessagePack goes out again as
// MessagePack of the same meaning.
func FuzzMessagePack(f *testing.F) {
	for _, v := range []any{nil, true, -1, 1 << 40, 1.5, "text", []byte{0xff}, []any{1, "x"}, map[string]any{"a": []any{nil}}} {
		f.Add(mp(f, v))
	}
	f.Add(bytes.Repeat([]byte{0x91}, 50))
	f.Add([]byte{0xdf, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, value []byte) {
		ping := func(value []byte) *Ping {
			messages := parse(append([]byte("\x92\xa4ping"), value...))
			require.NotEmpty(t, messages)
			p, _ := messages[0].(*Ping)
			return p
		}
		in := ping(value)
		if in == nil {
			return
		}
		checkMessage(t, in)
		out := MessagePack.Pong(in.Term).buf[headroom:]
		require.Equal(t, "\x92\xa4pong", string(out[:6]))
		again := ping(out[6:])
		require.NotNil(t, again)
		require.Equal(t, in.Term, again.Term)
		require.LessOrEqual(t, len(out)-6, 9*len(value))
	})
}

func FuzzPacketReader(f *testing.F) {
	f.Add(framed([]byte("a"), nil, []byte("bc")), 100)
	f.Add([]byte{0, 0, 0, 200, 1, 2}, 100)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff}, 0)
	f.Fuzz(func(t *testing.T, stream []byte, limit int) {
		packets, failure := drainReader(NewPacketReader(bytes.NewReader(stream), limit))
		assert.True(t, failure == io.EOF || failure == io.ErrUnexpectedEOF, failure)
		total := 0
		for _, p := range packets {
			total += headerSize + len(p)
		}
		assert.LessOrEqual(t, total, len(stream)+headerSize*len(packets))
		halves, same := drainReader(NewPacketReader(iotest.OneByteReader(bytes.NewReader(stream)), limit))
		assert.Equal(t, failure, same)
		assert.Equal(t, packets, halves)
	})
}

// drainReader reads to the end; a packet over the limit is nil.
func drainReader(r *PacketReader) (packets [][]byte, err error) {
	for {
		p, err := r.Next()
		if _, ok := errors.AsType[*FrameTooLargeError](err); ok {
			p, err = nil, nil
		}
		if err != nil {
			return packets, err
		}
		packets = append(packets, p)
	}
}
