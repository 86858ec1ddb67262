package etf_test

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"portworker/etf"
)

// A flat map is scanned by itself. It is to be read, and refused, as by the scanner, which looks at one with an integer
// among its keys.

const (
	atomExt, smallAtom, atomUTF8, smallAtomUTF8 = 100, 115, 118, 119
	binaryExt                                   = 109
)

// named encodes a name with one of the tags that names have.
func named(tag byte, name string) string {
	size := len(name)
	switch tag {
	case atomExt, atomUTF8:
		return string([]byte{tag, byte(size >> 8), byte(size)}) + name
	case binaryExt:
		return string(binary.BigEndian.AppendUint32([]byte{tag}, uint32(size))) + name
	}
	return string([]byte{tag, byte(size)}) + name
}

// mapOf encodes a map of pairs, each of them a key and a value.
func mapOf(pairs ...string) []byte {
	b := binary.BigEndian.AppendUint32([]byte{'t'}, uint32(len(pairs)))
	return append(b, strings.Join(pairs, "")...)
}

const extraPair = "b\x00\x01\x00\x00j" // 65536 => []

var leaves = []string{
	"a\x07", "b\x00\x00\x00\x07", "j", "k\x00\x02hi", "m\x00\x00\x00\x03abc", "m\x00\x00\x00\x00", "w\x04true", "d\x00\x05false",
	"w\x11a name of seventeen"[:3+16], "F\x3f\xf8\x00\x00\x00\x00\x00\x00", "n\x08\x00\xff\xff\xff\xff\xff\xff\xff\xff", "M\x00\x00\x00\x01\x03\xe0",
	// which are no leaves, or wrong
	"h\x00", "t\x00\x00\x00\x00", "F\x7f\xf8\x00\x00\x00\x00\x00\x00", "w\x02\xc3\x28", "m\x00\x00\x00\x09abc", "\x00",
}

// anyPair draws keys from so few that some repeat.
func anyPair(t *rapid.T) string {
	tag := rapid.SampledFrom([]byte{atomExt, smallAtom, atomUTF8, smallAtomUTF8, binaryExt}).Draw(t, "tag")
	name := rapid.OneOf(
		rapid.SampledFrom([]string{"", "a", "b", "id", "timeout", "quantity", "identifier", "sixteen letters!", "seventeen letters", "é", "longer é than 8"}),
		rapid.StringMatching(`[a-z_]{1,16}`),
	).Draw(t, "name")
	if (tag == atomExt || tag == smallAtom) && strings.Contains(name, "é") {
		name = strings.ReplaceAll(name, "é", "\xe9")
	}
	return named(tag, name) + rapid.SampledFrom(leaves[:12]).Draw(t, "value")
}

// asAnyOther checks that a map is judged as one with extraPair is.
func asAnyOther(t require.TestingT, flat []byte) {
	n, err := etf.Limits{}.Scan(flat)
	other := append([]byte{}, flat[:5]...)
	binary.BigEndian.PutUint32(other[1:], binary.BigEndian.Uint32(flat[1:])+1)
	other = append(append(other, extraPair...), flat[5:]...)
	m, otherErr := etf.Limits{}.Scan(other)
	require.Equal(t, otherErr == nil, err == nil, "%q: %v, otherwise %v", flat, err, otherErr)
	if err == nil {
		require.Equal(t, m-len(extraPair), n, "%q", flat)
	}
}

func TestAFlatMapIsScannedAsAnyOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pairs := rapid.SliceOfN(rapid.Custom(anyPair), 0, 20).Draw(t, "pairs")
		if rapid.Bool().Draw(t, "with an odd value") {
			odd := rapid.SampledFrom(leaves).Draw(t, "value")
			pairs = append(pairs, named(smallAtom, "odd")+odd)
		}
		flat := mapOf(pairs...)
		flat = append(flat, rapid.SampledFrom([]string{"", "and what follows it"}).Draw(t, "behind")...)
		asAnyOther(t, flat)
		if at := rapid.IntRange(0, len(flat)-1).Draw(t, "byte"); at >= 5 {
			flat[at] = rapid.Byte().Draw(t, "another")
			asAnyOther(t, flat)
		}
		asAnyOther(t, flat[:rapid.IntRange(5, len(flat)).Draw(t, "length")])
	})
}

