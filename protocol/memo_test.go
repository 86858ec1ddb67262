package protocol

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"portworker/etf"
)

// pidOf is a pid of a node with these numbers.
func pidOf(node string, numbers ...byte) etf.Raw {
	pid := append([]byte{newPid, 119, byte(len(node))}, node...)
	return append(pid, bytes.Repeat(numbers, pidNumbers/len(numbers))...)
}

func callWithOptions(ref int, options any) etf.Tuple {
	return tuple("call", ref, "echo", []any{"x"}, options)
}

// optionsOf makes a map of options.
func optionsOf(pairs ...any) (m etf.Map) {
	for i := 0; i < len(pairs); i += 2 {
		m = append(m, etf.Pair{Key: etf.Atom(pairs[i].(string)), Value: pairs[i+1]})
	}
	return m
}

// remembers reports whether the options are known when they come again.
func (p *Parser) remembers(t *testing.T, options any) bool {
	encoded := term(t, options)
	known, n := p.memo.find(append(encoded, "what follows"...), p.Limits)
	if known != nil {
		assert.Len(t, encoded, n)
	}
	return known != nil
}

func TestOptionsThatCameBeforeAreKnown(t *testing.T) {
	pid, other := pidOf("a@b", 1, 2, 3), pidOf("a@b", 9)
	long := bytes.Repeat([]byte("x"), maxKnownOptions)
	tests := map[string]struct {
		first, then any
		known       bool
	}{
		"the same":                     {optionsOf("timeout", 5000), optionsOf("timeout", 5000), true},
		"none":                         {etf.Map{}, etf.Map{}, true},
		"another timeout":              {optionsOf("timeout", 5000), optionsOf("timeout", 5001), false},
		"more":                         {optionsOf("timeout", 5000), optionsOf("timeout", 5000, "progress", false), false},
		"another owner of the node":    {optionsOf("owner", pid, "timeout", 5000), optionsOf("owner", other, "timeout", 5000), true},
		"the owner comes last":         {optionsOf("timeout", 5000, "owner", pid), optionsOf("timeout", 5000, "owner", other), true},
		"another after another owner":  {optionsOf("owner", pid, "timeout", 5000), optionsOf("owner", other, "timeout", 5001), false},
		"an owner of another node":     {optionsOf("owner", pid), optionsOf("owner", pidOf("c@d", 1, 2, 3)), false},
		"the owner's pid in two parts": {optionsOf("owner", pid, "other", pid), optionsOf("owner", pid, "other", pid), false},
		"an owner that is no pid":      {optionsOf("owner", 7), optionsOf("owner", 7), false},
		"a policy":                     {optionsOf("retry", etf.Map{}), optionsOf("retry", etf.Map{}), false},
		"metadata":                     {optionsOf("meta", etf.Map{}), optionsOf("meta", etf.Map{}), false},
		"long ones":                    {optionsOf("name", long), optionsOf("name", long), false},
		"those that were refused":      {optionsOf("timeout", "soon"), optionsOf("timeout", "soon"), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var p Parser
			parseWith(&p, packed(t, callWithOptions(1, test.first)))
			assert.Equal(t, test.known, p.remembers(t, test.then))
			packet := packed(t, callWithOptions(2, test.then))
			assert.Equal(t, parse(packet), parseWith(&p, packet))
		})
	}
}

func TestKnownOptionsDoNotHideWhatIsCutShort(t *testing.T) {
	var p Parser
	packet := packed(t, callWithOptions(1, optionsOf("owner", pidOf("a@b", 5), "timeout", 5000)))
	parseWith(&p, packet)
	for n := range packet {
		assert.Equal(t, parse(packet[:n]), parseWith(&p, packet[:n]), "%d bytes", n)
	}
}

func TestKnownOptionsAreForgottenWhenTheLimitsChange(t *testing.T) {
	p := Parser{Limits: etf.Limits{MaxDepth: 100}}
	deep := optionsOf("unknown", []any{[]any{[]any{1}}})
	parseWith(&p, packed(t, callWithOptions(1, deep)))
	require.True(t, p.remembers(t, deep))
	p.Limits.MaxDepth = 2
	invalid := only[*Invalid](t, parseWith(&p, packed(t, callWithOptions(2, deep))))
	assert.Contains(t, invalid.Err.Message, "limit of 2")
}

func TestTheLatestOptionsAreKnown(t *testing.T) {
	var p Parser
	for i := range 10 {
		parseWith(&p, packed(t, callWithOptions(i, optionsOf("timeout", 1000+i))))
	}
	for i := range 10 {
		assert.Equal(t, i >= 10-len(p.memo.known), p.remembers(t, optionsOf("timeout", 1000+i)))
	}
}

// The owners of calls that have been read are those of the packets they came in.
func TestKnownOptionsNameTheOwnerOfEachCall(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var p Parser
		for i, draw := range rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 3), 4, 4), 1, 20).Draw(rt, "calls") {
			options := optionsOf("owner", pidOf(fmt.Sprintf("n%d@h", draw[0]%2), byte(draw[1])), "timeout", 1000+draw[2])
			if draw[3] == 0 {
				options[0], options[1] = options[1], options[0]
			}
			packet := packed(t, callWithOptions(i, options))
			require.Equal(rt, parse(packet), parseWith(&p, packet))
		}
	})
}

func BenchmarkParseCallsOf64Owners(b *testing.B) {
	packets := make([][]byte, 64)
	for i := range packets {
		packets[i] = packed(b, callWithOptions(i, optionsOf("owner", pidOf("a@b", byte(i)), "progress", false, "timeout", 5000)))
	}
	var p Parser
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		for p.Open(packets[i%len(packets)]); p.Next() != nil; {
		}
	}
}
