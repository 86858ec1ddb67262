package test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// A mixture keeps many tasks of every kind going at once and plays the client of each.
type mixture struct {
	p      *Peer
	random *rand.Rand
	refs   int
	live   map[int64]*mixed
	said   int // messages of both sides
}

// mixed is one task of a mixture.
type mixed struct {
	endless  bool // it has to be cancelled
	elements int  // that are wanted before it is
	inputs   int  // of a channel, not sent yet
	stopped  bool
}

func (m *mixture) send(messages ...any) {
	m.said += len(messages)
	if m.random.IntN(3) == 0 {
		m.p.Batch(messages...)
		return
	}
	m.p.Send(messages...)
}

// begin starts one more task.
func (m *mixture) begin() {
	m.refs++
	ref, task := int64(m.refs), &mixed{}
	m.live[ref] = task
	n := 1 + m.random.IntN(8)
	switch m.random.IntN(14) {
	case 0:
		m.send(call(ref, "echo", m.random.Int64()), ping(ref))
	case 1:
		m.send(call(ref, "echo", options("key", ref, "list", list(1.5, nil))))
	case 2:
		m.send(call(ref, "no.such.function", ref))
	case 3:
		m.send(call(ref, "fill", "many"))
	case 4:
		m.send(call(ref, "stream.reports", n), credit(ref, n))
	case 5:
		m.send(callWith(options("credit", n), ref, "stream.fails", n))
	case 6:
		m.send(callWith(options("credit", 1), ref, "stream.panics", n))
	case 7:
		task.endless, task.elements = true, n
		m.send(callWith(options("credit", 3), ref, "stream.count"))
	case 8:
		m.send(call(ref, "hold"), cancel(ref))
	case 9:
		m.send(call(ref, "ask", "double", list(ref)))
	case 10:
		m.send(call(ref, "ask.many", "double", n))
	case 11:
		m.send(callWith(options("timeout", 5), ref, "hold"))
	case 12:
		m.send(call(ref, "$stats"))
	default:
		task.inputs = n
		m.send(callWith(options("input_credit", true), ref, "channel.echo"), send(ref, n))
	}
}

// answer does what the client of a message's task does.
func (m *mixture) answer(message Message) {
	m.said++
	ref, _ := message.At(0).(int64)
	task := m.live[ref]
	switch message.Tag {
	case "data":
		if task.elements -= message.Count; task.endless && task.elements <= 0 {
			if !task.stopped {
				task.stopped = true
				m.send(cancel(ref))
			}
			return
		}
		if task.inputs -= message.Count; task.inputs > 0 {
			m.send(send(ref, task.inputs))
			return
		}
		m.send(credit(ref, message.Count))
		if task.inputs == 0 {
			m.send(halfClose(ref))
		}
	case "callback":
		args := message.At(3).([]any)
		m.send(reply(ref, args[0].(int64)*2))
	case "result":
		delete(m.live, ref)
	}
}

// recordMixture records a conversation of that many messages.
func recordMixture(t *testing.T, file string, messages int) {
	t.Helper()
	worker, err := buildFixture()
	require.NoError(t, err)
	p := Start(t, overETF, Args("record", file, "--", worker), Faulty())
	p.Hello("window", 1<<20)
	m := &mixture{p: p, random: rand.New(rand.NewPCG(1, 2)), live: map[int64]*mixed{}}
	for m.said < messages || len(m.live) > 0 {
		for m.said < messages && len(m.live) < 20 {
			m.begin()
		}
		m.answer(p.expect("anything", func(Message) bool { return true }))
		if bytes := p.flow.inFlight(); bytes > 1<<18 {
			p.AckAll()
		}
	}
	p.CloseStdin()
	require.Zero(t, p.Wait(patience), p.Stderr())
}

// replay runs the command of that name.
func replay(t *testing.T, file string, args ...string) (stdout string, status int) {
	t.Helper()
	worker, err := buildFixture()
	require.NoError(t, err)
	stdout, stderr, status := output(t, nil, append(append([]string{"replay", file}, args...), "--", worker)...)
	if !assert.Empty(t, stderr) {
		stdout += stderr
	}
	return stdout, status
}

func TestReplayOfAMixtureFindsNoDifference(t *testing.T) {
	file := filepath.Join(t.TempDir(), "session")
	recordMixture(t, file, 10_000)
	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.EqualValues(t, 0o600, info.Mode().Perm())
	for range 3 {
		stdout, status := replay(t, file)
		require.Zero(t, status, stdout)
		var messages int
		_, err := fmt.Sscanf(stdout, "%d messages, no difference\n", &messages)
		require.NoError(t, err, stdout)
		assert.GreaterOrEqual(t, messages, 10_000)
	}

	t.Run("and the one that was planted", func(t *testing.T) {
		records := readRecording(t, file)
		planted := plant(t, records, len(records)/2)
		changed := file + ".changed"
		require.NoError(t, os.WriteFile(changed, framed(t, records), 0o600))
		stdout, status := replay(t, changed)
		assert.Equal(t, 1, status)
		for _, word := range []string{fmt.Sprintf("record %d ", planted), "recorded: ", ":planted", "replayed: "} {
			assert.Contains(t, stdout, word)
		}
		stdout, status = replay(t, changed, "--json")
		assert.Equal(t, 1, status)
		assert.Contains(t, stdout, fmt.Sprintf(`"record":%d,`, planted))
	})

	t.Run("also where it was cut short", func(t *testing.T) {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		cut := file + ".cut"
		require.NoError(t, os.WriteFile(cut, content[:len(content)*2/3], 0o600))
		stdout, status := replay(t, cut)
		assert.Zero(t, status, stdout)
	})
}

