package protocol

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// hears parses one message.
func (p *Parser) hears(t *testing.T, message any) Message {
	t.Helper()
	p.Open(append([]byte{etf.Version}, term(t, message)...))
	m := p.Next()
	require.True(t, p.Done())
	return m
}

func shortCall(ref, number int) etf.Tuple { return etf.Tuple{ref, "echo", []any{"x"}, number} }

// options returns those of a call.
func (p *Parser) options(t *testing.T, message any) CallOptions {
	t.Helper()
	call, ok := p.hears(t, message).(*Call)
	require.True(t, ok)
	return call.CallOptions
}

// refusal returns why a call was refused.
func (p *Parser) refusal(t *testing.T, message any) *Error {
	t.Helper()
	invalid, ok := p.hears(t, message).(*Invalid)
	require.True(t, ok)
	assert.True(t, invalid.Call)
	return invalid.Err
}

func TestOptionsAreKeptUnderTheirNumber(t *testing.T) {
	var p Parser
	owner := pidOf("a@b", 1, 2, 3)
	given := optionsOf("timeout", 5000, "owner", owner, "meta", map[string]any{"k": "v"}, "retry", etf.Map{})
	first := p.options(t, callWithOptions(1, append(given, optionsOf("keep", 7)...)))
	want := p.options(t, callWithOptions(2, given))
	first.number, first.numbered = 0, false
	assert.Equal(t, want, first, "the number is no option of the call itself")

	packet := append([]byte{etf.Version}, term(t, shortCall(3, 7))...)
	p.Open(packet)
	call := p.Next().(*Call)
	assert.Equal(t, want, call.CallOptions)
	assert.Equal(t, []any{term(t, 3), "echo", term(t, []any{"x"})}, []any{call.Ref, call.Function, call.Args})
	assert.Equal(t, want, p.options(t, callWithOptions(4, 7)), "the long form may bring the number, too")

	p.options(t, callWithOptions(5, optionsOf("timeout", 1, "keep", 7)))
	assert.NotEqual(t, want, p.options(t, shortCall(6, 7)), "the last ones count")
}

func TestKeptOptionsOutliveTheirPacket(t *testing.T) {
	var p Parser
	packet := append([]byte{etf.Version}, term(t, callWithOptions(1, optionsOf("owner", pidOf("a@b", 1), "keep", 7)))...)
	p.Open(packet)
	owner := append(etf.Raw(nil), p.Next().(*Call).Owner...)
	for i := range packet {
		packet[i] = 0xff
	}
	assert.Equal(t, owner, p.options(t, shortCall(2, 7)).Owner)
}

func TestOptionsAreForgottenWithTheirOwner(t *testing.T) {
	var p Parser
	gone, other := pidOf("a@b", 1), pidOf("a@b", 2)
	for number, owner := range []etf.Raw{gone, gone, other} {
		p.options(t, callWithOptions(number, optionsOf("owner", owner, "keep", number)))
	}
	p.options(t, callWithOptions(3, optionsOf("keep", 3)))
	p.options(t, callWithOptions(4, optionsOf("owner", other, "keep", 1))) // from one owner to another
	p.hears(t, tuple("owner_down", gone))
	assert.Equal(t, "options 0: expected the number of options that were kept", p.refusal(t, shortCall(5, 0)).Message)
	for _, number := range []int{1, 2, 3} {
		p.options(t, shortCall(6, number))
	}
	p.hears(t, tuple("owner_down", other))
	assert.Empty(t, p.kept.byOwner)
	assert.Len(t, p.kept.byNumber, 1)
}

func TestNoMoreOptionsAreKeptThanFit(t *testing.T) {
	var p Parser
	p.options(t, callWithOptions(1, optionsOf("keep", -1)))
	for n := range int64(maxKept - 1) {
		p.kept.byNumber[n] = &CallOptions{}
	}
	assert.Equal(t, Overloaded, p.refusal(t, callWithOptions(1, optionsOf("keep", maxKept))).Reason)
	p.options(t, callWithOptions(1, optionsOf("keep", -1)))
}

func TestWhatIsNoShortCall(t *testing.T) {
	cases := map[string]struct {
		message any
		call    bool
		says    string
	}{
		"a number that nothing was kept under": {shortCall(1, 9), true, "options 9: expected the number of options that were kept"},
		"options instead of a number":          {etf.Tuple{1, "echo", []any{}, "7"}, true, `options "7": expected a map, or the number of options that were kept`},
		"no name":                              {etf.Tuple{1, 2, []any{}, 7}, true, "function name 2: expected an atom or a binary"},
		"no arguments":                         {etf.Tuple{1, "echo", "x", 7}, true, `arguments "x": expected a list`},
		"a ref that is no integer":             {etf.Tuple{"1", "echo", []any{}, 7}, false, `message tag "1": expected an atom`},
		"an element more":                      {etf.Tuple{1, "echo", []any{}, 7, 8}, false, "message tag 1: expected an atom"},
		"an element less":                      {etf.Tuple{1, "echo", []any{}}, false, "message tag 1: expected an atom"},
		"a number to keep that is none":        {callWithOptions(1, optionsOf("keep", "x")), true, `option keep is "x": expected a number`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var p Parser
			invalid, ok := p.hears(t, c.message).(*Invalid)
			require.True(t, ok)
			assert.Equal(t, c.says, invalid.Err.Message)
			assert.Equal(t, c.call, invalid.Call)
		})
	}
}

func TestAShortCallWhoseBytesGoBadIsAnswered(t *testing.T) {
	var p Parser
	message := term(t, shortCall(5, 7))
	p.Open(append([]byte{etf.Version}, message[:len(message)-1]...))
	invalid := p.Next().(*Invalid)
	assert.Equal(t, term(t, 5), invalid.Ref)
	assert.Equal(t, BadFrame, invalid.Err.Reason)
}
