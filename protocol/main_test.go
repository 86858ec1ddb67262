package protocol

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"portworker/etf"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// term encodes a term without a version byte.
func term(t testing.TB, v any) etf.Raw {
	t.Helper()
	b, err := etf.Append(nil, v)
	require.NoError(t, err)
	return b
}

// packed encodes a packet.
func packed(t testing.TB, v any) []byte {
	t.Helper()
	b, err := etf.Marshal(v)
	require.NoError(t, err)
	return b
}

// tuple is short for a tuple whose first element is a tag.
func tuple(tag string, elements ...any) etf.Tuple {
	return append(etf.Tuple{etf.Atom(tag)}, elements...)
}

// parse returns the messages of a packet in a fresh connection.
func parse(packet []byte) []Message {
	var p Parser
	return parseWith(&p, packet)
}

func parseWith(p *Parser, packet []byte) (messages []Message) {
	p.Open(packet)
	for m := p.Next(); m != nil; m = p.Next() {
		if call, ok := m.(*Call); ok { // the parser's
			own := *call
			m = &own
		}
		messages = append(messages, m)
	}
	return messages
}

// only returns the one message of a packet.
func only[M Message](t testing.TB, messages []Message) M {
	t.Helper()
	require.Len(t, messages, 1)
	require.IsType(t, *new(M), messages[0])
	return messages[0].(M)
}

// decoded returns a term as etf reads it into any.
func decoded(t testing.TB, raw etf.Raw) any {
	t.Helper()
	var v any
	require.NoError(t, raw.Unmarshal(&v), "% x", []byte(raw))
	return v
}
