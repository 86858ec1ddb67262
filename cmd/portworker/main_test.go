package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// asMain makes the test binary behave as the program, for tests that need a process to lose.
const asMain = "TEST_BINARY_RUNS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// A process is the program, running.
type process struct {
	client
	cmd    *exec.Cmd
	stderr bytes.Buffer
}

func run(t *testing.T, environment []string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0], args...)}
	p.cmd.Env = append(append(os.Environ(), asMain+"=1"), environment...)
	p.cmd.Stderr = &p.stderr
	send, err := p.cmd.StdinPipe()
	require.NoError(t, err)
	recv, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	p.client = client{t: t, send: send, recv: recv}
	return p
}

// dies waits for the program to end while its input is still open.
func (p *process) dies() {
	p.t.Helper()
	left, err := io.ReadAll(p.recv)
	require.NoError(p.t, err)
	require.Empty(p.t, left)
}

// status ends the program's input, waits for it to end and returns its exit status.
func (p *process) status() int {
	p.t.Helper()
	p.send.Close()
	_ = p.cmd.Wait() // the state says it all
	return p.cmd.ProcessState.ExitCode()
}

func TestDebugFunctionsAreOnlyThereWhenAskedFor(t *testing.T) {
	cases := map[string]struct {
		environment, args []string
		want              string
	}{
		"not asked for":      {want: "unknown_function"},
		"by a flag":          {args: []string{"--debug-functions"}, want: "panic"},
		"by the environment": {environment: []string{"PORTWORKER_DEBUG_FUNCTIONS=true"}, want: "panic"},
		"the flag has the last word": {environment: []string{"PORTWORKER_DEBUG_FUNCTIONS=true"},
			args: []string{"--debug-functions=false"}, want: "unknown_function"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := run(t, tc.environment, tc.args...)
			reason, _ := p.failure("debug.panic")
			assert.Equal(t, tc.want, reason)
			assert.Equal(t, 0, p.status())
		})
	}
}

func TestDebugExitEndsTheProcess(t *testing.T) {
	cases := map[string]struct {
		args []any
		want int
	}{
		"with a status": {[]any{7}, 7},
		"without one":   {[]any{}, 1},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := run(t, nil, "--debug-functions")
			p.start("debug.exit", tc.args...)
			p.dies()
			assert.Equal(t, tc.want, p.status())
		})
	}
}

func TestDebugFatalEndsTheProcess(t *testing.T) {
	for _, processors := range []string{"1", "2"} {
		t.Run("on processors: "+processors, func(t *testing.T) {
			p := run(t, nil, "--debug-functions", "--processors", processors)
			p.start("debug.fatal")
			p.dies()
			assert.Equal(t, 2, p.status())
			assert.Contains(t, p.stderr.String(), "fatal error: concurrent map writes")
		})
	}
}

func TestDebugPrintStaysOffTheWire(t *testing.T) {
	p := run(t, nil, "--debug-functions")
	p.value("debug.print", "hello from a handler")
	assert.Equal(t, "after", p.value("echo", "after"))
	assert.Equal(t, 0, p.status())
	assert.Equal(t, 2, bytes.Count(p.stderr.Bytes(), []byte("hello from a handler\n")))
}
