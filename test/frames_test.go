package test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// unusable are packets that are no message, whatever came before them.
func unusable(via transport) map[string][]byte {
	packets := unusableETF()
	if via.codec == (msgpackCodec{}) {
		packets = unusableMsgpack()
	}
	for name, m := range misshapen {
		packets[name] = via.codec.packet(m)
	}
	return packets
}

// misshapen are messages with something missing, too much, or of another kind.
var misshapen = map[string]any{
	"a credit of nobody":            tuple(atom("credit"), 1),
	"a credit of three":             tuple(atom("credit"), 1, 2, 3),
	"no credit":                     credit(1, 0),
	"less than no credit":           credit(1, -5),
	"credit in words":               credit(1, "five"),
	"credit without end":            credit(1, atom("infinity")),
	"an input of nothing":           tuple(atom("send"), 1),
	"an input of two":               tuple(atom("send"), 1, 2, 3),
	"a close of nothing":            tuple(atom("close")),
	"a close of two":                tuple(atom("close"), 1, 2),
	"an owner_down of nobody":       tuple(atom("owner_down")),
	"a reply to nobody":             tuple(atom("reply"), tuple(atom("ok"), 1)),
	"a reply to a name":             reply("one", 1),
	"a reply of neither":            tuple(atom("reply"), 1, tuple(atom("maybe"), 1)),
	"a reply of nothing":            tuple(atom("reply"), 1, tuple(atom("ok"))),
	"a reply of a number":           tuple(atom("reply"), 1, 2),
	"an ack of nothing":             tuple(atom("ack")),
	"an ack of less than nothing":   ack(-1),
	"an ack in words":               ack("all"),
	"data from the wrong side":      tuple(atom("data"), 1, list(1)),
	"a callback from the wrong one": tuple(atom("callback"), 1, 1, "f", list(), options()),
}

func unusableMsgpack() map[string][]byte {
	packet := overMsgpack.codec.packet
	return map[string][]byte{
		"an array of no elements that follow":    []byte("\xdc\x00\x05\xa4ping"),
		"an array of 4 billion elements":         []byte("\xdd\xff\xff\xff\xff\xa4ping"),
		"a map of 4 billion pairs":               []byte("\xdf\xff\xff\xff\xff"),
		"a string of 4 GB":                       []byte("\x92\xa4ping\xdb\xff\xff\xff\xff"),
		"bytes of 4 GB":                          []byte("\x92\xa4ping\xc6\xff\xff\xff\xff"),
		"an extension of 4 GB":                   []byte("\x92\xa4ping\xc9\xff\xff\xff\xff\x01"),
		"a code that is never used":              []byte("\xc1"),
		"bytes after the message":                append(packet(ping(1)), 0),
		"half a message":                         packet(ping("half of this"))[:9],
		"an integer":                             packet(42),
		"a map":                                  packet(options("ping", 1)),
		"nesting without end":                    bytes.Repeat([]byte{0x91}, 1<<20),
		"an unknown tag":                         packet(tuple(atom("pong?"), 1)),
		"a ping of nothing":                      packet(tuple(atom("ping"))),
		"a ping of two":                          packet(tuple(atom("ping"), 1, 2)),
		"a cancel of nothing":                    packet(tuple(atom("cancel"))),
		"a tag that is a number":                 packet(tuple(1, 2)),
		"an External Term Format message":        overETF.codec.packet(ping(1)),
		"an External Term Format call of ref 40": overETF.codec.packet(call(40, "echo", 1)),
	}
}

