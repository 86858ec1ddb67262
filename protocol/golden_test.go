package protocol

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// golden returns the packets of one side that a BEAM made (testdata/golden.escript), by
// name, without their length.
func golden(t testing.TB, side string) map[string][]byte {
	t.Helper()
	file, err := os.Open("testdata/golden.txt")
	require.NoError(t, err)
	defer file.Close()
	packets := make(map[string][]byte)
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) != 3 || fields[0] != side {
			continue
		}
		frame, err := hex.DecodeString(fields[2])
		require.NoError(t, err, fields[1])
		require.Equal(t, len(frame)-headerSize, int(binary.BigEndian.Uint32(frame)), fields[1])
		packets[fields[1]] = frame[headerSize:]
	}
	require.NoError(t, lines.Err())
	require.NotEmpty(t, packets)
	return packets
}

// The terms of golden.escript that have no literal in Go.
var (
	goldenNode = []byte("\x64\x00\x0dnonode@nohost")
	goldenRef  = etf.Raw(append(append([]byte{90, 0, 3}, goldenNode...), 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1))
	goldenPid  = etf.Raw(append(append([]byte{88}, goldenNode...), 0, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0))
)

// latin1 encodes a term with atoms as OTP 25 writes them.
func latin1(name string) etf.Raw { return append(etf.Raw{100, 0, byte(len(name))}, name...) }

func TestGoldenFramesOfTheClient(t *testing.T) {
	call := func(ref etf.Raw, function string, args etf.Raw) *Call {
		return &Call{Ref: ref, Function: function, Args: args, CallOptions: CallOptions{Credit: CreditDefault, Progress: true}}
	}
	n := func(v int) etf.Raw { return term(t, v) }
	list := func(elements ...etf.Raw) etf.Raw {
		return etf.AppendNil(append(etf.AppendList(nil, len(elements)), bytes.Join(rawBytes(elements), nil)...))
	}
	thousand := list(n(1000))
	options := call(n(2), "sleep", thousand)
	options.Timeout, options.Owner, options.Progress = 500*time.Millisecond, goldenPid, false
	pair := append(append(etf.Raw(etf.AppendTuple(nil, 2)), goldenPid...), n(9)...)
	all := call(pair, "sleep", thousand)
	all.CallOptions = CallOptions{
		Priority: PriorityCritical, Lane: "blocking", Owner: goldenPid, Credit: 10, Name: "nap", Progress: true,
		Retry: append(append(etf.Raw(etf.AppendMap(nil, 1)), latin1("max")...), n(3)...),
		Meta:  term(t, map[string]string{"traceparent": "00-1-2-03"}),
	}
	hi := list(term(t, "hi"))
	keeping, kept := call(n(1), "echo", hi), call(n(2), "echo", hi)
	keeping.Timeout, kept.Timeout = 500*time.Millisecond, 500*time.Millisecond
	keeping.number, keeping.numbered = 7, true
	stream := call(n(4), "range", etf.Raw{stringExt, 0, 2, 1, 100})
	stream.Credit = 2
	channel := call(n(4), "stateful_worker", etf.Raw{stringExt, 0, 1, 10})
	channel.InputCredit = true
	raised := etf.Raw(etf.AppendMap(nil, 2))
	raised = append(append(append(raised, latin1("kind")...), latin1("error")...), latin1("message")...)
	raised = etf.AppendString(raised, "no price")
	want := map[string][]Message{
		"hello": {&Hello{Protocol: 1}},
		"hello_config": {&Hello{Protocol: 1, LogLevel: "warning", Callbacks: []string{}, Config: etf.Map{
			{Key: etf.Atom("lanes"), Value: etf.Map{{Key: etf.Atom("cpu"), Value: int64(2)}}},
			{Key: etf.Atom("max_running"), Value: int64(100)},
		}}},
		"call":             {call(n(1), "echo", hi)},
		"call_utf8_atoms":  {call(n(1), "echo", hi)},
		"call_binary_name": {call(n(1), "file.digest", list(term(t, "/etc/hosts"), term(t, "sha256")))},
		"call_reference":   {call(goldenRef, "echo", list(latin1("ok")))},
		"call_string_args": {call(n(7), "sum", etf.Raw{stringExt, 0, 1, 100})},
		"call_no_args":     {call(n(8), "$stats", list())},
		"call_options":     {options},
		"call_all_options": {all},
		"call_kept":        {keeping, kept},
		"call_compressed":  {call(n(3), "echo", list(term(t, strings.Repeat("abc", 100))))},
		"cancel":           {&Cancel{Ref: n(2)}},
		"cancel_reference": {&Cancel{Ref: goldenRef}},
		"owner_down":       {&OwnerDown{Owner: goldenPid}},
		"ping":             {&Ping{Term: latin1("now")}},
		"drain":            {&Drain{}},
		"drain_tuple":      {&Drain{}},
		"hello_window":     {&Hello{Window: 65536, Callbacks: []string{"price"}}},
		"call_stream":      {stream},
		"call_channel":     {channel},
		"credit":           {&Credit{Ref: n(4), N: 16}},
		"send":             {&Send{Ref: n(4), Term: append(append(etf.Raw{104, 2}, latin1("line")...), term(t, "x")...)}},
		"close":            {&Close{Ref: n(4)}},
		"reply":            {&Reply{Ref: n(5), OK: true, Value: latin1("done")}},
		"reply_error":      {&Reply{Ref: n(5), Value: latin1("noproc")}},
		"reply_raised":     {&Reply{Ref: n(5), Value: raised}},
		"ack":              {&Ack{Bytes: 65536}},
		"batch":            {call(n(1), "echo", list(latin1("a"))), &Cancel{Ref: n(2)}, &Ping{Term: n(3)}},
		"empty_batch":      nil,
		"unknown_tag": {&Invalid{Err: &Error{Reason: BadMessage,
			Message: `unknown message tag "launch": expected call, cancel, credit, send, close, owner_down, reply, ack, ping, drain or hello`}}},
		"call_too_short": {&Invalid{Ref: n(1), Call: true, Err: &Error{Reason: BadMessage,
			Message: "call with 3 elements: expected {call, Ref, Name, Args} or {call, Ref, Name, Args, Opts}"}}},
	}
	packets := golden(t, "client")
	for name, packet := range packets {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, want, name)
			assert.Equal(t, want[name], parse(packet))
		})
	}
	assert.Len(t, packets, len(want), "a frame is missing from testdata/golden.txt")
}

