package protocol

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"portworker/etf"
)

func unpackMessagePack(packet []byte, v any) error { return msgpack.Unmarshal(packet, v) }

// mp encodes a value with the library, as a client might.
func mp(t testing.TB, v any) []byte {
	t.Helper()
	b, err := msgpack.Marshal(v)
	require.NoError(t, err)
	return b
}

func bytesOf(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	require.NoError(t, err)
	return b
}

// callWith is ["call", 1, "echo", [value]] around the bytes of a value.
func callWith(value []byte) []byte {
	return append([]byte("\x94\xa4call\x01\xa4echo\x91"), value...)
}

func TestMessagePackBecomesTerms(t *testing.T) {
	tests := map[string]struct {
		in   string // hex
		want any
	}{
		"nil":                       {"c0", nil},
		"true":                      {"c3", true},
		"false":                     {"c2", false},
		"fixint":                    {"7f", int64(127)},
		"negative fixint":           {"e0", int64(-32)},
		"uint8":                     {"cc ff", int64(255)},
		"uint16":                    {"cd ffff", int64(65535)},
		"uint32":                    {"ce ffffffff", int64(math.MaxUint32)},
		"uint64":                    {"cf ffffffffffffffff", new(big.Int).SetUint64(math.MaxUint64)},
		"int8":                      {"d0 80", int64(-128)},
		"int16":                     {"d1 8000", int64(-32768)},
		"int32":                     {"d2 80000000", int64(math.MinInt32)},
		"int64":                     {"d3 8000000000000000", int64(math.MinInt64)},
		"an integer in a wide form": {"d3 0000000000000001", int64(1)},
		"float32":                   {"ca 3fc00000", 1.5},
		"float64":                   {"cb 3ff8000000000000", 1.5},
		"negative zero":             {"cb 8000000000000000", math.Copysign(0, -1)},
		"fixstr":                    {"a2 6869", "hi"},
		"the empty string":          {"a0", ""},
		"str8":                      {"d9 02 6869", "hi"},
		"str16":                     {"da 0002 6869", "hi"},
		"str32":                     {"db 00000002 6869", "hi"},
		"a str that is not UTF-8":   {"a1 ff", "\xff"},
		"bin8":                      {"c4 02 00ff", "\x00\xff"},
		"bin16":                     {"c5 0002 00ff", "\x00\xff"},
		"bin32":                     {"c6 00000002 00ff", "\x00\xff"},
		"fixarray":                  {"92 01 a1 78", []any{int64(1), "x"}},
		"the empty array":           {"90", []any{}},
		"array16":                   {"dc 0001 01", []any{int64(1)}},
		"array32":                   {"dd 00000001 01", []any{int64(1)}},
		"fixmap":                    {"81 a1 61 01", etf.Map{{Key: "a", Value: int64(1)}}},
		"the empty map":             {"80", etf.Map{}},
		"map16":                     {"de 0001 01 02", etf.Map{{Key: int64(1), Value: int64(2)}}},
		"map32":                     {"df 00000001 c0 c3", etf.Map{{Key: nil, Value: true}}},
		"an array as a key":         {"81 91 01 02", etf.Map{{Key: []any{int64(1)}, Value: int64(2)}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			call := only[*Call](t, parse(callWith(bytesOf(t, test.in))))
			assert.Equal(t, []any{test.want}, decoded(t, call.Args))
		})
	}
}

