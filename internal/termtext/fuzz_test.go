package termtext

import (
	"testing"

	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// FuzzParse reads whatever comes. What is a term is the same term in every syntax.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		`{call, 1, <<"echo">>, [#{a => 1, "b" => 'c d'}]}.`, `%{a: 1, "b" => 2}`, `[a: 1, b: [c | d]]`, `{"a": [null, 1e5], "b" : {}}`,
		`<<1, 2:4, "x"/utf8, 5::size(3)>>`, `~c"hi"`, `$a ?b`, `-16#ff 0xff 1_000 1.5e-3`, `#PID<nonode@nohost.1.2.3>`, `fun lists:map/2`,
		`&Enum.map/2`, `{ok, a: 1}`, `"\x{1F600}\u00e9\xff\101"`, "% comment\n# another\n:a",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Parse(text)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		want, err := etf.Append(nil, v)
		require.NoError(t, err)
		for _, syntax := range []Syntax{Elixir, Erlang} {
			written, err := syntax.Append(nil, etf.Raw(want))
			require.NoError(t, err)
			read, err := Parse(string(written))
			require.NoError(t, err, "%q", written)
			got, err := etf.Append(nil, read)
			require.NoError(t, err)
			require.Equal(t, want, got, "%q", written)
		}
		_, err = JSON.Append(nil, etf.Raw(want))
		require.NoError(t, err)
	})
}

// FuzzMessagePack reads whatever comes. What is a value is the same value when it is written again.
func FuzzMessagePack(f *testing.F) {
	for _, data := range []string{"\x93\xa4ping\x01\xc0", "\x81\x01\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "\xdd\xff\xff\xff\xff", "\xc6\xff\xff\xff\xff", "\xc4\x01\xff"} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := ParseMessagePack(data)
		if err != nil {
			return
		}
		written, err := AppendMessagePack(nil, v)
		require.NoError(t, err)
		again, err := ParseMessagePack(written)
		require.NoError(t, err)
		want, err := etf.Append(nil, v)
		require.NoError(t, err)
		got, err := etf.Append(nil, again)
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}