func unusableETF() map[string][]byte {
	packet := overETF.codec.packet
	return map[string][]byte{
		"nothing":                         {},
		"another version":                 []byte("\x82\x61\x01"),
		"a version and nothing":           {131},
		"an unknown tag byte":             []byte("\x83\xff"),
		"a list of 4 billion elements":    []byte("\x83\x6c\xff\xff\xff\xff"),
		"a tuple of 4 billion":            []byte("\x83\x69\xff\xff\xff\xff\x61\x01"),
		"a map of 4 billion pairs":        []byte("\x83\x74\xff\xff\xff\xff\x61\x01"),
		"a binary of 4 GB":                []byte("\x83\x6d\xff\xff\xff\xffab"),
		"an integer of 4 GB":              []byte("\x83\x6f\xff\xff\xff\xff\x00\x01"),
		"an atom of bad UTF-8":            []byte("\x83\x68\x02\x77\x02\xc3\x28\x61\x01"),
		"an atom of 300 characters":       append([]byte("\x83\x68\x02\x76\x01\x2c"), bytes.Repeat([]byte("a"), 300)...),
		"a bitstring of 9 bits a byte":    []byte("\x83\x4d\x00\x00\x00\x01\x09\xff"),
		"bytes after the message":         append(packet(ping(1)), 0),
		"half a message":                  packet(ping("half of this"))[:12],
		"an integer":                      packet(42),
		"an atom":                         packet(atom("pong")),
		"an improper batch":               packet(etf.ImproperList{Elements: []any{ping(1)}, Tail: 2}),
		"nesting without end":             append([]byte{131}, bytes.Repeat([]byte{0x68, 1}, 1<<20)...),
		"lists without end":               append([]byte{131}, bytes.Repeat([]byte{0x6c, 0, 0, 0, 1}, 1<<20)...),
		"an unknown tag":                  packet(tuple(atom("pong?"), 1)),
		"an empty tuple":                  packet(tuple()),
		"a tag that is a binary":          packet(tuple([]byte("ping"), 1)),
		"a ping of nothing":               packet(tuple(atom("ping"))),
		"a ping of two":                   packet(tuple(atom("ping"), 1, 2)),
		"a cancel of nothing":             packet(tuple(atom("cancel"))),
		"a compressed bomb":               compressed(1<<30, make([]byte, 1<<20)),
		"a compressed lie":                compressed(1<<10, overETF.codec.term(ping(1))),
		"compressed rubbish":              []byte("\x83\x50\x00\x00\x00\x10rubbish that is no zlib"),
		"a MessagePack message":           overMsgpack.codec.packet(ping(1)),
		"text":                            []byte("hello world\n"),
		"a distribution header":           []byte("\x83\x44\x00"),
		"an atom of a cache there is not": {131, 82, 0},
	}
}

// compressed is a packet whose term claims size bytes and holds data.
func compressed(size uint32, data []byte) []byte {
	out := bytes.NewBuffer(binary.BigEndian.AppendUint32([]byte{131, 80}, size))
	w := zlib.NewWriter(out)
	_ = must(w.Write(data))
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func TestAnUnusableFrameHarmsNothingElse(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call("bystander", "sleep", 60_000)
		for name, payload := range unusable(via) {
			t.Run(name, func(t *testing.T) {
				p := p.in(t)
				p.SendRaw(payload)
				m := p.Expect("fault")
				f, err := failure(m.At(1))
				require.NoError(t, err)
				assert.Contains(t, []string{"bad_frame", "bad_message"}, f.Reason)
				assert.NotEmpty(t, f.Message)
				p.Ping()
				p.Discard("fault") // some hold more than one mistake
			})
		}
		p.None("result")
		p.Send(cancel("bystander"))
		p.Failure("bystander", "cancelled")
		assert.Less(t, memory(t, p.Pid(), "VmHWM"), int64(256<<20), "bytes at the most")
	})
}

// deepCall is a call whose ref can be read and whose arguments are nested past
// every limit.
func deepCall(via transport, ref byte) []byte {
	if via.codec == (msgpackCodec{}) {
		return append([]byte{0x94, 0xa4, 'c', 'a', 'l', 'l', ref, 0xa4, 'e', 'c', 'h', 'o'}, bytes.Repeat([]byte{0x91}, 1<<20)...)
	}
	return append([]byte{131, 104, 4, 119, 4, 'c', 'a', 'l', 'l', 97, ref, 119, 4, 'e', 'c', 'h', 'o'},
		bytes.Repeat([]byte{104, 1}, 1<<20)...)
}