func TestTermsBecomeMessagePack(t *testing.T) {
	node := []byte("\x77\x0dnonode@nohost")
	tests := map[string]struct {
		in   any
		want string // hex, or the error
	}{
		"nil":                      {nil, "c0"},
		"true":                     {true, "c3"},
		"false":                    {false, "c2"},
		"an atom":                  {etf.Atom("ok"), "a2 6f6b"},
		"undefined is a word":      {etf.Atom("undefined"), "a9 756e646566696e6564"},
		"a small integer":          {7, "07"},
		"a negative integer":       {-1, "ff"},
		"128":                      {128, "cc 80"},
		"256":                      {256, "cd 0100"},
		"65536":                    {65536, "ce 00010000"},
		"-129":                     {-129, "d1 ff7f"},
		"the least int64":          {math.MinInt64, "d3 8000000000000000"},
		"the greatest uint64":      {uint64(math.MaxUint64), "cf ffffffffffffffff"},
		"2^64":                     {new(big.Int).Lsh(big.NewInt(1), 64), "error"},
		"-2^63-1":                  {new(big.Int).Sub(big.NewInt(math.MinInt64), big.NewInt(1)), "error"},
		"a float":                  {1.5, "cb 3ff8000000000000"},
		"text":                     {"hé", "a3 68c3a9"},
		"bytes":                    {[]byte{0xff, 0}, "c4 02 ff00"},
		"no bytes":                 {"", "a0"},
		"a list":                   {[]int{1, 2}, "92 01 02"},
		"the empty list":           {[]int{}, "90"},
		"a list the BEAM wrote":    {etf.Raw{stringExt, 0, 2, 1, 200}, "92 01 cc c8"},
		"a tuple":                  {etf.Tuple{1, "a"}, "92 01 a1 61"},
		"the empty tuple":          {etf.Tuple{}, "90"},
		"a map":                    {etf.Map{{Key: etf.Atom("a"), Value: 1}, {Key: 2, Value: nil}}, "82 a1 61 01 02 c0"},
		"an empty map":             {etf.Map{}, "80"},
		"nested":                   {etf.Tuple{[]any{etf.Map{{Key: "k", Value: etf.Tuple{1}}}}, 2}, "92 91 81 a1 6b 91 01 02"},
		"an improper list":         {etf.ImproperList{Elements: []any{1}, Tail: 2}, "error"},
		"a list with a list's end": {etf.Raw("\x6c\x00\x00\x00\x01\x61\x01\x6c\x00\x00\x00\x01\x61\x02\x6a"), "error"},
		"a bitstring":              {etf.Bitstring{Bytes: []byte{0x80}, Bits: 1}, "error"},
		"a pid":                    {etf.Raw(append(append([]byte{88}, node...), make([]byte, 12)...)), "error"},
		"a port":                   {etf.Raw(append(append([]byte{120}, node...), make([]byte, 12)...)), "error"},
		"a reference":              {etf.Raw(append(append([]byte{90, 0, 1}, node...), make([]byte, 8)...)), "error"},
		"a function":               {etf.Raw("\x71\x77\x05lists\x77\x03map\x61\x02"), "error"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o, err := MessagePack.Result(term(t, []byte{1}), test.in)
			if test.want == "error" {
				assert.ErrorContains(t, err, "has no MessagePack form")
				return
			}
			require.NoError(t, err)
			want := append([]byte("\x93\xa6result\x01\x92\xa2ok"), bytesOf(t, test.want)...)
			assert.Equal(t, hex.EncodeToString(want), hex.EncodeToString(o.buf[headroom:]))
		})
	}
}

// TestRefsComeBackByteForByte covers encodings of one number too, which are
// different refs.
func TestRefsComeBackByteForByte(t *testing.T) {
	for _, raw := range []string{
		"01", "cc 01", "cd 0001", "d3 0000000000000001", "cf ffffffffffffffff", "ff", "ca 3f800000", "cb 3ff0000000000000",
		"c0", "c2", "c3", "a0", "a2 6869", "d9 02 6869", "a1 ff", "c4 00", "c4 01 ff", "a9 756e646566696e6564",
	} {
		t.Run(raw, func(t *testing.T) {
			bytes := bytesOf(t, raw)
			packet := append(append([]byte("\x94\xa4call"), bytes...), "\xa4echo\x90"...)
			call := only[*Call](t, parse(packet))
			o, err := MessagePack.Result(call.Ref, 1)
			require.NoError(t, err)
			assert.Equal(t, "\x93\xa6result"+string(bytes)+"\x92\xa2ok\x01", string(o.buf[headroom:]))
			o, err = MessagePack.Progress(call.Ref, 1)
			require.NoError(t, err)
			assert.Equal(t, "\x93\xa8progress"+string(bytes)+"\x01", string(o.buf[headroom:]))

			cancel := only[*Cancel](t, parse(append([]byte("\x92\xa6cancel"), bytes...)))
			assert.Equal(t, call.Ref, cancel.Ref, "the same bytes name the same task")
		})
	}
}

