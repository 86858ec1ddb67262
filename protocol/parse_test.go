package protocol

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

func TestMessagesOfTheWrongShape(t *testing.T) {
	const callShape = "expected {call, Ref, Name, Args} or {call, Ref, Name, Args, Opts}"
	const unknown = ": expected call, cancel, credit, send, close, owner_down, reply, ack, ping, drain or hello"
	ok := etf.Atom("ok")
	long := strings.Repeat("x", 255)
	tests := map[string]struct {
		in   any
		ref  any // nil is none
		call bool
		want string
	}{
		"a number":                     {5, nil, false, "5 is no message: expected a tuple that begins with its tag, or the atom drain"},
		"another atom":                 {etf.Atom("stop"), nil, false, ":stop is no message: expected a tuple that begins with its tag, or the atom drain"},
		"a binary":                     {"drain", nil, false, `"drain" is no message: expected a tuple that begins with its tag, or the atom drain`},
		"the empty tuple":              {etf.Tuple{}, nil, false, "{} is no message: expected a tuple that begins with its tag, or the atom drain"},
		"a map":                        {etf.Map{}, nil, false, "%{} is no message: expected a tuple that begins with its tag, or the atom drain"},
		"a list of bytes":              {etf.Raw{stringExt, 0, 1, 7}, nil, false, "[7] is no message: expected a tuple that begins with its tag, or the atom drain"},
		"a binary for a tag":           {etf.Tuple{"ping", 1}, nil, false, `message tag "ping": expected an atom`},
		"an unknown tag":               {tuple("launch", 1), nil, false, `unknown message tag "launch"` + unknown},
		"a message of the worker":      {tuple("pong", 1), nil, false, `unknown message tag "pong"` + unknown},
		"a long unknown tag":           {tuple(long, 1), nil, false, `unknown message tag "` + long[:64] + `… (255 bytes)"` + unknown},
		"an unknown tag of many":       {tuple("launch", 1, 2, 3, 4, 5, 6, 7), nil, false, `unknown message tag "launch"` + unknown},
		"a tuple of many without tag":  {etf.Tuple{1, 2, 3, 4, 5, 6, 7}, nil, false, "{1, 2, 3, …} is no message: expected a tuple that begins with its tag, or the atom drain"},
		"a lone call":                  {tuple("call"), nil, false, "call with 1 elements: " + callShape},
		"a call with a ref only":       {tuple("call", 1), 1, true, "call with 2 elements: " + callShape},
		"a call without arguments":     {tuple("call", 1, ok), 1, true, "call with 3 elements: " + callShape},
		"a call with one too many":     {tuple("call", 1, ok, []any{}, etf.Map{}, 6), 1, true, "call with 6 elements: " + callShape},
		"a call with many too many":    {tuple("call", 1, ok, []any{}, etf.Map{}, 6, 7, 8), 1, true, "call with 8 elements: " + callShape},
		"a call of a number":           {tuple("call", 1, 2, []any{}), 1, true, "function name 2: expected an atom or a binary"},
		"arguments in a tuple":         {tuple("call", 1, ok, etf.Tuple{1}), 1, true, "arguments {1}: expected a list"},
		"an argument alone":            {tuple("call", 1, ok, "x"), 1, true, `arguments "x": expected a list`},
		"options in a list":            {tuple("call", 1, ok, []any{}, []any{}), 1, true, "options []: expected a map, or the number of options that were kept"},
		"cancel without a ref":         {tuple("cancel"), nil, false, "cancel with 1 elements: expected {cancel, Ref}"},
		"cancel with more":             {tuple("cancel", 1, 2), 1, false, "cancel with 3 elements: expected {cancel, Ref}"},
		"credit without a number":      {tuple("credit", 1), 1, false, "credit with 2 elements: expected {credit, Ref, N}"},
		"credit of none":               {tuple("credit", 1, 0), 1, false, "credit 0: expected a positive integer"},
		"credit below none":            {tuple("credit", 1, -1), 1, false, "credit -1: expected a positive integer"},
		"credit in words":              {tuple("credit", 1, ok), 1, false, "credit :ok: expected a positive integer"},
		"send of nothing":              {tuple("send", 1), 1, false, "send with 2 elements: expected {send, Ref, Term}"},
		"close of everything":          {tuple("close"), nil, false, "close with 1 elements: expected {close, Ref}"},
		"owner_down with more":         {tuple("owner_down", 1, 2), nil, false, "owner_down with 3 elements: expected {owner_down, Owner}"},
		"a reply that is not settled":  {tuple("reply", 1, ok), 1, false, "reply :ok: expected {ok, Term} or {error, Term}"},
		"a reply of another kind":      {tuple("reply", 1, tuple("maybe", 2)), 1, false, "reply {:maybe, 2}: expected {ok, Term} or {error, Term}"},
		"a reply with more":            {tuple("reply", 1, tuple("ok", 2, 3)), 1, false, "reply {:ok, 2, 3}: expected {ok, Term} or {error, Term}"},
		"a reply of nothing":           {tuple("reply", 1), 1, false, "reply with 2 elements: expected {reply, CallbackRef, {ok, Term} | {error, Term}}"},
		"an ack below none":            {tuple("ack", -1), nil, false, "ack -1: expected a number of bytes"},
		"an ack past counting":         {tuple("ack", new(big.Int).Lsh(big.NewInt(1), 70)), nil, false, "ack 1180591620717411303424: expected a number of bytes"},
		"an ack of two":                {tuple("ack", 1, 2), nil, false, "ack with 3 elements: expected {ack, Bytes}"},
		"an empty ping":                {tuple("ping"), nil, false, "ping with 1 elements: expected {ping, Term}"},
		"a ping of two":                {tuple("ping", 1, 2), nil, false, "ping with 3 elements: expected {ping, Term}"},
		"a drain of something":         {tuple("drain", 1), nil, false, "drain with 2 elements: expected drain"},
		"a hello of a list":            {tuple("hello", []any{}), nil, false, "hello []: expected a map"},
		"a hello of nothing":           {tuple("hello"), nil, false, "hello with 1 elements: expected {hello, Map}"},
		"a hello of a word for number": {tuple("hello", map[string]any{"protocol": "1"}), nil, false, `hello's protocol is "1": expected a version number`},
		"a hello with a window below":  {tuple("hello", map[string]any{"window": -1}), nil, false, "hello's window is -1: expected a number of bytes"},
		"a hello with a numeric level": {tuple("hello", map[string]any{"log_level": 3}), nil, false, "hello's log_level is 3: expected debug, info, notice, warning or error"},
		"a hello with a config list":   {tuple("hello", map[string]any{"config": []any{1}}), nil, false, "hello's config is [1]: expected a map"},
		"a hello with odd results":     {tuple("hello", map[string]any{"short_results": 1}), nil, false, `hello's short_results is 1: expected true or false`},
		"a hello with one callback":    {tuple("hello", map[string]any{"callbacks": "f"}), nil, false, `hello's callbacks is "f": expected a list of names`},
		"a hello with odd callbacks":   {tuple("hello", map[string]any{"callbacks": []any{"f", 1}}), nil, false, `hello's callbacks is ["f", 1]: expected a list of names`},
		"a hello with an open list":    {tuple("hello", map[string]any{"callbacks": etf.ImproperList{Elements: []any{"f"}, Tail: "g"}}), nil, false, `hello's callbacks is ["f" | "g"]: expected a list of names`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			invalid := only[*Invalid](t, parse(packed(t, test.in)))
			assert.Equal(t, &Error{Reason: BadMessage, Message: test.want}, invalid.Err)
			assert.Equal(t, test.call, invalid.Call)
			if test.ref == nil {
				assert.Nil(t, invalid.Ref)
			} else {
				assert.Equal(t, term(t, test.ref), invalid.Ref)
			}
		})
	}
}

