package cli

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

func TestArgument(t *testing.T) {
	binary, anything := etf.TypeFor[string](), etf.TypeFor[any]()
	optional := etf.TypeFor[*string]()
	tests := map[string]struct {
		text     string
		expected etf.Type
		plain    bool
		want     any
	}{
		"a word for a binary":              {"hello", binary, false, "hello"},
		"text in quotes for a binary":      {`"a b"`, binary, false, "a b"},
		"Erlang's binary":                  {`<<"a b">>`, binary, false, "a b"},
		"a number for a binary":            {"42", binary, false, "42"},
		"a path for a binary":              {"/etc/hosts", binary, false, "/etc/hosts"},
		"several words for a binary":       {"hello you", binary, false, "hello you"},
		"nil for a binary":                 {"nil", binary, false, "nil"},
		"nil where that will do":           {"nil", optional, false, nil},
		"a word where nil will do":         {"hello", optional, false, "hello"},
		"a word for anything":              {"hello", anything, false, etf.Atom("hello")},
		"a negative number":                {negative + "-5", anything, false, int64(-5)},
		"a negative number for a binary":   {negative + "-5", binary, false, "-5"},
		"a term as a text":                 {`[1]`, anything, true, "[1]"},
		"a text that looks like two terms": {"a b", anything, true, "a b"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := argument(tt.text, tt.expected, tt.plain)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
	_, err := argument("a b", anything, false)
	assert.ErrorContains(t, err, "--string")
}

func TestArgumentsMarksNegativeNumbers(t *testing.T) {
	tests := map[string][2][]string{
		"of call":            {{"call", "sum", "-5", "--json"}, {"call", "sum", negative + "-5", "--json"}},
		"of something else":  {{"encode", "-5"}, {"encode", "-5"}},
		"behind two dashes":  {{"call", "sum", "--", "-5"}, {"call", "sum", "--", "-5"}},
		"flags before call":  {{"--debug-functions", "call", "sum", "-1.5"}, {"--debug-functions", "call", "sum", negative + "-1.5"}},
		"a flag, no number":  {{"call", "sum", "-v"}, {"call", "sum", "-v"}},
		"nothing whatsoever": {nil, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tt[1], Arguments(tt[0])) })
	}
}

func TestMeasured(t *testing.T) {
	atoms := func(pairs ...any) (m etf.Map) {
		for i := 0; i < len(pairs); i += 2 {
			m = append(m, etf.Pair{Key: pairs[i], Value: pairs[i+1]})
		}
		return m
	}
	tests := map[string]struct {
		progress any
		bar      string
	}{
		"done of total":   {atoms(etf.Atom("done"), 1, etf.Atom("total"), 4), "[#######.......................]  25% 1/4"},
		"names as text":   {atoms("bytes", 10.0, "total", 10), "[##############################] 100% 10/10"},
		"a call's number": {etf.Tuple{1, 2}, ""},
		"more than all":   {atoms("done", 3, "total", 2), "[##############################] 100% 3/2"},
		"nothing to do":   {atoms("done", 0, "total", 0), ""},
		"no total":        {atoms(etf.Atom("done"), 1), ""},
		"no number":       {atoms("done", etf.Atom("a"), "total", 2), ""},
		"something else":  {"half", ""},
		"less than none":  {atoms("done", -1, "total", 2), ""},
		"total, no parts": {atoms(etf.Atom("total"), 1), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			term, err := etf.Append(nil, tt.progress)
			require.NoError(t, err)
			done, total, ok := measured(term)
			require.Equal(t, tt.bar != "", ok)
			if ok {
				assert.Equal(t, tt.bar, drawBar(done, total))
			}
		})
	}
}