func TestEveryMessageInMessagePack(t *testing.T) {
	ref := term(t, []byte{1})
	tests := map[string]struct {
		in   any
		want Message
	}{
		"hello": {[]any{"hello", map[string]any{"protocol": 1, "config": map[string]any{"max_running": 5}, "log_level": "debug"}},
			&Hello{Protocol: 1, LogLevel: "debug", Config: etf.Map{{Key: "max_running", Value: int64(5)}}}},
		"cancel":              {[]any{"cancel", 1}, &Cancel{Ref: ref}},
		"credit":              {[]any{"credit", 1, 16}, &Credit{Ref: ref, N: 16}},
		"send":                {[]any{"send", 1, "x"}, &Send{Ref: ref, Term: term(t, "x")}},
		"close":               {[]any{"close", 1}, &Close{Ref: ref}},
		"owner_down":          {[]any{"owner_down", "me"}, &OwnerDown{Owner: term(t, "me")}},
		"ping":                {[]any{"ping", []any{1}}, &Ping{Term: term(t, []any{1})}},
		"ack":                 {[]any{"ack", 100}, &Ack{Bytes: 100}},
		"drain":               {"drain", &Drain{}},
		"drain in an array":   {[]any{"drain"}, &Drain{}},
		"reply":               {[]any{"reply", 5, []any{"ok", "x"}}, &Reply{Ref: term(t, 5), OK: true, Value: term(t, "x")}},
		"reply with an error": {[]any{"reply", 5, []any{"error", nil}}, &Reply{Ref: term(t, 5), Value: term(t, nil)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, []Message{test.want}, parse(mp(t, test.in)))
		})
	}
}

func TestCallOptionsInMessagePack(t *testing.T) {
	packet := mp(t, []any{"call", "r", "echo", []any{}, map[string]any{
		"timeout": 250, "priority": "high", "lane": "cpu", "owner": "me", "progress": false, "name": "n", "meta": map[string]any{},
	}})
	call := only[*Call](t, parse(packet))
	assert.Equal(t, CallOptions{
		Timeout: 250e6, Priority: PriorityHigh, Lane: "cpu", Owner: term(t, "me"), Credit: CreditDefault, Name: "n", Meta: term(t, etf.Map{}),
	}, call.CallOptions)
}

func TestWhatIsNoMessagePackMessage(t *testing.T) {
	deep := callWith(append(bytes.Repeat([]byte{0x91}, 1001), 0xc0))
	tests := map[string]struct {
		in   []byte
		want string
		call bool // the ref of the call, 1, gets a result instead
	}{
		"truncated":                   {callWith(nil), "msgpack: length 1 at byte 13: only 0 bytes are left", true},
		"truncated in a number":       {callWith([]byte{0xcd, 1}), "msgpack: truncated after 15 bytes", true},
		"truncated before the ref":    {[]byte("\x94\xa4call"), "msgpack: truncated after 6 bytes", false},
		"a false array length":        {callWith([]byte{0xdd, 0xff, 0xff, 0xff, 0xff}), "msgpack: length 4294967295 at byte 18: only 0 bytes are left", true},
		"a false map length":          {callWith([]byte{0xdf, 0x7f, 0xff, 0xff, 0xff}), "msgpack: length 2147483647 at byte 18: only 0 bytes are left", true},
		"a false string length":       {callWith([]byte{0xdb, 0xff, 0xff, 0xff, 0xff, 'x'}), "msgpack: length 4294967295 at byte 18: only 1 bytes are left", true},
		"a false bin length":          {callWith([]byte{0xc6, 0xff, 0xff, 0xff, 0xff}), "msgpack: length 4294967295 at byte 18: only 0 bytes are left", true},
		"a false length of a batch":   {[]byte{0xdd, 0xff, 0xff, 0xff, 0xff, 0x91}, "msgpack: length 4294967295 at byte 5: only 1 bytes are left", false},
		"an extension":                {callWith([]byte{0xd4, 1, 2}), "msgpack: extension type at byte 13: it has no term", true},
		"the code that is never used": {callWith([]byte{0xc1}), "msgpack: invalid code=c1 decoding int64", true},
		"not a number":                {callWith([]byte{0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0}), "msgpack: etf: NaN has no encoding, expected a finite float", true},
		"an infinity":                 {callWith([]byte{0xca, 0x7f, 0x80, 0, 0}), "msgpack: etf: +Inf has no encoding, expected a finite float", true},
		"nested too deeply":           {deep, "msgpack: nested deeper than 1000 levels at byte 1013", true},
		"an array as a ref":           {[]byte("\x92\xa6cancel\x90"), "msgpack: ref at byte 8: expected a scalar (string, binary, number, boolean or nil)", false},
		"a key twice":                 {callWith([]byte{0x82, 1, 2, 1, 3}), "msgpack: ", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			invalid := only[*Invalid](t, parse(test.in))
			assert.Equal(t, test.call, invalid.Call)
			if test.call {
				assert.Equal(t, term(t, []byte{1}), invalid.Ref)
			} else {
				assert.Nil(t, invalid.Ref)
			}
			assert.Equal(t, BadFrame, invalid.Err.Reason)
			assert.Contains(t, invalid.Err.Message, test.want)
		})
	}
}

