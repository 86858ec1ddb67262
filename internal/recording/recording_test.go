package recording

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"portworker/etf"
	"portworker/internal/termtext"
	"portworker/internal/wire"
)

// packetOf encodes a message, or a list of them, that is given as text.
func packetOf(t *testing.T, text string) []byte {
	t.Helper()
	v, err := termtext.Parse(text)
	require.NoError(t, err, text)
	packet, err := etf.Append([]byte{etf.Version}, v)
	require.NoError(t, err)
	return packet
}

// A line is one event of a recording that a test writes by hand.
type line struct{ kind, message string }

func recorded(t *testing.T, lines []line) []byte {
	t.Helper()
	var file bytes.Buffer
	w, err := newWriter(&file, []string{"worker"})
	require.NoError(t, err)
	for _, l := range lines {
		var what any
		if l.message != "" {
			what = packetOf(t, l.message)
		}
		require.NoError(t, w.add(l.kind, what))
	}
	return file.Bytes()
}

// against replays a recording with a program that says what was said in another.
func against(t *testing.T, recording, worker []line) error {
	t.Helper()
	var says []byte
	for _, l := range worker {
		says = append(says, wire.Frame(packetOf(t, l.message))...)
	}
	cmd := exec.Command("sh", "-c", "cat <&3; exec >&-; cat >/dev/null")
	cmd.ExtraFiles = append(cmd.ExtraFiles, pipeOf(t, says))
	_, err := Replay{File: bytes.NewReader(recorded(t, recording)), Command: cmd, Patience: 10 * time.Second}.Run()
	return err
}

func TestDifferences(t *testing.T) {
	session := []line{
		{fromClient, `{call, 1, f, []}`}, {fromWorker, `{data, 1, [1, 2]}`}, {fromWorker, `{progress, 1, #{done => 1, total => 2}}`},
		{fromWorker, `{data, 1, [3]}`}, {fromClient, `{call, 2, g, []}`}, {fromWorker, `{result, 1, {ok, nil}}`},
		{fromWorker, `{callback, 7, 2, <<"ask">>, [1], #{timeout => 100}}`}, {fromClient, `{reply, 7, {ok, 1}}`},
		{fromWorker, `{result, 2, {error, #{reason => failed, message => <<"no">>, stack => <<"a">>}}}`},
		{clientClosed, ""}, {workerClosed, ""},
	}
	same := []line{
		{fromWorker, `[{callback, 9, 2, <<"ask">>, [1], #{timeout => 99}}, {data, 1, [1]}, {log, info, <<"x">>, #{}}]`},
		{fromWorker, `{result, 2, {error, #{message => <<"no">>, stack => <<"b">>, reason => failed}}}`},
		{fromWorker, `{data, 1, [2, 3]}`}, {fromWorker, `{progress, 1, #{total => 2, done => 1}}`}, {fromWorker, `{result, 1, {ok, nil}}`},
	}
	short := func(value string) func(l []line) []line {
		return func(l []line) []line { l[4].message = `{1, ` + value + `}`; return l }
	}
	tests := map[string]struct {
		change func(lines []line) []line
		says   string // "" for none
		record int
	}{
		"none":                 {func(l []line) []line { return l }, "", 0},
		"a short result":       {short("nil"), "", 0},
		"another short result": {short("1"), "result of task 1\n  recorded: {:ok, nil}\n  replayed: {:ok, 1}", 6},
		"another value": {func(l []line) []line { l[4].message = `{result, 1, {ok, 1}}`; return l },
			"result of task 1\n  recorded: {:ok, nil}\n  replayed: {:ok, 1}", 6},
		"another element": {func(l []line) []line { l[2].message = `{data, 1, [2, 4]}`; return l }, "data of task 1\n  recorded: 3\n  replayed: 4", 4},
		"an element less": {func(l []line) []line { l[2].message = `{data, 1, [2]}`; return l }, "data of task 1\n  recorded: 3", 4},
		"an element more": {func(l []line) []line { l[2].message = `{data, 1, [2, 3, 4]}`; return l }, "data of task 1 that was not recorded\n  replayed: 4", 0},
		"another message": {func(l []line) []line {
			l[1].message = `{result, 2, {error, #{reason => failed, message => <<"yes">>}}}`
			return l
		}, `message: "yes"`, 9},
		"no result":         {func(l []line) []line { return append(l[:1], l[2:]...) }, "the worker has ended: expected result of task 2", 9},
		"another callback":  {func(l []line) []line { l[0].message = `{callback, 9, 2, <<"ask">>, [2], #{}}`; return l }, "callback of task 2 that was not recorded", 0},
		"no message at all": {func(l []line) []line { return append([]line{{fromWorker, `42`}}, l...) }, "is no message", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := against(t, session, tt.change(append([]line(nil), same...)))
			if tt.says == "" {
				require.NoError(t, err)
				return
			}
			difference, ok := err.(*Difference)
			require.True(t, ok, "%v", err)
			assert.Contains(t, difference.Error(), tt.says)
			if tt.record > 0 {
				assert.Equal(t, tt.record, difference.Record)
			}
		})
	}
}

