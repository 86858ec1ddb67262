package portworkertest

import "portworker/etf"

// Grant allows the stream or channel with that ref n more elements.
func (p *Peer) Grant(ref any, n int) {
	p.t.Helper()
	p.Send(etf.Tuple{etf.Atom("credit"), ref, n})
}

// SendInput sends inputs to the channel with that ref, all in one packet.
func (p *Peer) SendInput(ref any, inputs ...any) {
	p.t.Helper()
	messages := make([]etf.Tuple, len(inputs))
	for i, input := range inputs {
		messages[i] = etf.Tuple{etf.Atom("send"), ref, input}
	}
	p.Send(messages...)
}

// HalfClose tells the channel with that ref that no more input comes.
func (p *Peer) HalfClose(ref any) {
	p.t.Helper()
	p.Send(etf.Tuple{etf.Atom("close"), ref})
}

// Elements reads until n elements of the task with that ref have come. Any other message
// on the way fails the test, and so does an element too many in the last one.
func (p *Peer) Elements(ref any, n int) []any {
	p.t.Helper()
	got := []any{}
	for len(got) < n {
		message := p.Next()
		elements, ok := elementsOf(message)
		if !ok || message[1] != ref {
			p.t.Fatalf("portworkertest: message %v: expected elements of task %v", message, ref)
		}
		got = append(got, elements...)
	}
	if len(got) > n {
		p.t.Fatalf("portworkertest: %d elements of task %v: expected %d", len(got), ref, n)
	}
	return got
}

// elementsOf returns what a data message carries, which is never nothing.
func elementsOf(message etf.Tuple) ([]any, bool) {
	if len(message) != 3 || message[0] != etf.Atom("data") {
		return nil, false
	}
	elements, ok := message[2].([]any)
	return elements, ok && len(elements) > 0
}

// Quiet fails the test unless the worker has nothing to say, which shows in a pong that
// comes next. What a handler is still about to say it cannot know: wait for the handler first,
// for instance with testing/synctest.
func (p *Peer) Quiet() {
	p.t.Helper()
	p.Send(etf.Tuple{etf.Atom("ping"), "quiet?"})
	if message := p.Next(); message[0] != etf.Atom("pong") {
		p.t.Fatalf("portworkertest: message %v: expected none", message)
	}
}