func TestMessagePackHasNoShortCalls(t *testing.T) {
	invalid := only[*Invalid](t, parse([]byte("\x91\x94\x01\xa4echo\x90\x07")))
	assert.False(t, invalid.Call)
	assert.Equal(t, &Error{Reason: BadMessage, Message: "message tag 1: expected an atom"}, invalid.Err)
}

func TestBytesAfterAMessagePackMessageAreTold(t *testing.T) {
	messages := parse([]byte("\x92\xa4ping\x01\x00"))
	require.Len(t, messages, 2)
	assert.Equal(t, &Ping{Term: term(t, 1)}, messages[0])
	assert.Equal(t, "msgpack: 1 bytes after the end of the value: expected one value in a packet", messages[1].(*Invalid).Err.Message)
}

// TestBothCodecsNestEquallyDeep nests arguments in the list of arguments.
func TestBothCodecsNestEquallyDeep(t *testing.T) {
	for _, depth := range []int{etf.DefaultMaxDepth - 1, etf.DefaultMaxDepth} {
		inETF := parse(nestedCall(depth))
		inMessagePack := parse(callWith(append(bytes.Repeat([]byte{0x91}, depth), 1)))
		if depth < etf.DefaultMaxDepth {
			only[*Call](t, inETF)
			only[*Call](t, inMessagePack)
			continue
		}
		for _, messages := range [][]Message{inETF, inMessagePack} {
			invalid := only[*Invalid](t, messages)
			assert.True(t, invalid.Call)
			assert.Equal(t, BadFrame, invalid.Err.Reason)
		}
	}
}

// nestedCall is a call whose only argument is a number in so many lists.
func nestedCall(depth int) []byte {
	packet := etf.AppendInt(etf.AppendAtom(append([]byte{etf.Version}, etf.AppendTuple(nil, 4)...), "call"), 1)
	packet = etf.AppendAtom(packet, "echo")
	for range depth + 1 {
		packet = etf.AppendList(packet, 1)
	}
	packet = etf.AppendInt(packet, 1)
	return append(packet, bytes.Repeat(etf.AppendNil(nil), depth+1)...)
}