func TestCallOptions(t *testing.T) {
	plain := CallOptions{Credit: CreditDefault, Progress: true}
	with := func(change func(*CallOptions)) CallOptions {
		o := plain
		change(&o)
		return o
	}
	atom := func(name string) any { return etf.Atom(name) }
	tests := map[string]struct {
		key   string
		value any
		want  CallOptions
		err   string
	}{
		"timeout":                    {"timeout", 250, with(func(o *CallOptions) { o.Timeout = 250 * time.Millisecond }), ""},
		"timeout of infinity":        {"timeout", atom("infinity"), plain, ""},
		"timeout of no time":         {"timeout", 0, with(func(o *CallOptions) { o.Timeout = 1 }), ""},
		"timeout past what is known": {"timeout", math.MaxInt64, plain, ""},
		"timeout, the longest":       {"timeout", math.MaxInt64 / 1_000_000, with(func(o *CallOptions) { o.Timeout = math.MaxInt64 / 1_000_000 * 1_000_000 }), ""},
		"timeout below none":         {"timeout", -1, plain, "option timeout is -1: expected milliseconds or infinity"},
		"timeout of never":           {"timeout", atom("never"), plain, "option timeout is :never: expected milliseconds or infinity"},
		"timeout of a part":          {"timeout", 0.5, plain, "option timeout is 0.5: expected milliseconds or infinity"},
		"priority low":               {"priority", atom("low"), with(func(o *CallOptions) { o.Priority = PriorityLow }), ""},
		"priority normal":            {"priority", atom("normal"), plain, ""},
		"priority high, a binary":    {"priority", "high", with(func(o *CallOptions) { o.Priority = PriorityHigh }), ""},
		"priority critical":          {"priority", atom("critical"), with(func(o *CallOptions) { o.Priority = PriorityCritical }), ""},
		"priority in a number":       {"priority", 3, plain, "option priority is 3: expected low, normal, high or critical"},
		"priority urgent":            {"priority", atom("urgent"), plain, "option priority is :urgent: expected low, normal, high or critical"},
		"lane":                       {"lane", atom("cpu"), with(func(o *CallOptions) { o.Lane = "cpu" }), ""},
		"lane in a number":           {"lane", 1, plain, "option lane is 1: expected io, cpu, blocking or dedicated"},
		"owner":                      {"owner", etf.Tuple{1, "x"}, with(func(o *CallOptions) { o.Owner = term(t, etf.Tuple{1, "x"}) }), ""},
		"credit":                     {"credit", 5, with(func(o *CallOptions) { o.Credit = 5 }), ""},
		"credit of none":             {"credit", 0, with(func(o *CallOptions) { o.Credit = 0 }), ""},
		"credit below none":          {"credit", -1, plain, "option credit is -1: expected a number of elements"},
		"retry":                      {"retry", etf.Map{}, with(func(o *CallOptions) { o.Retry = term(t, etf.Map{}) }), ""},
		"retry in a number":          {"retry", 3, plain, "option retry is 3: expected a map"},
		"name":                       {"name", "nap", with(func(o *CallOptions) { o.Name = "nap" }), ""},
		"name, an atom":              {"name", atom("nap"), with(func(o *CallOptions) { o.Name = "nap" }), ""},
		"name in a number":           {"name", 1, plain, "option name is 1: expected an atom or a binary"},
		"meta":                       {"meta", map[string]string{"a": "b"}, with(func(o *CallOptions) { o.Meta = term(t, map[string]string{"a": "b"}) }), ""},
		"meta in a list":             {"meta", []any{}, plain, "option meta is []: expected a map"},
		"progress false":             {"progress", false, with(func(o *CallOptions) { o.Progress = false }), ""},
		"progress true":              {"progress", true, plain, ""},
		"progress in words":          {"progress", atom("yes"), plain, "option progress is :yes: expected true or false"},
		"an unknown one":             {"colour", "green", plain, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, key := range []any{etf.Atom(test.key), test.key} {
				messages := parse(packed(t, tuple("call", 1, "f", []any{}, etf.Map{{Key: 9, Value: "no name"}, {Key: key, Value: test.value}})))
				if test.err != "" {
					invalid := only[*Invalid](t, messages)
					assert.Equal(t, &Invalid{Ref: term(t, 1), Call: true, Err: &Error{Reason: BadMessage, Message: test.err}}, invalid)
					continue
				}
				assert.Equal(t, test.want, only[*Call](t, messages).CallOptions)
			}
		})
	}
}