// A worker that ought to say something, and does not, is not waited for without end.
func TestSilence(t *testing.T) {
	file := recorded(t, []line{{fromClient, `{ping, 1}`}, {fromWorker, `{pong, 1}`}, {clientClosed, ""}, {workerClosed, ""}})
	replay := Replay{File: bytes.NewReader(file), Command: exec.Command("cat", "/dev/fd/3"), Patience: time.Millisecond}
	silent, quiet, err := os.Pipe()
	require.NoError(t, err)
	defer quiet.Close()
	defer silent.Close()
	replay.Command.ExtraFiles = []*os.File{silent}
	_, err = replay.Run()
	assert.ErrorContains(t, err, "the worker has said nothing for")
}

// How far a task came that was stopped is no difference, the reason is.
func TestStoppedTasks(t *testing.T) {
	session := func(reason string) []line {
		return []line{
			{fromClient, `{call, 1, f, []}`}, {fromWorker, `{data, 1, [1, 2]}`}, {fromClient, `{cancel, 1}`}, {fromWorker, `{data, 1, [3]}`},
			{fromWorker, `{result, 1, {error, #{reason => ` + reason + `, message => <<>>}}}`}, {clientClosed, ""}, {workerClosed, ""},
		}
	}
	for name, elements := range map[string]string{"fewer": `[1]`, "more": `[1, 2, 3, 4]`} {
		t.Run(name, func(t *testing.T) {
			said := []line{{fromWorker, `{data, 1, ` + elements + `}`}, {fromWorker, `{result, 1, {error, #{reason => cancelled, message => <<"x">>}}}`}}
			assert.NoError(t, against(t, session("cancelled"), said))
			assert.Error(t, against(t, session("timeout"), said))
			assert.Error(t, against(t, session("failed"), said))
		})
	}
}

func TestWhatIsReadOfARecordingThatWasCutShort(t *testing.T) {
	whole := recorded(t, []line{{fromClient, `{ping, 1}`}, {fromWorker, `{pong, 1}`}})
	all, err := read(bytes.NewReader(whole))
	require.NoError(t, err)
	require.Len(t, all, 2)
	for cut := int(all[0].offset); cut < len(whole); cut++ {
		events, err := read(bytes.NewReader(whole[:cut]))
		require.NoError(t, err)
		require.Less(t, len(events), 2)
	}
	for _, text := range []string{"", "hello world", string(wire.Frame(packetOf(t, `{portworker_recording, 2, #{}}`)))} {
		_, err := read(bytes.NewReader([]byte(text)))
		assert.ErrorContains(t, err, "expected a recording")
	}
	_, err = read(bytes.NewReader(append(whole, wire.Frame(packetOf(t, `{client, soon, 1}`))...)))
	assert.ErrorContains(t, err, "record 3")
}

func TestSplitterFindsPacketsInAnyPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		packets := rapid.SliceOf(rapid.SliceOfN(rapid.Byte(), 0, 300)).Draw(t, "packets")
		var stream []byte
		for _, packet := range packets {
			stream = append(stream, wire.Frame(packet)...)
		}
		var s splitter
		var got [][]byte
		for len(stream) > 0 {
			n := rapid.IntRange(1, len(stream)).Draw(t, "piece")
			s.add(stream[:n], func(packet []byte) { got = append(got, bytes.Clone(packet)) })
			stream = stream[n:]
		}
		require.Equal(t, len(packets), len(got))
		for i := range packets {
			require.True(t, bytes.Equal(packets[i], got[i]))
		}
	})
}

func TestSplitterHoldsNothingOfWhatIsTooLarge(t *testing.T) {
	var s splitter
	seen := 0
	whole := func([]byte) { seen++ }
	s.add([]byte{0xff, 0xff, 0xff, 0xff, 1, 2}, whole)
	s.add(make([]byte, 1<<20), whole)
	assert.Empty(t, s.held)
	assert.EqualValues(t, 1<<32-1-2-1<<20, s.skip)
	s.skip = 1
	s.add(append([]byte{0}, wire.Frame([]byte("x"))...), whole)
	assert.Equal(t, 1, seen)
}