func rawBytes(terms []etf.Raw) [][]byte {
	all := make([][]byte, len(terms))
	for i, t := range terms {
		all[i] = t
	}
	return all
}

// builtWorkerMessages are the worker's golden messages as Codec builds them.
func builtWorkerMessages(t testing.TB, c Codec) map[string][]*Outgoing {
	n := func(v int) etf.Raw { return ref(t, c, v) }
	made := func(o *Outgoing, err error) *Outgoing {
		require.NoError(t, err)
		return o
	}
	key := func(name string, v any) etf.Pair { return etf.Pair{Key: etf.Atom(name), Value: v} }
	elements := func(ref etf.Raw, values ...any) *Outgoing {
		data := c.NewData(ref)
		for _, v := range values {
			require.NoError(t, data.Append(v))
		}
		return data.Finish()
	}
	messages := map[string][]*Outgoing{
		"hello": {made(c.Hello(etf.Map{
			key("protocol", 1), key("name", "demo"), key("version", "1.0.0"), key("os_pid", 4711),
			key("functions", []any{etf.Map{
				key("name", "echo"), key("kind", etf.Atom("function")), key("args", []any{etf.Type{}}), key("result", etf.Type{}),
				key("doc", "returns its argument"), key("lane", etf.Atom("io"))}}),
			key("limits", etf.Map{key("max_running", 10_000)}),
		}))},
		"result":     {made(c.Result(n(1), "hi"))},
		"failure":    {c.Failure(n(1), &Error{Reason: UnknownFunction, Message: `no function "nope"`})},
		"overloaded": {c.Failure(n(1), &Error{Reason: Overloaded, Message: "busy", RetryAfter: 50 * time.Millisecond})},
		"cancelled": {c.Failure(n(2), &Error{Reason: Cancelled, Message: "cancelled by the client",
			Details: etf.Map{key("still_running", false)}})},
		"panic":        {c.Failure(n(2), &Error{Reason: Panic, Message: "oops", Stack: "goroutine 7"})},
		"progress":     {made(c.Progress(n(2), 50))},
		"data":         {elements(n(4), 1, "two")},
		"input_credit": {c.InputCredit(n(4), 32)},
		"callback":     {made(c.Callback(5, n(4), "price", term(t, []string{"EUR"}), etf.Map{key("timeout", 500)}))},
		"log":          {made(c.Log("info", "started", etf.Map{{Key: "function", Value: "sleep"}}))},
		"replace":      {c.Replace("3 handlers run on", 3)},
		"pong":         {c.Pong(term(t, etf.Atom("now")))},
		"fault":        {c.Fault(nil, &Error{Reason: BadMessage, Message: "unknown"})},
		"fault_ref":    {c.Fault(n(2), &Error{Reason: DuplicateRef, Message: "in use"})},
		"batch":        {made(c.Result(n(1), etf.Atom("a"))), made(c.Progress(n(2), 51)), c.Pong(term(t, 3))},
	}
	if c == ETF {
		utf8Ref := append(append(etf.Raw{90, 0, 3}, "\x77\x0dnonode@nohost"...), goldenRef[len(goldenRef)-16:]...)
		utf8Pid := append(append(etf.Raw{88}, "\x77\x0dnonode@nohost"...), goldenPid[len(goldenPid)-12:]...)
		messages["notify"] = []*Outgoing{made(c.Notify(utf8Pid, etf.Atom("done")))}
		messages["short_result"] = []*Outgoing{made(c.ShortResult(n(1), "hi"))}
		messages["result_reference"] = []*Outgoing{made(c.Result(utf8Ref, etf.Atom("ok")))}
	}
	return messages
}