func TestKeysOfAFlatMap(t *testing.T) {
	a, long := named(smallAtomUTF8, "a")+"a\x01", named(smallAtomUTF8, "identifiers")+"a\x01"
	tests := map[string]struct {
		pairs   []string
		repeats bool
	}{
		"twice":                             {[]string{a, a}, true},
		"twice in two encodings":            {[]string{a, named(atomExt, "a") + "a\x02"}, true},
		"long, twice in two encodings":      {[]string{long, a, named(atomExt, "identifiers") + "a\x02"}, true},
		"an atom and a binary":              {[]string{a, named(binaryExt, "a") + "a\x02"}, false},
		"a binary twice":                    {[]string{named(binaryExt, "a") + "j", a, named(binaryExt, "a") + "j"}, true},
		"beginning alike":                   {[]string{long, named(smallAtomUTF8, "identifiery") + "a\x01"}, false},
		"one the beginning of the other":    {[]string{a, named(smallAtomUTF8, "aa") + "a\x01"}, false},
		"of one hash":                       {[]string{a, named(smallAtomUTF8, "`\x00") + "a\x01"}, false},
		"of one hash, and twice behind":     {[]string{a, named(smallAtomUTF8, "`\x00") + "a\x01", a}, true},
		"not in ASCII, twice":               {[]string{named(smallAtomUTF8, "é") + "j", named(atomExt, "\xe9") + "j"}, true},
		"of one hash, and of sixteen bytes": {[]string{swapped("abcdefgh", "ijklmnop"), swapped("ijklmnop", "abcdefgh")}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, behind := range []string{"", "and what follows it"} {
				flat := mapOf(tt.pairs...)
				n, err := etf.Limits{}.Scan(append(flat, behind...))
				if tt.repeats {
					require.ErrorContains(t, err, "a map repeats the key at byte 5")
					continue
				}
				require.NoError(t, err)
				assert.Equal(t, len(flat), n)
			}
		})
	}
}

func TestNamesOfAFlatMapAreUTF8(t *testing.T) {
	for _, name := range []string{"\xff", "abcdefg\xff", "abcdefgh\xff", "abcdefghijklmno\xff"} {
		flat := append(mapOf(named(smallAtomUTF8, name)+"a\x01"), "and what follows it"...)
		_, err := etf.Limits{}.Scan(flat)
		require.ErrorContains(t, err, "is not UTF-8", "%q", name)
	}
}

// swapped is a pair whose name is made of the halves of two words, such that those of one hash when the words are exchanged.
func swapped(first, last string) string {
	w := bits.RotateLeft64(binary.LittleEndian.Uint64([]byte(last)), 32)
	return named(smallAtomUTF8, first+string(binary.LittleEndian.AppendUint64(nil, w))) + "a\x01"
}

func TestAFlatMapIsALevel(t *testing.T) {
	flat := string(mapOf(named(smallAtomUTF8, "a")+"a\x01", named(smallAtomUTF8, "b")+"a\x02")) + "jjjjjjjjjjj"
	for name, body := range map[string]string{
		"alone":             flat,
		"in a list":         "l\x00\x00\x00\x01" + flat,
		"in a tuple":        "h\x01" + flat,
		"in lists in lists": strings.Repeat("l\x00\x00\x00\x01", 9) + flat,
	} {
		depth := 1 + strings.Count(body, "l\x00\x00\x00\x01") + strings.Count(body, "h\x01")
		t.Run(name, func(t *testing.T) {
			_, err := etf.Limits{MaxDepth: depth}.Scan([]byte(body))
			require.NoError(t, err)
			if depth > 1 {
				_, err = etf.Limits{MaxDepth: depth - 1}.Scan([]byte(body))
				require.ErrorContains(t, err, "nested deeper than the limit of ")
			}
		})
	}
}
