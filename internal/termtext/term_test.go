package termtext

import (
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

func TestParse(t *testing.T) {
	big20, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	tests := map[string]struct {
		text string
		want any
	}{
		"bare atom":                  {`foo`, etf.Atom("foo")},
		"atom with a colon":          {`:foo?`, etf.Atom("foo?")},
		"atom in quotes":             {`'it\'s'`, etf.Atom("it's")},
		"atom in both":               {`:"a b"`, etf.Atom("a b")},
		"module":                     {`Foo.Bar`, etf.Atom("Elixir.Foo.Bar")},
		"constants":                  {`[true, false, nil, :nil, undefined, null]`, []any{true, false, nil, nil, etf.Atom("undefined"), etf.Atom("null")}},
		"integers":                   {`[1_000, -16#ff, 0xfF, 0o17, 0b101, +5]`, []any{int64(1000), int64(-255), int64(255), int64(15), int64(5), int64(5)}},
		"large integer":              {`123456789012345678901234567890`, big20},
		"characters":                 {`[$a, ?b, $\n]`, []any{int64('a'), int64('b'), int64('\n')}},
		"floats":                     {`[1.5, 1.0e3, 1e3, -2.5E-1]`, []any{1.5, 1e3, 1e3, -0.25}},
		"text":                       {`"hi \"you\" \u00e9\x{1f600}\xff\101\/"`, "hi \"you\" é😀\xffA/"},
		"surrogates":                 {`"\ud83d\ude00"`, "😀"},
		"Erlang binary":              {`<<"hé"/utf8, 1, 16#ff>>`, "hé\x01\xff"},
		"bytes":                      {`<<1, 2, -1>>`, "\x01\x02\xff"},
		"bits":                       {`<<1:4, 5::size(3)>>`, etf.Bitstring{Bytes: []byte{0x1a}, Bits: 7}},
		"charlist":                   {`~c"hi"`, []any{int64('h'), int64('i')}},
		"improper list":              {`[a, b | c]`, etf.ImproperList{Elements: []any{etf.Atom("a"), etf.Atom("b")}, Tail: etf.Atom("c")}},
		"list with a list as tail":   {`[1|[2|[]]]`, []any{int64(1), int64(2)}},
		"Erlang map":                 {`#{a => 1, "b" => <<"c">>}`, etf.Map{{Key: etf.Atom("a"), Value: int64(1)}, {Key: "b", Value: "c"}}},
		"Elixir map":                 {`%{"b" => 2, a: 1}`, etf.Map{{Key: "b", Value: int64(2)}, {Key: etf.Atom("a"), Value: int64(1)}}},
		"keys in quotes":             {`%{"a b": 1}`, etf.Map{{Key: etf.Atom("a b"), Value: int64(1)}}},
		"keyword list":               {`[a: 1, "b c": 2, nil: 3, Foo: 4]`, []any{etf.Tuple{etf.Atom("a"), int64(1)}, etf.Tuple{etf.Atom("b c"), int64(2)}, etf.Tuple{nil, int64(3)}, etf.Tuple{etf.Atom("Foo"), int64(4)}}},
		"keywords in a tuple":        {`{:ok, a: 1}`, etf.Tuple{etf.Atom("ok"), []any{etf.Tuple{etf.Atom("a"), int64(1)}}}},
		"JSON object":                {`{"a": null, "b" : [1e2, {"c": true}]}`, etf.Map{{Key: "a", Value: nil}, {Key: "b", Value: []any{100.0, etf.Map{{Key: "c", Value: true}}}}}},
		"empty ones":                 {`[{}, [], %{}, #{}, <<>>, ""]`, []any{etf.Tuple{}, []any{}, etf.Map{}, etf.Map{}, "", ""}},
		"comments and a full stop":   {"% one\n{a, # two\n b}. % three", etf.Tuple{etf.Atom("a"), etf.Atom("b")}},
		"an integer and a full stop": {"1.", int64(1)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(tt.text)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestWhatIsNoTerm(t *testing.T) {
	tests := map[string]struct{ text, says string }{
		"nothing":             {" % nothing", "expected a term, got nothing"},
		"two terms":           {"a b", `line 1, column 3: expected one term, got 'b' after it`},
		"an open list":        {"[1,\n 2", "line 2, column 3: expected ] or , in a list, got the end of the text"},
		"an open text":        {`{a, "b}`, `line 1, column 5: expected '"' at the end of the text that begins here`},
		"no arrow":            {`%{"a", 1}`, "expected => after a key, got ','"},
		"a variable":          {"_x", "expected a term, got '_'"},
		"a sigil":             {"~r/x/", "no other sigil is known"},
		"a byte too large":    {"<<256>>", "256 does not fit 8 bits"},
		"a float too large":   {"1.0e999", "out of range"},
		"equal keys":          {"#{a => 1, a => 2}", "equal"},
		"an atom too long":    {"'" + strings.Repeat("a", 256) + "'", "256 characters"},
		"nesting without end": {strings.Repeat("[", 100_000), "more than 1000 levels"},
		"half an identifier":  {"#PID<1.2>", "expected a node and 3 numbers"},
		"no identifier":       {"#Portal<1>", "#Portal<: expected #PID<"},
		"a base":              {"99#1", "99 is no base, expected 2 to 36"},
		"half a pair":         {`"\ud83d"`, "surrogate"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v, err := Parse(tt.text)
			require.Error(t, err, "%v", v)
			assert.Contains(t, err.Error(), tt.says)
		})
	}
}

func TestAppend(t *testing.T) {
	tests := map[string]struct {
		v                    any
		elixir, erlang, json string
	}{
		"result":        {etf.Tuple{etf.Atom("result"), int64(1), etf.Tuple{etf.Atom("ok"), "hi"}}, `{:result, 1, {:ok, "hi"}}`, `{result,1,{ok,<<"hi">>}}`, `["result",1,["ok","hi"]]`},
		"map of atoms":  {etf.Map{{Key: etf.Atom("a"), Value: nil}, {Key: etf.Atom("b c"), Value: true}}, `%{a: nil, "b c": true}`, `#{a => nil,'b c' => true}`, `{"a":null,"b c":true}`},
		"map":           {etf.Map{{Key: "a", Value: 1.0}}, `%{"a" => 1.0}`, `#{<<"a">> => 1.0}`, `{"a":1.0}`},
		"keywords":      {[]any{etf.Tuple{etf.Atom("a"), int64(1)}}, `[a: 1]`, `[{a,1}]`, `[["a",1]]`},
		"text":          {"né\n#{}", `"né\n\#{}"`, `<<"né\n#{}"/utf8>>`, `"né\n#{}"`},
		"bytes":         {"\xff\x00", `<<255, 0>>`, `<<255,0>>`, `{"$base64":"/wA="}`},
		"bits":          {etf.Bitstring{Bytes: []byte{1, 0xa0}, Bits: 3}, `<<1, 5::3>>`, `<<1,5:3>>`, `{"$term":"<<1,5:3>>"}`},
		"improper list": {etf.ImproperList{Elements: []any{int64(1)}, Tail: int64(2)}, `[1 | 2]`, `[1|2]`, `{"$term":"[1|2]"}`},
		"words":         {[]any{etf.Atom("end"), etf.Atom("Elixir.Foo")}, `[:end, Foo]`, `['end','Elixir.Foo']`, `["end","Elixir.Foo"]`},
		"odd keys":      {etf.Map{{Key: int64(1), Value: int64(2)}}, `%{1 => 2}`, `#{1 => 2}`, `{"$map":[[1,2]]}`},
		"equal names":   {etf.Map{{Key: "a", Value: int64(1)}, {Key: etf.Atom("a"), Value: int64(2)}}, `%{"a" => 1, :a => 2}`, `#{<<"a">> => 1,a => 2}`, `{"$map":[["a",1],["a",2]]}`},
		"large float":   {1e22, `1.0e22`, `1.0e22`, `1.0e22`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for syntax, want := range map[Syntax]string{Elixir: tt.elixir, Erlang: tt.erlang, JSON: tt.json} {
				assert.Equal(t, want, syntax.Text(tt.v))
			}
		})
	}
}

func TestJSONReader(t *testing.T) {
	r := NewJSONReader(strings.NewReader(`["call", 12345678901234567890, {"b": 1.5, "a": null}] {"$base64": "/wA="} {"$term": "{a,1}"} {"$map": [[1, 2]]} [`))
	huge := new(big.Int).SetUint64(12345678901234567890)
	for _, want := range []any{
		[]any{"call", huge, etf.Map{{Key: "a", Value: nil}, {Key: "b", Value: 1.5}}},
		"\xff\x00",
		etf.Tuple{etf.Atom("a"), int64(1)},
		etf.Map{{Key: int64(1), Value: int64(2)}},
	} {
		got, err := r.Next()
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err := r.Next()
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// A term is there as soon as its text shows its end: whoever types it waits for nothing.
func TestReaderReadsNoFurtherThanItMust(t *testing.T) {
	in, out := io.Pipe()
	r := NewReader(in)
	for _, text := range []string{"{a, 1}", ".\n[1,\n2]", "\n%{}.", "\n\"x\"", ". a\n", "1.\n", "<<1>>"} {
		go func() { _, _ = out.Write([]byte(text)) }()
		_, err := r.Next()
		require.NoError(t, err, text)
	}
	_ = out.Close()
	_, err := r.Next()
	assert.True(t, errors.Is(err, io.EOF), err)
}