// ref is an integer as a client's ref, the way the parser hands it on.
func ref(t testing.TB, c Codec, v int) etf.Raw {
	if c == MessagePack {
		return term(t, []byte{byte(v)})
	}
	return term(t, v)
}

// written returns the packet that holds messages, as the writer frames it.
func written(t testing.TB, c Codec, messages ...*Outgoing) []byte {
	var out bytes.Buffer
	w := NewWriter(&out)
	w.SetCodec(c)
	for _, m := range messages {
		w.Queue(m)
	}
	w.Flush()
	packets, _ := readAll(t, NewPacketReader(&out, 0))
	require.Len(t, packets, 1)
	return packets[0]
}

func TestGoldenFramesOfTheWorker(t *testing.T) {
	// Of maps with several keys the BEAM chooses the order, so those are compared as terms.
	unordered := []string{"hello", "failure", "overloaded", "cancelled", "panic", "fault", "fault_ref", "replace"}
	built := builtWorkerMessages(t, ETF)
	packets := golden(t, "worker")
	for name, want := range packets {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, built, name)
			got := written(t, ETF, built[name]...)
			if slices.Contains(unordered, name) {
				assert.Equal(t, sortedMaps(unmarshal(t, want)), sortedMaps(unmarshal(t, got)))
				assert.Len(t, got, len(want))
				return
			}
			assert.Equal(t, hex.EncodeToString(want), hex.EncodeToString(got))
		})
	}
	assert.Len(t, packets, len(built), "a frame is missing from testdata/golden.txt")
}

func unmarshal(t testing.TB, packet []byte) any {
	t.Helper()
	var v any
	require.NoError(t, etf.Unmarshal(packet, &v), "% x", packet)
	return v
}