// It gets one answer, and that is no result where the ref belongs to a live task.
func TestACallNestedWithoutEnd(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Ping()
		p.ledger.sent(via.codec, call(1, "echo"))
		p.SendRaw(deepCall(via, 1))
		assert.NotEmpty(t, p.Refused(1).Message)
		p.Ping()
		p.None("fault")

		p.Call(2, "sleep", 60_000)
		p.SendRaw(deepCall(via, 2))
		p.Expect("fault")
		p.Ping()
		p.None("result")
		p.Send(cancel(2))
		p.Failure(2, "cancelled")
	})
}

// A worker that has seen nothing usable yet does not know the codec, and waits
// for a packet that tells.
func TestTheFirstPacketIsUnusable(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		for name, first := range map[string]string{
			"nothing": "", "text": "hello world\n", "a code of no codec": "\xc1", "half a term": "\x83\xff",
		} {
			if first != "" && first[0] == etf.Version && via.codec == (msgpackCodec{}) {
				continue // that tells
			}
			t.Run(name, func(t *testing.T) {
				p := Start(t, via)
				p.SendRaw([]byte(first))
				p.Fault("bad_frame")
				p.Ping()
			})
		}
	})
}

func TestTheRefOfAFault(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Send(tuple(atom("no_such_message"), "ref"))
		ref := p.Expect("fault").At(0)
		assert.Contains(t, []any{"ref", "undefined", nil}, ref)
	})
}

func TestACompressedTerm(t *testing.T) {
	p := Start(t, overETF)
	body := strings.Repeat("compress me ", 10_000)
	message := call(1, "upcase", body)
	term := overETF.codec.term(message)
	p.ledger.sent(overETF.codec, message)
	p.SendRaw(compressed(uint32(len(term)), term))
	assert.Equal(t, strings.ToUpper(body), p.Value(1))
}

// The bytes of a frame that is too large are skipped: 2 GiB go by and the
// worker stays as small as it was.
func TestAFrameTooLarge(t *testing.T) {
	p := Start(t, overETF)
	p.Ping()
	const size = 1 << 31
	p.Write(binary.BigEndian.AppendUint32(nil, size))
	chunk := make([]byte, 1<<20)
	for range size / len(chunk) {
		p.Write(chunk)
	}
	assert.NotEmpty(t, p.Fault("frame_too_large").Message)
	p.Ping()
	assert.Less(t, memory(t, p.Pid(), "VmHWM"), int64(64<<20), "bytes at the most")
}

func TestAFrameJustTooLarge(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		const maxFrame = 4096
		p := Start(t, via, Args("--max-frame", "4096"))
		p.Ping()
		fits := ping(strings.Repeat("x", maxFrame-64))
		exact := append(via.codec.packet(fits), make([]byte, maxFrame)...)[:maxFrame]
		p.SendRaw(exact) // the largest that is read, and then refused for its trailing bytes
		p.Fault("bad_frame")
		p.SendRaw(append(exact, 0))
		message := p.Fault("frame_too_large").Message
		assert.Contains(t, message, "4096")
		assert.Contains(t, message, "4097")
		p.Send(fits)
		p.Pong(fits[1])
	})
}

// A frame is whole whatever pieces it comes in.
func TestAFrameInPieces(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		m := call("pieces", "upcase", "piece by piece")
		p.ledger.sent(via.codec, m)
		for _, b := range packet(via.codec.packet(m)) {
			p.Write([]byte{b})
		}
		assert.Equal(t, "PIECE BY PIECE", p.Value("pieces"))
	})
}

// A result that does not fit a frame of the other side cannot be sent: the call
// still ends.
func TestAResultTooLarge(t *testing.T) {
	p := Start(t, overETF, fixture(t), Args("--max-frame", "65536"))
	p.Call(1, "fill", 1<<20)
	if value, failed := p.Result(1); failed == nil {
		assert.Len(t, value, 1<<20)
	}
	p.Ping()
}