func TestABatchInMessagePack(t *testing.T) {
	ping := func(v any) any { return []any{"ping", v} }
	pinged := func(v any) Message { return &Ping{Term: term(t, v)} }

	t.Run("in order", func(t *testing.T) {
		assert.Equal(t, []Message{pinged(1), &Drain{}, pinged(2)}, parse(mp(t, []any{ping(1), "drain", ping(2)})))
	})
	t.Run("empty", func(t *testing.T) {
		assert.Empty(t, parse(mp(t, []any{})))
	})
	t.Run("of one", func(t *testing.T) {
		assert.Equal(t, []Message{pinged(1)}, parse(mp(t, []any{ping(1)})))
	})
	t.Run("with an empty message", func(t *testing.T) {
		messages := parse(mp(t, []any{[]any{}, ping(1)}))
		require.Len(t, messages, 2)
		assert.Contains(t, messages[0].(*Invalid).Err.Message, "{} is no message")
		assert.Equal(t, pinged(1), messages[1])
	})
	t.Run("a word at first is a message's tag", func(t *testing.T) {
		invalid := only[*Invalid](t, parse(mp(t, []any{"drain", ping(1)})))
		assert.Equal(t, "drain with 2 elements: expected drain", invalid.Err.Message)
		assert.Nil(t, invalid.Ref)
	})
	t.Run("an unreadable message keeps those before it", func(t *testing.T) {
		packet := append([]byte{0x93}, mp(t, ping(1))...)
		packet = append(packet, callWith([]byte{0xd4, 1, 2})...) // an extension
		packet = append(packet, mp(t, ping(2))...)
		messages := parse(packet)
		require.Len(t, messages, 3)
		assert.Equal(t, pinged(1), messages[0])
		assert.Equal(t, term(t, []byte{1}), messages[1].(*Invalid).Ref)
		assert.True(t, messages[1].(*Invalid).Call)
		assert.Nil(t, messages[2].(*Invalid).Ref, "the ping behind it is lost, and that is told")
	})
	t.Run("an unreadable call at the end has one answer", func(t *testing.T) {
		packet := append([]byte{0x92}, mp(t, ping(1))...)
		messages := parse(append(packet, callWith([]byte{0xd4, 1, 2})...))
		require.Len(t, messages, 2)
		assert.True(t, messages[1].(*Invalid).Call)
	})
	t.Run("a truncated one keeps what is whole", func(t *testing.T) {
		whole := mp(t, []any{ping(1), ping(2), ping(3)})
		messages := parse(whole[:len(whole)-1])
		require.Len(t, messages, 3)
		assert.Equal(t, []Message{pinged(1), pinged(2)}, messages[:2])
		assert.Equal(t, BadFrame, messages[2].(*Invalid).Err.Reason)
	})
}

// TestAFaultAboutAReplyIsWellFormed is about refs of replies, which are not the client's
// own: their bytes must not be taken for MessagePack.
func TestAFaultAboutAReplyIsWellFormed(t *testing.T) {
	for _, ref := range []any{"hello", "h", 5, -70000, uint64(math.MaxUint64), nil, true, 1.5, []byte{0xc1}} {
		t.Run(fmt.Sprintf("%T %v", ref, ref), func(t *testing.T) {
			for _, message := range []any{[]any{"reply", ref, "bad"}, []any{"reply", ref}, []any{"reply", ref, []any{"ok", 1}}} {
				var got etf.Raw
				switch m := parse(mp(t, message))[0].(type) {
				case *Invalid:
					got = m.Ref
				case *Reply:
					got = m.Ref
				}
				packet := written(t, MessagePack, MessagePack.Fault(got, &Error{Reason: Unsupported}))
				var fault []any
				require.NoError(t, unpackMessagePack(packet, &fault), "% x", packet)
				require.Len(t, fault, 3)
				if ref == uint64(math.MaxUint64) {
					return // no ref of a worker's: past what it counts in
				}
				assert.EqualValues(t, ref, fault[1])
			}
		})
	}
}

func TestAPingThatMessagePackCannotCarryIsAFault(t *testing.T) {
	packet := written(t, MessagePack, MessagePack.Pong(term(t, etf.ImproperList{Elements: []any{1}, Tail: 2})))
	var fault []any
	require.NoError(t, unpackMessagePack(packet, &fault))
	assert.Equal(t, []any{"fault", nil, map[string]any{
		"reason": "bad_message", "message": "ping: an improper list has no MessagePack form"}}, fault)
}

// TestDeepTermsArePackedInOnePass would take minutes if each level measured what
// is in it first.
func TestDeepTermsArePackedInOnePass(t *testing.T) {
	const depth, width = 900, 1 << 20
	packet := append([]byte("\x92\xa4ping"), bytes.Repeat([]byte{0x91}, depth)...)
	packet = append(packet, 0xdd, 0, width>>16, 0, 0)
	packet = append(packet, make([]byte, width)...)
	ping := only[*Ping](t, parse(packet))
	o := MessagePack.Pong(ping.Term)
	packet[2], packet[3] = 'p', 'o'
	assert.True(t, bytes.Equal(packet, o.buf[headroom:]), "comes back as it went in")
}
