package test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// output runs the worker with nothing on stdin and returns all it says.
func output(t *testing.T, env []string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, workerBinary, args...)
	cmd.Env = append(os.Environ(), env...)
	var out, err lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &err
	_ = cmd.Run()
	require.NoError(t, ctx.Err(), "the worker waits; stderr: %s", err.String())
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

func TestVersion(t *testing.T) {
	stdout, stderr, status := output(t, nil, "--version")
	assert.Zero(t, status)
	assert.Empty(t, stderr)
	assert.Contains(t, stdout, text(Start(t, overETF).Hello()["version"]))
}

func TestHelp(t *testing.T) {
	stdout, stderr, status := output(t, nil, "--help")
	assert.Zero(t, status)
	assert.Empty(t, stderr)
	for _, word := range []string{
		"portworker", "--max-running", "PORTWORKER_MAX_RUNNING", "--max-frame", "--max-depth", "--drain-timeout",
		"--memory-limit", "--processors", "--busy-wait", "--log-level", "--lanes", "--debug-functions", "--descriptors",
	} {
		assert.Contains(t, stdout, word)
	}
}

func TestBadCommandLines(t *testing.T) {
	tests := map[string]struct {
		args, env []string
		says      []string
	}{
		"unknown flag":          {args: []string{"--max-runing", "5"}, says: []string{"max-runing"}},
		"no number":             {args: []string{"--max-running", "many"}, says: []string{"max-running", "many"}},
		"negative":              {args: []string{"--max-running", "-5"}, says: []string{"max-running", "-5"}},
		"zero":                  {args: []string{"--max-running", "0"}, says: []string{"max-running", "0"}},
		"no value":              {args: []string{"--max-running"}, says: []string{"max-running"}},
		"frame over the format": {args: []string{"--max-frame", "99999999999"}, says: []string{"max-frame"}},
		"unknown level":         {args: []string{"--log-level", "shouting"}, says: []string{"log-level", "shouting", "debug", "info", "warning", "error"}},
		"unknown lane":          {args: []string{"--lanes", "fast=1"}, says: []string{"lanes", "fast", "cpu"}},
		"lane without size":     {args: []string{"--lanes", "cpu"}, says: []string{"lanes", "cpu"}},
		"one descriptor":        {args: []string{"--descriptors", "3"}, says: []string{"descriptors", "3,4"}},
		"an argument":           {args: []string{"serve"}, says: []string{"serve"}},
		"variable, no number":   {env: []string{"PORTWORKER_MAX_RUNNING=many"}, says: []string{"PORTWORKER_MAX_RUNNING", "many"}},
		"variable, bad level":   {env: []string{"PORTWORKER_LOG_LEVEL=shouting"}, says: []string{"PORTWORKER_LOG_LEVEL", "shouting"}},
		"variable, bad switch":  {env: []string{"PORTWORKER_DEBUG_FUNCTIONS=perhaps"}, says: []string{"PORTWORKER_DEBUG_FUNCTIONS", "perhaps"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, status := output(t, tt.env, tt.args...)
			assert.Equal(t, 2, status)
			assert.Empty(t, stdout)
			for _, word := range tt.says {
				assert.Contains(t, stderr, word)
			}
			assert.NotContains(t, stderr, "goroutine ", "a message, not a stack")
		})
	}
}

func TestDescriptorsThatAreNotOpen(t *testing.T) {
	stdout, stderr, status := output(t, nil, "--descriptors", "93,94")
	assert.NotZero(t, status)
	assert.Empty(t, stdout)
	assert.Contains(t, stderr, "93")
}

// At a terminal there is nobody who speaks in frames: the worker says what it is.
func TestAtATerminal(t *testing.T) {
	master, terminal := openTerminal(t)
	cmd := exec.Command(workerBinary)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal, terminal, terminal
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, cmd.Start())
	_ = terminal.Close()
	t.Cleanup(func() { _ = cmd.Process.Kill() })

	_ = master.SetReadDeadline(time.Now().Add(patience))
	text, err := io.ReadAll(master) // EIO once the worker has gone
	require.ErrorIs(t, err, unix.EIO, "the worker waits; it said %q", text)
	_ = cmd.Wait()
	assert.Equal(t, 0, cmd.ProcessState.ExitCode())
	for _, word := range []string{"portworker", "--help", "Port"} {
		assert.Contains(t, string(text), word)
	}
}

func openTerminal(t *testing.T) (master, terminal *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	require.NoError(t, err)
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	t.Cleanup(func() { _ = master.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	return master, terminal
}

// The frames go elsewhere, so a terminal on stdin is no sign of a person.
func TestATerminalWithSpareDescriptors(t *testing.T) {
	_, terminal := openTerminal(t)
	p := Start(t, overSpare, func(p *Peer) { p.cmd.Stdin, p.cmd.Stdout = terminal, terminal })
	p.Call(1, "echo", "frames")
	assert.Equal(t, "frames", p.Value(1))
}
