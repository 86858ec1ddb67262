package test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// What a build tool reads is what a client would be told.
func TestDescribeFlag(t *testing.T) {
	stdout, stderr, status := output(t, nil, "--describe", "--debug-functions", "--max-running", "77")
	require.Zero(t, status, stderr)
	assert.Empty(t, stderr)
	require.NotEmpty(t, stdout)
	require.EqualValues(t, etf.Version, stdout[0])

	message := etf.AppendAtom(etf.AppendTuple([]byte{etf.Version}, 2), "hello")
	messages, err := overETF.codec.messages(append(message, stdout[1:]...))
	require.NoError(t, err)
	described := messages[0].At(0).(map[string]any)
	hello := Start(t, overETF, debugging, Args("--max-running", "77")).Hello()
	assert.NotEqual(t, hello["os_pid"], described["os_pid"])
	delete(hello, "os_pid")
	delete(described, "os_pid")
	assert.Equal(t, hello, described)
}

// piped runs commands one after another, each reading what the one before writes, as a shell does.
func piped(t *testing.T, input string, commands ...[]string) (stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var in io.Reader = strings.NewReader(input)
	var out, said lockedBuffer
	var started []*exec.Cmd
	for i, args := range commands {
		cmd := exec.CommandContext(ctx, workerBinary, args...)
		cmd.Stdin, cmd.Stderr = in, &said
		if i < len(commands)-1 {
			next, err := cmd.StdoutPipe()
			require.NoError(t, err)
			in = next
		} else {
			cmd.Stdout = &out
		}
		require.NoError(t, cmd.Start())
		started = append(started, cmd)
	}
	for i := range started {
		_ = started[len(started)-1-i].Wait()
	}
	require.NoError(t, ctx.Err(), "still running; stderr: %s", said.String())
	return out.String(), said.String()
}

// A conversation that anyone can type and read.
func TestAPipeline(t *testing.T) {
	text := `{call, 1, <<"process_items">>, [[a, b]]}. % the first
		%{ignored: "not a message"}
		{:call, 2, "range", [1, 3], %{credit: 10}}
		{:ping, "here"}`
	stdout, stderr := piped(t, text, []string{"encode", "--drain"}, nil, []string{"decode"})
	assert.Empty(t, stderr)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	position := func(line string) int {
		i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, line) })
		require.GreaterOrEqual(t, i, 0, "no %s in\n%s", line, stdout)
		return i
	}
	assert.Less(t, position("{:progress, 1, %{done: 1"), position("{:progress, 1, %{done: 2"))
	assert.Less(t, position("{:progress, 1, %{done: 2"), position("{:result, 1, {:ok, %{items: 2"))
	assert.Less(t, position("{:data, 2, [1"), position("{:result, 2, {:ok, nil}}"))
	position(`{:fault, :undefined, %{reason: :bad_message`)
	position(`{:pong, "here"}`)
}

func TestAPipelineInJSONAndMessagePack(t *testing.T) {
	message := `["call", 1, "upcase", ["é"]]`
	want := `["result",1,["ok","É"]]` + "\n"
	stdout, _ := piped(t, message, []string{"encode", "--json", "--drain"}, nil, []string{"decode", "--json"})
	assert.Equal(t, want, stdout)
	stdout, _ = piped(t, message, []string{"encode", "--json", "--msgpack", "--drain"}, nil, []string{"decode", "--msgpack", "--json"})
	assert.Equal(t, want, stdout)
}

// What decode writes is what encode reads.
func TestDecodeUndoesEncode(t *testing.T) {
	for _, flag := range []string{"--elixir", "--erlang"} {
		const term = `{a, [1|2], #{"k" => <<1:3>>}, #PID<a@b.1.2.3>, 'it\'s'}`
		once, _ := piped(t, term, []string{"encode"}, []string{"decode", flag})
		twice, _ := piped(t, once, []string{"encode"}, []string{"decode", flag})
		assert.NotEmpty(t, once)
		assert.Equal(t, once, twice)
	}
}

