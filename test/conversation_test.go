package test

import (
	"fmt"
	"math"

	"github.com/stretchr/testify/require"
)

// What a scenario says to streams, channels and callbacks, and what it hears.

// Elements takes the next n elements of a stream. They may come in several
// messages; the last of these is to hold none beyond n.
func (p *Peer) Elements(ref any, n int) []any {
	p.t.Helper()
	elements := make([]any, 0, n)
	for len(elements) < n {
		m := p.expect(fmt.Sprintf("element %d of %v", len(elements), ref), p.of("data", ref))
		elements = append(elements, p.elementsOf(m)...)
	}
	require.Len(p.t, elements, n, "elements of %v", ref)
	return elements
}

// elementsOf is what a data message brings.
func (p *Peer) elementsOf(m Message) []any {
	p.t.Helper()
	require.Len(p.t, m.Elements, 2, "want {data, Ref, List}, got %v", m)
	v, err := p.via.codec.value(m.Elements[1].Bytes)
	require.NoError(p.t, err)
	list, ok := plain(v).([]any)
	require.True(p.t, ok, "want a list of elements in %v", m)
	return list
}

// Rest takes all elements of a stream that nobody took yet, up to its result.
func (p *Peer) Rest(ref any) (elements []any, failed *Failure) {
	p.t.Helper()
	data, result := p.of("data", ref), p.of("result", ref)
	for {
		m := p.expect(fmt.Sprintf("end of %v", ref), func(m Message) bool { return data(m) || result(m) })
		if m.Tag == "data" {
			elements = append(elements, p.elementsOf(m)...)
			continue
		}
		p.inbox.put(m)
		_, failed = p.Result(ref)
		return elements, failed
	}
}

// Ended takes the rest of a stream, which must end well.
func (p *Peer) Ended(ref any) []any {
	p.t.Helper()
	elements, failed := p.Rest(ref)
	require.Nil(p.t, failed, "stream %v", ref)
	return elements
}

// Broken takes the rest of a stream, which must end in that way.
func (p *Peer) Broken(ref any, reason string) []any {
	p.t.Helper()
	elements, failed := p.Rest(ref)
	require.NotNil(p.t, failed, "stream %v", ref)
	require.Equal(p.t, reason, failed.Reason, "%+v", failed)
	return elements
}

// A Callback is a question of the worker's.
type Callback struct {
	ID   int64
	Name string
	Args []any
	Opts map[string]any
	m    Message
}

// Callback takes the next question, which must be for that function.
func (p *Peer) Callback(name string) Callback {
	p.t.Helper()
	m := p.Expect("callback")
	require.Len(p.t, m.Elements, 5, "want {callback, Id, Ref, Name, Args, Opts}, got %v", m)
	c := Callback{m: m}
	var ok bool
	c.ID, ok = m.At(0).(int64)
	require.True(p.t, ok, "want an integer for an id in %v", m)
	c.Name, _ = m.At(2).(string)
	require.Equal(p.t, name, c.Name)
	c.Args, ok = m.At(3).([]any)
	require.True(p.t, ok, "want a list of arguments in %v", m)
	c.Opts, ok = m.At(4).(map[string]any)
	require.True(p.t, ok, "want a map of options in %v", m)
	return c
}

// Ack acknowledges the oldest packets.
func (p *Peer) Ack(packets int) {
	p.t.Helper()
	if n := p.flow.acknowledge(packets); n > 0 {
		p.Send(ack(n))
	}
}

// AckAll acknowledges all that has come.
func (p *Peer) AckAll() { p.Ack(math.MaxInt) }

// counts are the integers from one number to another, as they come over the wire.
func counts(from, to int) []any {
	all := make([]any, 0, max(0, to-from))
	for i := from; i < to; i++ {
		all = append(all, int64(i))
	}
	return all
}