func TestALargeTermIsClippedInTheMessageAboutIt(t *testing.T) {
	huge := strings.Repeat("x", 1<<20)
	invalid := only[*Invalid](t, parse(packed(t, tuple("call", 1, "f", []any{}, etf.Map{{Key: "timeout", Value: []any{huge, huge, huge}}}))))
	assert.Less(t, len(invalid.Err.Message), 1000)
}

func TestPacketsThatAreNoTerm(t *testing.T) {
	whole := packed(t, tuple("ping", "hello"))
	tests := map[string]struct {
		in   []byte
		want string
	}{
		"nothing":                  {nil, "empty packet: expected one term"},
		"only a version":           {[]byte{131}, "etf: "},
		"another first byte":       {[]byte{1, 2, 3}, "etf: first byte is 1, expected the version byte 131 (at byte 0)"},
		"an unknown tag":           {[]byte{131, 0}, "(at byte 1)"},
		"an unknown tag inside":    {append(bytes.Clone(whole[:9]), 0), "(at byte 9)"},
		"a truncated term":         {whole[:len(whole)-1], "etf: a binary needs 10 bytes, only 9 are left (at byte 9)"},
		"a false tuple":            {[]byte{131, 105, 255, 255, 255, 255}, "(at byte"},
		"a false list":             {[]byte{131, 108, 255, 255, 255, 255}, ""},
		"an atom that is no UTF-8": {[]byte{131, 104, 2, 119, 1, 0xff, 97, 1}, "(at byte"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			invalid := only[*Invalid](t, parse(test.in))
			assert.Nil(t, invalid.Ref)
			assert.False(t, invalid.Call)
			assert.Equal(t, BadFrame, invalid.Err.Reason)
			assert.Contains(t, invalid.Err.Message, test.want)
		})
	}
}