// sortedMaps orders the pairs of every map in a term by their keys, which are
// atoms or binaries here.
func sortedMaps(v any) any {
	switch v := v.(type) {
	case etf.Map:
		for i := range v {
			v[i].Value = sortedMaps(v[i].Value)
		}
		slices.SortFunc(v, func(a, b etf.Pair) int { return strings.Compare(keyText(a), keyText(b)) })
	case etf.Tuple:
		for i := range v {
			v[i] = sortedMaps(v[i])
		}
	case []any:
		for i := range v {
			v[i] = sortedMaps(v[i])
		}
	}
	return v
}

func keyText(p etf.Pair) string {
	if atom, ok := p.Key.(etf.Atom); ok {
		return string(atom)
	}
	return p.Key.(string)
}

var (
	docBlock = regexp.MustCompile("(?ms)^```frames\n(.*?)^```")
	docFrame = regexp.MustCompile(`(?m)^(etf|msgpack) (client|worker) (\w+)\n((?:  .*\n)+)`)
	docBytes = regexp.MustCompile(`^  ((?:[0-9a-f]{2} ?)+)(?:  .*)?$`)
)

// documented returns the frames shown in docs/protocol.md, by codec, side and name.
func documented(t *testing.T) map[[3]string][]byte {
	text, err := os.ReadFile("../docs/protocol.md")
	require.NoError(t, err)
	frames := make(map[[3]string][]byte)
	for _, block := range docBlock.FindAllStringSubmatch(string(text), -1) {
		for _, m := range docFrame.FindAllStringSubmatch(block[1], -1) {
			var frame []byte
			for line := range strings.Lines(m[4]) {
				row := docBytes.FindStringSubmatch(strings.TrimRight(line, "\n"))
				require.NotNil(t, row, "line of a frame: %q", line)
				b, err := hex.DecodeString(strings.ReplaceAll(row[1], " ", ""))
				require.NoError(t, err, "line of a frame: %q", line)
				frame = append(frame, b...)
			}
			frames[[3]string{m[1], m[2], m[3]}] = frame
		}
	}
	require.Greater(t, len(frames), 10, "frames in docs/protocol.md")
	return frames
}

func TestTheFramesInTheDocsAreTheGoldenOnes(t *testing.T) {
	sides := map[string]map[string][]byte{"client": golden(t, "client"), "worker": golden(t, "worker")}
	for id, frame := range documented(t) {
		codec, side, name := id[0], id[1], id[2]
		t.Run(strings.Join(id[:], " "), func(t *testing.T) {
			beam, known := sides[side][name]
			require.True(t, known, "no such frame in testdata/golden.txt")
			got, err := NewPacketReader(bytes.NewReader(frame), 0).Next()
			require.NoError(t, err)
			require.Len(t, frame, headerSize+len(got))
			switch {
			case codec == "etf":
				assert.Equal(t, hex.EncodeToString(beam), hex.EncodeToString(got))
			case side == "worker":
				built := builtWorkerMessages(t, MessagePack)[name]
				assert.Equal(t, hex.EncodeToString(written(t, MessagePack, built...)), hex.EncodeToString(got))
			default:
				assert.Equal(t, plain(t, parse(beam)), plain(t, parse(got)))
			}
		})
	}
}

// plain drops from messages what the codecs write differently: refs are the
// client's bytes, and names are binaries for want of atoms.
func plain(t *testing.T, messages []Message) []Message {
	for _, m := range messages {
		switch m := m.(type) {
		case *Call:
			m.Ref, m.Args = nil, plainTerm(t, m.Args)
		case *Cancel:
			m.Ref = nil
		case *Ping:
			m.Term = plainTerm(t, m.Term)
		}
	}
	return messages
}

func plainTerm(t *testing.T, raw etf.Raw) etf.Raw {
	return term(t, atomsAsText(decoded(t, raw)))
}

func atomsAsText(v any) any {
	switch v := v.(type) {
	case etf.Atom:
		return string(v)
	case []any:
		for i := range v {
			v[i] = atomsAsText(v[i])
		}
	}
	return v
}