// readRecording returns the records of a recording, without its header.
func readRecording(t *testing.T, file string) []etf.Tuple {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	in := bytes.NewReader(content)
	var records []etf.Tuple
	for {
		packet, err := readPacket(in)
		if err == io.EOF {
			return records
		}
		require.NoError(t, err)
		var record etf.Tuple
		require.NoError(t, etf.Unmarshal(packet, &record))
		records = append(records, record)
	}
}

func framed(t *testing.T, records []etf.Tuple) (content []byte) {
	t.Helper()
	for _, record := range records {
		packet, err := etf.Marshal(record)
		require.NoError(t, err)
		content = append(binary.BigEndian.AppendUint32(content, uint32(len(packet))), packet...)
	}
	return content
}

func isInteger(v any) bool { _, ok := v.(int64); return ok }

// plant changes the first integer that is a result after a record, and returns which record that is, counted from the
// header.
func plant(t *testing.T, records []etf.Tuple, after int) int {
	t.Helper()
	for i := after; i < len(records); i++ {
		if records[i][0] != etf.Atom("worker") {
			continue
		}
		var term any
		require.NoError(t, etf.Unmarshal([]byte(records[i][2].(string)), &term))
		batch, isBatch := term.([]any)
		if !isBatch {
			batch = []any{term}
		}
		for j, m := range batch {
			message := m.(etf.Tuple)
			if message[0] != etf.Atom("result") {
				continue
			}
			if value := message[2].(etf.Tuple); value[0] == etf.Atom("ok") && isInteger(value[1]) {
				batch[j] = etf.Tuple{message[0], message[1], etf.Tuple{etf.Atom("ok"), etf.Atom("planted")}}
				packet, err := etf.Marshal(batch)
				require.NoError(t, err)
				records[i][2] = string(packet)
				return i
			}
		}
	}
	require.Fail(t, "no result to change")
	return 0
}

func TestReplayOfMessagePack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "session")
	worker, err := buildFixture()
	require.NoError(t, err)
	p := Start(t, overMsgpack, Args("record", file, "--", worker))
	p.Call(1, "ask", "double", list(4))
	asked := p.Expect("callback")
	p.Send(reply(asked.At(0), 8))
	assert.EqualValues(t, 8, p.Value(1))
	p.Call(2, "fill", "many")
	p.Failure(2, "bad_args")
	p.CloseStdin()
	require.Zero(t, p.Wait(patience))
	stdout, status := replay(t, file)
	assert.Zero(t, status, stdout)
}

// Whoever ends the recorder ends the worker as without it, and the status is the worker's.
func TestRecordPassesSignalsAndStatusOn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "session-%p")
	p := Start(t, overETF, Args("record", file, "--", "--debug-functions"))
	p.Call(1, "debug.exit", 7)
	p.ledger.off = true
	assert.Equal(t, 7, p.Wait(patience), p.Stderr())
	p.severed = true
	stdout, stderr, status := output(t, nil, "replay", strings.ReplaceAll(file, "%p", fmt.Sprint(p.Pid())), "--", "--debug-functions")
	assert.Zero(t, status, stdout+stderr)

	file = filepath.Join(t.TempDir(), "session")
	p = Start(t, overETF, Args("record", file))
	p.Call(1, "sleep", 50)
	p.Ping()
	p.Signal(syscall.SIGTERM)
	assert.Equal(t, "ok", p.Value(1))
	assert.Zero(t, p.Wait(patience))
	stdout, stderr, status = output(t, nil, "replay", file)
	assert.Zero(t, status, stdout+stderr)
}

func TestRecordOnOtherDescriptors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "session")
	p := Start(t, overSpare, func(p *Peer) { p.cmd.Args = append(p.cmd.Args, "record", file) })
	p.Call(1, "upcase", "hi")
	assert.Equal(t, "HI", p.Value(1))
	p.CloseStdin()
	assert.Zero(t, p.Wait(patience))
	stdout, stderr, status := output(t, nil, "replay", file)
	assert.Zero(t, status, stdout+stderr)
}

func TestReplayTellsWhatIsNoRecording(t *testing.T) {
	file := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(file, []byte("hello world\n"), 0o600))
	_, stderr, status := output(t, nil, "replay", file)
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, "expected a recording")
	_, stderr, status = output(t, nil, "replay", file+".no")
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, "no such file")
	_, stderr, status = output(t, nil, "replay")
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, "expected one file")
}
