package test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// patience is how long a scenario waits for something that should happen at
// once. It only bounds a failing test.
const patience = 15 * time.Second

// A transport is one way to reach a worker.
type transport struct {
	name        string
	codec       codec
	descriptors bool // frames on descriptors 3 and 4 and not on stdin and stdout
}

var (
	overETF     = transport{name: "etf", codec: etfCodec{}}
	overMsgpack = transport{name: "msgpack", codec: msgpackCodec{}}
	overSpare   = transport{name: "etf on descriptors 3 and 4", codec: etfCodec{}, descriptors: true}
)

// everywhere runs a scenario on every transport.
func everywhere(t *testing.T, scenario func(t *testing.T, via transport)) {
	for _, via := range []transport{overETF, overMsgpack, overSpare} {
		t.Run(via.name, func(t *testing.T) { scenario(t, via) })
	}
}

// A Peer is a started worker and this end of its pipes.
type Peer struct {
	t      *testing.T
	via    transport
	cmd    *exec.Cmd
	stdin  *os.File
	stdout *os.File
	stderr *lockedBuffer
	inbox  *inbox
	ledger *ledger
	flow   *flow

	reading  chan struct{} // closed when the peer is to read
	drained  chan struct{} // closed when it has read all there is
	exited   chan struct{} // closed when the process is gone
	startOne *sync.Once

	before   goleak.Option // the goroutines there were before this peer
	finished bool
	unread   bool // the scenario says when to read
	faulty   bool // faults are not kept

	packets *atomic.Int64 // read so far
	pings   int           // tokens and refs of the peer's own messages
	runaway bool          // a task that will not end is part of the scenario
	severed bool          // the scenario ended the worker, or its output, by force
}

// An Option changes how a worker is started.
type Option func(*Peer)

// Args are command line arguments of the worker.
func Args(args ...string) Option {
	return func(p *Peer) { p.cmd.Args = append(p.cmd.Args, args...) }
}

// Env are variables added to its environment, as NAME=value.
func Env(variables ...string) Option {
	return func(p *Peer) { p.cmd.Env = append(p.cmd.Env, variables...) }
}

// Unread is a peer that reads nothing until Read is called.
func Unread() Option {
	return func(p *Peer) { p.unread = true }
}

// Faulty is a peer that keeps no faults: they are part of the scenario.
func Faulty() Option {
	return func(p *Peer) { p.faulty = true }
}

// Unaccounted is a peer whose ledger is closed: its random bytes may well be calls.
func Unaccounted() Option {
	return func(p *Peer) { p.ledger.off = true }
}

// Running is another program than the worker of cmd/portworker.
func Running(binary string) Option {
	return func(p *Peer) { p.cmd.Path, p.cmd.Args[0] = binary, binary }
}

var debugging = Args("--debug-functions")

// Start starts a worker whose end the test checks.
func Start(t *testing.T, via transport, opts ...Option) *Peer {
	t.Helper()
	p := &Peer{
		t: t, via: via,
		cmd:      exec.Command(workerBinary),
		stderr:   &lockedBuffer{},
		inbox:    newInbox(),
		packets:  &atomic.Int64{},
		ledger:   newLedger(),
		flow:     &flow{},
		reading:  make(chan struct{}),
		drained:  make(chan struct{}),
		exited:   make(chan struct{}),
		startOne: &sync.Once{},
		before:   goleak.IgnoreCurrent(),
	}
	p.cmd.Env = os.Environ()
	p.cmd.Stderr = p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = patience
	for _, opt := range opts {
		opt(p)
	}
	p.start()
	t.Cleanup(p.finish)
	return p
}

func (p *Peer) start() {
	p.t.Helper()
	in, stdin, err := os.Pipe()
	require.NoError(p.t, err)
	stdout, out, err := os.Pipe()
	require.NoError(p.t, err)
	p.stdin, p.stdout = stdin, stdout
	if p.via.descriptors {
		p.cmd.Args = append(p.cmd.Args, "--descriptors", "3,4")
		p.cmd.ExtraFiles = []*os.File{in, out}
	} else {
		p.cmd.Stdin, p.cmd.Stdout = in, out
	}
	require.NoError(p.t, p.cmd.Start())
	_ = in.Close()
	_ = out.Close()
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait()
	}()
	go p.read()
	if !p.unread {
		p.Read()
	}
}

