package portworkertest

import (
	"fmt"
	"io"
	"testing"
	"time"

	"portworker"
	"portworker/etf"
)

// Peer is a worker's client in the same process. It reads only when it is asked
// for a message, so a test decides how fast its client is. Its methods fail the test
// when the wire breaks, and are for one goroutine.
type Peer struct {
	t    testing.TB
	wire *wire
	held []etf.Tuple // received in a batch, not yet asked for
	refs int
}

// Start serves w until the test ends, and then waits until it has stopped.
func Start(t testing.TB, w *portworker.Worker) *Peer {
	t.Helper()
	p := &Peer{t: t, wire: serve(w)}
	t.Cleanup(func() {
		_ = p.Close()
		p.wire.release()
	})
	return p
}

// Send writes one packet: a message, or a batch of several.
func (p *Peer) Send(messages ...etf.Tuple) {
	p.t.Helper()
	var term any = messages
	if len(messages) == 1 {
		term = messages[0]
	}
	packet, err := etf.Marshal(term)
	if err != nil {
		p.t.Fatalf("portworkertest: encode %v: %v", term, err)
	}
	p.SendBytes(packet)
}

// SendBytes writes one packet that holds these bytes, whatever they are.
func (p *Peer) SendBytes(packet []byte) {
	p.t.Helper()
	if err := p.wire.write(packet); err != nil {
		p.t.Fatalf("portworkertest: write: %v", err)
	}
}

// Next returns the next message, one by one where they came as a batch. It
// waits for as long as it takes.
func (p *Peer) Next() etf.Tuple {
	p.t.Helper()
	message, err := p.Read()
	if err != nil {
		p.t.Fatalf("portworkertest: read: %v", err)
	}
	return message
}

// Read is Next for a test that expects the end: it returns io.EOF when the
// worker has closed its output.
func (p *Peer) Read() (etf.Tuple, error) {
	for len(p.held) == 0 {
		packet, err := p.wire.read()
		if err != nil {
			return nil, err
		}
		if err := p.unpack(packet); err != nil {
			return nil, err
		}
	}
	message := p.held[0]
	p.held = p.held[1:]
	return message, nil
}

func (p *Peer) unpack(packet []byte) error {
	var term any
	if err := etf.Unmarshal(packet, &term); err != nil {
		return fmt.Errorf("packet % x: %w", packet, err)
	}
	batch, isBatch := term.([]any)
	if !isBatch {
		batch = []any{term}
	}
	for _, message := range batch {
		tuple, ok := message.(etf.Tuple)
		if !ok {
			return fmt.Errorf("message %v: expected a tuple", message)
		}
		p.held = append(p.held, tuple)
	}
	return nil
}

// CloseInput ends the worker's input, as a port that closes does.
func (p *Peer) CloseInput() { p.wire.closeInput() }

// Drain cancels the context the worker is served with.
func (p *Peer) Drain() { p.wire.cancel() }

// Close ends the worker's input, throws away what it still says, and returns
// what Serve returned.
func (p *Peer) Close() error {
	p.CloseInput()
	_, _ = io.Copy(io.Discard, p.wire.recv)
	err := <-p.wire.ended
	p.wire.ended <- err
	return err
}

// Start starts a task and returns its ref; opts are the call's options, or nil.
func (p *Peer) Start(name string, opts etf.Map, args ...any) any {
	p.t.Helper()
	p.refs++
	ref := int64(p.refs)
	if args == nil {
		args = []any{}
	}
	message := etf.Tuple{etf.Atom("call"), ref, name, args}
	if opts != nil {
		message = append(message, opts)
	}
	p.Send(message)
	return ref
}

// Result is how a task ended, and what it sent before.
type Result struct {
	Progress []any
	// Elements are those of a stream, or the outputs of a channel, that no call of
	// Elements has read.
	Elements []any
	// Value is the term of a success.
	Value any
	// Err is the error of a failure, and nil for a success.
	Err *portworker.Error
}

// Await reads until the task with that ref has ended. Any message with another
// ref on the way fails the test.
func (p *Peer) Await(ref any) Result {
	p.t.Helper()
	var result Result
	for {
		message := p.Next()
		if len(message) != 3 || message[1] != ref {
			p.t.Fatalf("portworkertest: message %v: expected one of task %v", message, ref)
		}
		switch message[0] {
		case etf.Atom("progress"):
			result.Progress = append(result.Progress, message[2])
		case etf.Atom("credit"): // for inputs that are not sent any more
		case etf.Atom("data"):
			elements, ok := elementsOf(message)
			if !ok {
				p.t.Fatalf("portworkertest: message %v: expected elements", message)
			}
			result.Elements = append(result.Elements, elements...)
		case etf.Atom("result"):
			if err := result.end(message[2]); err != nil {
				p.t.Fatalf("portworkertest: %v", err)
			}
			return result
		default:
			p.t.Fatalf("portworkertest: message %v: expected progress, data or result", message)
		}
	}
}

func (r *Result) end(outcome any) error {
	pair, ok := outcome.(etf.Tuple)
	if !ok || len(pair) != 2 {
		return fmt.Errorf("outcome %v: expected {ok, Term} or {error, Error}", outcome)
	}
	if pair[0] == etf.Atom("ok") {
		r.Value = pair[1]
		return nil
	}
	fields, ok := pair[1].(etf.Map)
	if !ok {
		return fmt.Errorf("error %v: expected a map", pair[1])
	}
	r.Err = errorOf(fields)
	return nil
}

// errorOf reads an error as the wire has it.
func errorOf(fields etf.Map) *portworker.Error {
	get := func(name string) any { v, _ := fields.Get(etf.Atom(name)); return v }
	reason, _ := get("reason").(etf.Atom)
	message, _ := get("message").(string)
	stack, _ := get("stack").(string)
	after, _ := get("retry_after").(int64)
	return &portworker.Error{
		Reason: portworker.Reason(reason), Message: message, Details: get("details"), Stack: stack,
		RetryAfter: time.Duration(after) * time.Millisecond,
	}
}

// Call makes a call and returns how it ended.
func (p *Peer) Call(name string, args ...any) Result {
	p.t.Helper()
	return p.Await(p.Start(name, nil, args...))
}

// Value makes a call that must succeed, and decodes its value into out, which
// is a pointer.
func (p *Peer) Value(out any, name string, args ...any) {
	p.t.Helper()
	result := p.Call(name, args...)
	if result.Err != nil {
		p.t.Fatalf("portworkertest: %s%v: %v", name, args, result.Err)
	}
	term, err := etf.Append(nil, result.Value)
	if err == nil {
		err = etf.Raw(term).Unmarshal(out)
	}
	if err != nil {
		p.t.Fatalf("portworkertest: the value of %s: %v", name, err)
	}
}
