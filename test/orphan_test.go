package test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// parentOf makes this test binary the parent of the worker it names, see beParent.
const parentOf = "PORTWORKER_TEST_PARENT_OF"

// beParent holds a worker that spins, and waits to be killed.
func beParent(worker string) {
	cmd := exec.Command(worker, "--debug-functions", "--drain-timeout", "500")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		panic(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		panic(err)
	}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	for _, m := range []any{call(1, "debug.spin"), ping("it spins")} {
		_, _ = stdin.Write(packet(overETF.codec.packet(m)))
	}
	if _, err := readPacket(stdout); err != nil {
		panic(err)
	}
	fmt.Println(cmd.Process.Pid)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// A parent that is killed takes no worker's time: its end of the pipe closes,
// and that is end of file, also in the middle of a busy loop.
func TestKillingTheParentLeavesNoWorker(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), parentOf+"="+workerBinary)
	requireWorkerGoneWithParent(t, cmd)
}

func TestKillingTheBEAMLeavesNoWorker(t *testing.T) {
	script := fmt.Sprintf(`
		Port = open_port({spawn_executable, %q},
			[{packet,4}, binary, exit_status, {args, ["--debug-functions", "--drain-timeout", "500"]}]),
		port_command(Port, term_to_binary({call, 1, 'debug.spin', []})),
		port_command(Port, term_to_binary({ping, 1})),
		receive {Port, {data, _}} -> ok end,
		{os_pid, Pid} = erlang:port_info(Port, os_pid),
		io:format("~b~n", [Pid]),
		receive never -> ok end.`, workerBinary)
	requireWorkerGoneWithParent(t, exec.Command(erlang(t, "erl"), "-noshell", "-noinput", "-eval", script))
}

func requireWorkerGoneWithParent(t *testing.T, parent *exec.Cmd) {
	t.Helper()
	stdin, err := parent.StdinPipe()
	require.NoError(t, err)
	stdout, err := parent.StdoutPipe()
	require.NoError(t, err)
	var stderr lockedBuffer
	parent.Stderr = &stderr
	parent.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	parent.WaitDelay = patience
	require.NoError(t, parent.Start())
	t.Cleanup(func() { _ = parent.Process.Kill() })

	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err, "the parent says %s", &stderr)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)
	worker := watch(t, pid)
	t.Cleanup(worker.kill)

	require.NoError(t, parent.Process.Kill())
	worker.requireGone(t, 5*time.Second)
	_ = stdin.Close()
	_ = parent.Wait()
}

// erlang finds a program of Erlang/OTP.
func erlang(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	require.NoError(t, err, "%s is needed: `apt-get install erlang-base`, or `make test`, which installs it", program)
	return path
}