// in is the same peer in a subtest.
func (p *Peer) in(t *testing.T) *Peer {
	sub := *p
	sub.t = t
	return &sub
}

// Read begins to read what the worker writes; only an Unread peer needs it.
func (p *Peer) Read() { p.startOne.Do(func() { close(p.reading) }) }

func (p *Peer) read() {
	defer close(p.drained)
	<-p.reading
	r := bufio.NewReaderSize(p.stdout, 1<<16)
	for {
		payload, err := readPacket(r)
		if err != nil {
			p.inbox.close(err)
			return
		}
		p.packets.Add(1)
		messages, err := p.via.codec.messages(payload)
		if err != nil {
			p.inbox.close(fmt.Errorf("packet % x: %w", head(payload), err))
			_, _ = io.Copy(io.Discard, r)
			return
		}
		p.flow.arrived(len(payload), messages)
		for _, m := range messages {
			p.ledger.received(m)
		}
		if p.faulty {
			messages = slices.DeleteFunc(messages, func(m Message) bool { return m.Tag == "fault" })
		}
		p.inbox.put(messages...)
	}
}

// maxPacket is far over what any scenario asks for: more is text on the wire.
const maxPacket = 256 << 20

func readPacket(r io.Reader) ([]byte, error) {
	var header [4]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(header[:])
	if n > maxPacket {
		return nil, fmt.Errorf("a packet of %d bytes: %q is no header", n, header)
	}
	payload := make([]byte, n)
	_, err := io.ReadFull(r, payload)
	return payload, err
}

// packet is payload behind its length.
func packet(payload []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))), payload...)
}

// Send sends each message in a packet of its own.
func (p *Peer) Send(messages ...any) {
	p.t.Helper()
	var out []byte
	for _, m := range messages {
		p.note(m)
		out = append(out, packet(p.via.codec.packet(m))...)
	}
	p.Write(out)
}

// note takes down what is about to be sent, for the rules that are checked throughout.
func (p *Peer) note(message any) {
	p.ledger.sent(p.via.codec, message)
	p.flow.sent(message)
}

// Batch sends the messages in one packet.
func (p *Peer) Batch(messages ...any) {
	p.t.Helper()
	for _, m := range messages {
		p.note(m)
	}
	p.SendRaw(p.via.codec.packet(list(messages...)))
}

// SendRaw sends each payload as a packet, whatever it holds.
func (p *Peer) SendRaw(payloads ...[]byte) {
	p.t.Helper()
	var out []byte
	for _, payload := range payloads {
		out = append(out, packet(payload)...)
	}
	p.Write(out)
}

// Write writes bytes that need not be packets. A worker that does not read them
// within patience fails the test.
func (p *Peer) Write(b []byte) {
	p.t.Helper()
	_ = p.stdin.SetWriteDeadline(time.Now().Add(patience))
	_, err := p.stdin.Write(b)
	require.NoError(p.t, err, "the worker does not read; stderr: %s", p.stderr)
}

// Call sends a call.
func (p *Peer) Call(ref any, name string, args ...any) {
	p.t.Helper()
	p.Send(call(ref, name, args...))
}

// CloseStdin is the end of file for the worker.
func (p *Peer) CloseStdin() { _ = p.stdin.Close() }

// CloseStdout breaks the worker's output.
func (p *Peer) CloseStdout() {
	p.severed = true
	_ = p.stdout.Close()
}

// Signal sends a signal to the worker.
func (p *Peer) Signal(s syscall.Signal) {
	p.t.Helper()
	p.severed = p.severed || s == syscall.SIGKILL
	require.NoError(p.t, p.cmd.Process.Signal(s))
}

// Pid is the worker's process.
func (p *Peer) Pid() int { return p.cmd.Process.Pid }

// Wait waits for the process to end and returns its status, -1 for a signal.
func (p *Peer) Wait(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		require.Fail(p.t, "the worker is still there", "after %v; stderr: %s", within, p.stderr)
		return -1
	}
}

// Stderr is what the worker has written to stderr.
func (p *Peer) Stderr() string { return p.stderr.String() }

// A lockedBuffer is a buffer that one goroutine fills and another reads.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// endOfOutput reports whether why is a clean end of the worker's output.
func endOfOutput(why error) bool {
	return why == nil || errors.Is(why, io.EOF) || errors.Is(why, os.ErrClosed)
}