func TestCallCommand(t *testing.T) {
	tests := map[string]struct {
		args, env          []string
		input              string
		status             int
		stdout, stderrSays string
		begins             bool
	}{
		"a word":           {args: []string{"upcase", "hello"}, stdout: "\"HELLO\"\n"},
		"Erlang's syntax":  {args: []string{"upcase", "hé", "--erlang"}, stdout: "<<\"HÉ\"/utf8>>\n"},
		"raw":              {args: []string{"upcase", "hé", "--raw"}, stdout: "HÉ"},
		"a stream":         {args: []string{"range", "5", "1", "-2"}, stdout: "5\n3\n1\n"},
		"JSON":             {args: []string{"echo", `{"a": [1, null]}`, "--json"}, stdout: "{\"a\":[1,null]}\n"},
		"progress":         {args: []string{"process_items", "[a]", "--json"}, stderrSays: `{"progress":{"done":1,"total":1,"item":"a"}}`, begins: true, stdout: `{"items":1,`},
		"a channel":        {args: []string{"stateful_worker", "10"}, input: "{add, #{value => 5}}\n\nget_current\n", stdout: "{:updated, %{old_value: 10, new_value: 15}}\n{:current, %{value: 15}}\n"},
		"many inputs":      {args: []string{"stateful_worker", "0", "--erlang"}, input: strings.Repeat("{add, #{value => 1}}\n", 500) + "shutdown\n", begins: true, stdout: "{updated,#{old_value => 0,new_value => 1}}\n"},
		"a bad input":      {args: []string{"stateful_worker"}, input: "{nope\nget_current\n", status: 1, stdout: "{:current, %{value: 0}}\n", stderrSays: "input skipped"},
		"an error":         {args: []string{"sum", "-5"}, status: 1, stderrSays: "bad_args: n: expected an integer of at least 0, got -5"},
		"an error in JSON": {args: []string{"sum", "-5", "--json"}, status: 1, stderrSays: `{"error":{"reason":"bad_args"`},
		"a panic":          {args: []string{"debug.panic", "boo", "--debug-functions"}, status: 1, stderrSays: "panic: boo\n  stack:\n"},
		"a deadline":       {args: []string{"sleep", "60_000", "--timeout", "10ms"}, status: 1, stderrSays: "timeout: "},
		"a bad lane":       {args: []string{"sleep", "1", "--lane", "fast"}, status: 1, stderrSays: "bad_message"},
		"what is printed":  {args: []string{"debug.print", "hi", "--debug-functions"}, stdout: ":ok\n", stderrSays: "hi\n"},
		"a builtin":        {args: []string{"$sleep", "1"}, stdout: ":ok\n"},
		"the environment":  {args: []string{"debug.print", "hi"}, env: []string{"PORTWORKER_DEBUG_FUNCTIONS=true"}, stdout: ":ok\n", stderrSays: "hi\n"},
		"no function":      {args: []string{"nope"}, status: 2, stderrSays: `no function "nope"`},
		"no term":          {args: []string{"echo", "{a"}, status: 2, stderrSays: "argument 1: "},
		"no name":          {status: 2, stderrSays: "requires at least 1 arg"},
		"a bad timeout":    {args: []string{"sleep", "1", "--timeout", "soon"}, status: 2, stderrSays: "timeout"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, workerBinary, append([]string{"call"}, tt.args...)...)
			cmd.Env = append(os.Environ(), tt.env...)
			cmd.Stdin = strings.NewReader(tt.input)
			var stdout, stderr lockedBuffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			_ = cmd.Run()
			assert.Equal(t, tt.status, cmd.ProcessState.ExitCode(), stderr.String())
			if tt.begins {
				assert.True(t, strings.HasPrefix(stdout.String(), tt.stdout), stdout.String())
			} else {
				assert.Equal(t, tt.stdout, stdout.String())
			}
			if tt.stderrSays == "" {
				assert.Empty(t, stderr.String())
			}
			assert.Contains(t, stderr.String(), tt.stderrSays)
		})
	}
}

// The first interrupt cancels the task, whose end is told.
func TestCallIsCancelledByAnInterrupt(t *testing.T) {
	cmd := exec.Command(workerBinary, "call", "fibonacci", "--elixir")
	var stderr lockedBuffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewReader(stdout)
	_, err = lines.ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	_, _ = io.Copy(io.Discard, lines)
	_ = cmd.Wait()
	assert.Equal(t, 1, cmd.ProcessState.ExitCode())
	assert.Contains(t, stderr.String(), "cancelled: ")
	assert.Contains(t, stderr.String(), "the handler has returned")
}

// At a terminal progress with a total is a bar.
func TestCallDrawsABar(t *testing.T) {
	master, terminal := openTerminal(t)
	cmd := exec.Command(workerBinary, "call", "process_items", "[a, b]")
	var stdout lockedBuffer
	cmd.Stdout, cmd.Stderr = &stdout, terminal
	require.NoError(t, cmd.Run())
	_ = terminal.Close()
	_ = master.SetReadDeadline(time.Now().Add(patience))
	text, _ := io.ReadAll(master)
	assert.Contains(t, string(text), "[###############...............]  50% 1/2")
	assert.Contains(t, stdout.String(), "%{items: 2")
}

func TestFunctionsAndDescribe(t *testing.T) {
	stdout, _, status := output(t, nil, "functions")
	assert.Zero(t, status)
	assert.Regexp(t, `(?m)^range +stream +\(integer, integer, integer \| nil\) -> integer, \.\.\. +io +Streams the integers`, stdout)

	stdout, _, _ = output(t, nil, "functions", "--json")
	var listed []map[string]any
	require.NoError(t, json.Unmarshal([]byte(stdout), &listed))
	assert.Contains(t, listed, map[string]any{"name": "upcase", "kind": "function", "args": []any{"binary"}, "result": "binary",
		"doc": "Returns a UTF-8 binary in upper case.", "lane": "io"})

	stdout, _, _ = output(t, nil, "describe", "stateful_worker")
	for _, word := range []string{"stateful_worker(integer | nil) -> ", "kind: channel", "lane: io", "input: ", "{:add, %{value: integer}}"} {
		assert.Contains(t, stdout, word)
	}
	stdout, _, _ = output(t, nil, "describe", "--max-running", "77")
	assert.Contains(t, stdout, "max_running: 77")
	assert.Contains(t, stdout, "upcase(binary) -> binary")
	stdout, _, _ = output(t, nil, "describe", "sum", "--json")
	assert.Contains(t, stdout, `"lane":"cpu"`)
	_, stderr, status := output(t, nil, "describe", "nope")
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, "nope")
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		stdout, stderr, status := output(t, nil, "completion", shell)
		assert.Zero(t, status)
		assert.Empty(t, stderr)
		assert.Contains(t, stdout, "portworker")
	}
	stdout, _, _ := output(t, nil, "__complete", "call", "file.g")
	assert.Contains(t, stdout, "file.grep\tfunction: ")
	assert.Contains(t, stdout, "file.grep.stream\t")
	stdout, _, _ = output(t, nil, "__complete", "--debug-functions", "describe", "debug.p")
	assert.Contains(t, stdout, "debug.panic\t")
	stdout, _, _ = output(t, nil, "__complete", "")
	for _, command := range []string{"call", "functions", "describe", "encode", "decode", "completion"} {
		assert.Contains(t, stdout, command+"\t")
	}
}