func TestBytesAfterATermAreToldAndTheMessageIsKept(t *testing.T) {
	messages := parse(append(packed(t, tuple("ping", 1)), 97, 1))
	require.Len(t, messages, 2)
	assert.Equal(t, &Ping{Term: term(t, 1)}, messages[0])
	assert.Equal(t, &Error{Reason: BadFrame, Message: "2 bytes after the end of the term: expected one term in a packet"}, messages[1].(*Invalid).Err)
}

func TestACallWithAReadableRefAndUnreadableArguments(t *testing.T) {
	whole := packed(t, tuple("call", "me", "echo", []any{"argument"}))
	tests := map[string][]byte{
		"cut short":           whole[:len(whole)-3],
		"cut before the name": whole[:bytes.Index(whole, []byte("echo"))-5],
		"an unknown tag":      bytes.Replace(whole, term(t, "argument"), []byte{0, 0, 0}, 1),
		"a key twice": bytes.Replace(whole, term(t, "argument"),
			append(etf.AppendMap(nil, 2), 97, 1, 97, 1, 97, 1, 97, 2), 1),
	}
	for name, packet := range tests {
		t.Run(name, func(t *testing.T) {
			call := only[*Invalid](t, parse(packet))
			assert.Equal(t, term(t, "me"), call.Ref)
			assert.True(t, call.Call)
			assert.Equal(t, BadFrame, call.Err.Reason)
			assert.Contains(t, call.Err.Message, "(at byte ")
		})
	}
}

func TestAnUnreadableCallInABatch(t *testing.T) {
	bad := etf.Raw(bytes.Replace(term(t, tuple("call", "me", "echo", []any{"argument"})), term(t, "argument"), []byte{0}, 1))
	batch := func(messages ...etf.Raw) []byte {
		packet := etf.AppendList([]byte{131}, len(messages))
		return etf.AppendNil(append(packet, bytes.Join(rawBytes(messages), nil)...))
	}
	ping := term(t, tuple("ping", 1))

	t.Run("at the end has one answer", func(t *testing.T) {
		messages := parse(batch(ping, bad))
		require.Len(t, messages, 2)
		assert.IsType(t, &Ping{}, messages[0])
		assert.Equal(t, term(t, "me"), messages[1].(*Invalid).Ref)
	})
	t.Run("before others has a fault for those as well", func(t *testing.T) {
		messages := parse(batch(ping, bad, ping, ping))
		require.Len(t, messages, 3)
		assert.Equal(t, term(t, "me"), messages[1].(*Invalid).Ref)
		assert.Nil(t, messages[2].(*Invalid).Ref)
		assert.Equal(t, BadFrame, messages[2].(*Invalid).Err.Reason)
	})
}

func TestABatchKeepsItsOrderAndItsGoodMessages(t *testing.T) {
	messages := parse(packed(t, []any{
		tuple("ping", 1), "not a message", tuple("ping", 2), tuple("call", 7), tuple("cancel", 3), etf.Atom("drain"),
	}))
	require.Len(t, messages, 6)
	assert.Equal(t, &Ping{Term: term(t, 1)}, messages[0])
	assert.Contains(t, messages[1].(*Invalid).Err.Message, `"not a message" is no message`)
	assert.Equal(t, &Ping{Term: term(t, 2)}, messages[2])
	assert.Equal(t, term(t, 7), messages[3].(*Invalid).Ref)
	assert.Equal(t, &Cancel{Ref: term(t, 3)}, messages[4])
	assert.Equal(t, &Drain{}, messages[5])
}

func TestABatchWithinABatchIsNoMessage(t *testing.T) {
	invalid := only[*Invalid](t, parse(packed(t, []any{[]any{tuple("ping", 1)}})))
	assert.Equal(t, "[{:ping, 1}] is no message: expected a tuple that begins with its tag, or the atom drain", invalid.Err.Message)
}

