package termtext

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"portworker/etf"
)

// anyAtom draws names that need quotes, look like other things, or are words of a syntax.
func anyAtom() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[a-zA-Z_][a-zA-Z0-9_@.]{0,8}[?!]?`),
		rapid.StringN(0, 12, -1),
		rapid.SampledFrom([]string{"", "nil", "true", "false", "null", "fun", "end", "Elixir", "Elixir.Foo.Bar", "Elixir.Elixir.Foo",
			"Foo", "it's", `a"b`, "#{x}", "a>b", "a\\b", "a\nb", "ü", "_", "1a", "undefined", "Elixir.", "Elixir.foo"}),
	)
}

func atomOf(name string) any { return atomValue(name) }

// identifiers are in the encodings that are read back; the old ones are equal as terms.
func anyIdentifier() *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		node := rapid.OneOf(rapid.Just("nonode@nohost"), rapid.Just("app@127.0.0.1"), anyAtom()).Draw(t, "node")
		u32 := func(name string) []byte { return rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, name) }
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			term := append(etf.AppendAtom(etf.Raw{tagNewPid}, node), u32("id")...)
			return etf.Raw(append(append(term, u32("serial")...), u32("creation")...))
		case 1:
			return etf.Raw(append(append(etf.AppendAtom(etf.Raw{tagNewPort}, node), u32("id")...), u32("creation")...))
		case 2:
			id := append([]byte{1}, rapid.SliceOfN(rapid.Byte(), 7, 7).Draw(t, "id")...)
			return etf.Raw(append(append(etf.AppendAtom(etf.Raw{tagV4Port}, node), id...), u32("creation")...))
		case 3:
			words := rapid.IntRange(1, 5).Draw(t, "words")
			term := append(etf.AppendAtom(etf.Raw{tagNewerReference, 0, byte(words)}, node), u32("creation")...)
			for range words {
				term = append(term, u32("word")...)
			}
			return etf.Raw(term)
		}
		term := etf.AppendAtom(etf.AppendAtom(etf.Raw{tagExport}, node), anyAtom().Draw(t, "function"))
		return etf.Raw(etf.AppendInt(term, int64(rapid.Byte().Draw(t, "arity"))))
	})
}

func anyLeaf() *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		switch rapid.IntRange(0, 7).Draw(t, "leaf") {
		case 0:
			return rapid.Int64().Draw(t, "integer")
		case 1:
			return new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 9, 40).Draw(t, "magnitude"))
		case 2:
			return rapid.Float64Range(-1.7e308, 1.7e308).Draw(t, "float")
		case 3:
			return string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		case 4:
			return rapid.String().Draw(t, "text")
		case 5:
			bits := rapid.IntRange(1, 7).Draw(t, "bits")
			b := rapid.SliceOfN(rapid.Byte(), 1, 5).Draw(t, "bitstring")
			b[len(b)-1] &= 0xff << (8 - bits)
			return etf.Bitstring{Bytes: b, Bits: bits}
		case 6:
			return anyIdentifier().Draw(t, "identifier")
		}
		return atomOf(anyAtom().Draw(t, "atom"))
	})
}

func anyTerm(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		if depth == 0 {
			return anyLeaf().Draw(t, "leaf")
		}
		elements := rapid.SliceOfN(anyTerm(depth-1), 0, 4)
		switch rapid.IntRange(0, 6).Draw(t, "term") {
		case 0:
			return elements.Draw(t, "list")
		case 1:
			return etf.Tuple(elements.Draw(t, "tuple"))
		case 2:
			if list := elements.Draw(t, "improper"); len(list) > 0 {
				return etf.ImproperList{Elements: list, Tail: anyLeaf().Draw(t, "tail")}
			}
		case 3:
			return distinct(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) etf.Pair {
				return etf.Pair{Key: anyTerm(depth-1).Draw(t, "key"), Value: anyTerm(depth-1).Draw(t, "value")}
			}), 0, 4).Draw(t, "map"))
		case 4:
			return distinct(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) etf.Pair {
				return etf.Pair{Key: atomOf(anyAtom().Draw(t, "key")), Value: anyTerm(depth-1).Draw(t, "value")}
			}), 0, 4).Draw(t, "map of atoms"))
		case 5:
			list := []any{}
			for range rapid.IntRange(0, 3).Draw(t, "keywords") {
				list = append(list, etf.Tuple{atomOf(anyAtom().Draw(t, "key")), anyTerm(depth-1).Draw(t, "value")})
			}
			return list
		}
		return anyLeaf().Draw(t, "leaf")
	})
}

// distinct leaves pairs out until no two keys are equal.
func distinct(pairs []etf.Pair) any {
	for {
		if _, err := etf.Append(nil, etf.Map(pairs)); err == nil {
			return etf.Map(pairs)
		}
		pairs = pairs[1:]
	}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	for name, syntax := range map[string]Syntax{"elixir": Elixir, "erlang": Erlang} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				v := anyTerm(3).Draw(t, "v")
				want, err := etf.Append(nil, v)
				require.NoError(t, err)
				text, err := syntax.Append(nil, etf.Raw(want))
				require.NoError(t, err)
				require.NotContains(t, string(text), "\n")
				read, err := Parse(string(text))
				require.NoError(t, err, "%s", text)
				got, err := etf.Append(nil, read)
				require.NoError(t, err)
				require.Equal(t, want, got, "%s", text)
			})
		})
	}
}
