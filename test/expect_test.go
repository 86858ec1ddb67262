package test

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"
)

// Expect takes the next message with that tag.
func (p *Peer) Expect(tag string) Message {
	p.t.Helper()
	return p.expect(fmt.Sprintf("a %s message", tag), func(m Message) bool { return m.Tag == tag })
}

func (p *Peer) expect(what string, match func(Message) bool) Message {
	p.t.Helper()
	m, ok := p.inbox.take(match, patience)
	if !ok {
		rest, why := p.inbox.rest()
		require.Fail(p.t, "no "+what, "inbox: %v\nend of output: %v\nstderr: %s", rest, why, p.stderr)
	}
	return m
}

// of matches the messages of one kind about one task.
func (p *Peer) of(tag string, ref any) func(Message) bool {
	key := string(p.via.codec.term(ref))
	return func(m Message) bool { return m.Tag == tag && m.Ref() == key }
}

// Result takes the result of a call: its value, or its failure.
func (p *Peer) Result(ref any) (value any, failed *Failure) {
	p.t.Helper()
	m := p.expect(fmt.Sprintf("result for %v", ref), p.of("result", ref))
	outcome, ok := m.At(1).([]any)
	require.True(p.t, ok && len(outcome) == 2, "want {ok, Term} or {error, Error}, got %v", m)
	switch outcome[0] {
	case "ok":
		return outcome[1], nil
	case "error":
		f, err := failure(outcome[1])
		require.NoError(p.t, err)
		return nil, &f
	}
	require.Fail(p.t, "want ok or error", "got %v", m)
	return nil, nil
}

// Value is the plain value a call must have returned.
func (p *Peer) Value(ref any) any {
	p.t.Helper()
	value, failed := p.Result(ref)
	require.Nil(p.t, failed, "call %v", ref)
	return value
}

// Failure is the failure a call must have ended in, with that reason.
func (p *Peer) Failure(ref any, reason string) Failure {
	p.t.Helper()
	value, failed := p.Result(ref)
	require.NotNil(p.t, failed, "call %v returned %v", ref, value)
	require.Equal(p.t, reason, failed.Reason, "%+v", failed)
	return *failed
}

// Fault takes the next fault, which must have that reason.
func (p *Peer) Fault(reason string) Failure {
	p.t.Helper()
	m := p.Expect("fault")
	f, err := failure(m.At(1))
	require.NoError(p.t, err)
	require.Equal(p.t, reason, f.Reason, "%+v", f)
	return f
}

// Refused takes the one answer to a call that may not be readable at all: an
// error for its ref, or a fault.
func (p *Peer) Refused(ref any) Failure {
	p.t.Helper()
	result := p.of("result", ref)
	m := p.expect(fmt.Sprintf("refusal of %v", ref), func(m Message) bool {
		return m.Tag == "fault" || result(m)
	})
	answer := m.At(1)
	if m.Tag == "fault" {
		p.ledger.forget(string(p.via.codec.term(ref)))
	} else if outcome, ok := answer.([]any); ok && len(outcome) == 2 && outcome[0] == "error" {
		answer = outcome[1]
	}
	f, err := failure(answer)
	require.NoError(p.t, err)
	return f
}

// Ping sends a ping and waits for its pong: all that was sent before has been read.
func (p *Peer) Ping() {
	p.t.Helper()
	p.pings++
	token := fmt.Sprintf("ping %d", p.pings)
	p.Send(ping(token))
	p.Pong(token)
}

// Pong waits for the answer to a ping.
func (p *Peer) Pong(v any) {
	p.t.Helper()
	p.expect(fmt.Sprintf("pong %v", v), p.of("pong", v))
}

// Hello greets the worker and returns its hello.
func (p *Peer) Hello(keysAndValues ...any) map[string]any {
	p.t.Helper()
	p.Send(hello(keysAndValues...))
	m := p.Expect("hello")
	greeting, ok := m.At(0).(map[string]any)
	require.True(p.t, ok, "want a map, got %v", m)
	return greeting
}

// None requires that no message with that tag has come that nobody took. Ping
// before it, so that what was sent has been answered.
func (p *Peer) None(tag string) {
	p.t.Helper()
	rest, _ := p.inbox.rest()
	for _, m := range rest {
		require.NotEqual(p.t, tag, m.Tag, "unexpected %v", m)
	}
}

// Discard forgets the messages with that tag that nobody took.
func (p *Peer) Discard(tag string) {
	for more := true; more; {
		_, more = p.inbox.take(func(m Message) bool { return m.Tag == tag }, 0)
	}
}

// Stats is the worker's account of itself.
func (p *Peer) Stats() map[string]any {
	p.t.Helper()
	p.pings++
	ref := fmt.Sprintf("stats %d", p.pings)
	p.Call(ref, "$stats")
	stats, ok := p.Value(ref).(map[string]any)
	require.True(p.t, ok, "want a map from $stats")
	return stats
}

// count is one number of $stats.
func (p *Peer) count(name string) int64 {
	p.t.Helper()
	stats := p.Stats()
	n, ok := stats[name].(int64)
	require.True(p.t, ok, "want %s in $stats, got %v", name, stats)
	return n
}

// until asks for a number of $stats until it is as wanted.
func (p *Peer) until(name string, reached func(int64) bool) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for n := p.count(name); !reached(n); n = p.count(name) {
		require.True(p.t, time.Now().Before(deadline), "%s stays at %d: %v", name, n, p.Stats())
	}
}