func TestATruncatedBatchKeepsWhatIsWhole(t *testing.T) {
	whole := packed(t, []any{tuple("ping", 1), tuple("ping", 2), tuple("ping", 3)})
	size := len(term(t, tuple("ping", 1)))
	const head = 6
	for cut := head; cut < len(whole); cut++ {
		messages := parse(whole[:cut])
		complete := (cut - head) / size
		require.Len(t, messages, complete+1, "after %d bytes", cut)
		for i := range complete {
			assert.Equal(t, &Ping{Term: term(t, i+1)}, messages[i])
		}
		assert.Equal(t, BadFrame, messages[complete].(*Invalid).Err.Reason)
	}
}

func TestABatchThatEndsInAnotherTerm(t *testing.T) {
	messages := parse(packed(t, etf.ImproperList{Elements: []any{tuple("ping", 1)}, Tail: 5}))
	require.Len(t, messages, 2)
	assert.Equal(t, &Ping{Term: term(t, 1)}, messages[0])
	assert.Equal(t, "batch is an improper list: expected a proper list of messages", messages[1].(*Invalid).Err.Message)
}

// compressed makes a compressed packet that claims to inflate to size bytes.
func compressed(t testing.TB, raw etf.Raw, size int) []byte {
	var out bytes.Buffer
	out.Write([]byte{131, 80})
	require.NoError(t, binary.Write(&out, binary.BigEndian, uint32(size)))
	z := zlib.NewWriter(&out)
	_, err := z.Write(raw)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return out.Bytes()
}

func TestCompressedPackets(t *testing.T) {
	raw := term(t, tuple("ping", strings.Repeat("x", 5000)))
	p := Parser{Limits: etf.Limits{MaxInflated: 6000}}

	ping := only[*Ping](t, parseWith(&p, compressed(t, raw, len(raw))))
	assert.Equal(t, term(t, strings.Repeat("x", 5000)), ping.Term)

	for name, packet := range map[string][]byte{
		"inflates to less than it says": compressed(t, raw, len(raw)+1),
		"inflates to more than it says": compressed(t, raw, len(raw)-1),
		"is over the limit":             compressed(t, raw, 6001),
		"is cut short":                  compressed(t, raw, len(raw))[:20],
		"holds no zlib":                 {131, 80, 0, 0, 0, 9, 1, 2, 3},
		"holds no size":                 {131, 80, 0},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, BadFrame, only[*Invalid](t, parseWith(&p, packet)).Err.Reason)
		})
	}
}

func TestTheCodecIsSettledByTheFirstPacketThatIsOne(t *testing.T) {
	inETF, inMessagePack := packed(t, tuple("ping", 1)), []byte("\x92\xa4ping\x01")
	tests := map[string]struct {
		packets [][]byte
		want    Codec
		pings   int // how many of the packets are read as messages
	}{
		"nothing yet":                       {nil, ETF, 0},
		"ETF":                               {[][]byte{inETF, inETF}, ETF, 2},
		"MessagePack":                       {[][]byte{inMessagePack, inMessagePack}, MessagePack, 2},
		"a word":                            {[][]byte{[]byte("\xa5drain"), inMessagePack}, MessagePack, 1},
		"another word":                      {[][]byte{[]byte("\xa5draim"), inETF}, ETF, 1},
		"ETF holds":                         {[][]byte{inETF, inMessagePack, inETF}, ETF, 2},
		"MessagePack holds":                 {[][]byte{inMessagePack, inETF, inMessagePack}, MessagePack, 2},
		"an empty packet settles nothing":   {[][]byte{{}, inMessagePack}, MessagePack, 1},
		"garbage settles nothing":           {[][]byte{{1}, []byte("GET / HTTP/1.1"), {0xc0}, {0x80}, inMessagePack}, MessagePack, 1},
		"bad ETF is still ETF":              {[][]byte{{131, 0}, inMessagePack, inETF}, ETF, 1},
		"a bad array is still MessagePack":  {[][]byte{{0xdd, 255, 255, 255, 255}, inETF, inMessagePack}, MessagePack, 1},
		"an empty array is a message batch": {[][]byte{{0x90}, inMessagePack}, MessagePack, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var p Parser
			pings := 0
			for _, packet := range test.packets {
				for _, m := range parseWith(&p, packet) {
					if _, ok := m.(*Ping); ok {
						pings++
					}
				}
			}
			assert.Equal(t, test.want, p.Codec())
			assert.Equal(t, test.pings, pings)
		})
	}
}

func TestNumbersPastThisMachinesStayWithinIt(t *testing.T) {
	assert.Equal(t, &Credit{Ref: term(t, 1), N: 1 << 62}, only[*Credit](t, parse(packed(t, tuple("credit", 1, math.MaxInt64)))))
	assert.Equal(t, &Ack{Bytes: 1 << 62}, only[*Ack](t, parse(packed(t, tuple("ack", math.MaxInt64)))))
}
