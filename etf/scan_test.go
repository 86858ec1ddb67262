package etf_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

func TestScanSaysWhatIsWrong(t *testing.T) {
	tests := []struct {
		name   string
		body   string
		offset int
		what   string
	}{
		{"nothing", "", 0, "1 terms are missing"},
		{"unknown tag", "\x68\x01\x00", 2, "tag 0 is unknown, expected a term (1 bytes left)"},
		{"integer cut short", "b\x00\x00", 0, "an integer needs 5 bytes, only 3 are left"},
		{"atom cut short", "w\x05abc", 0, "an atom is cut short, only 5 bytes are left"},
		{"atom not UTF-8", "h\x01w\x01\xff", 2, `the name of an atom is not UTF-8: "\xff"`},
		{"long atom not UTF-8", "w\x0cabcdefghijk\xff", 0, `the name of an atom is not UTF-8: "abcdefghijk\xff"`},
		{"atom too long", "v\x01\x00" + strings.Repeat("a", 256), 0, "an atom has 256 characters, expected at most 255"},
		{"binary cut short", "m\x00\x00\x00\x04abc", 0, "a binary needs 9 bytes, only 8 are left"},
		{"bits", "M\x00\x00\x00\x01\x09a", 0, "a bit string uses 9 bits of the last of its 1 bytes, expected 1 to 8"},
		{"false count of a tuple", "i\xff\xff\xff\xffa\x01", 0, "a tuple claims 4294967295 terms, only 2 bytes are left"},
		{"false count of a list", "l\x00\x00\x00\x05a\x01", 0, "a list claims 6 terms, only 2 bytes are left"},
		{"false count of a map", "t\x00\x00\x00\x02a\x01a", 0, "a map claims 4 terms, only 3 bytes are left"},
		{"counts false together", "h\x03h\x02a\x01a", 2, "a tuple claims 2 terms, only 3 bytes are left"},
		{"missing element", "h\x02a\x01", 4, "1 terms are missing"},
		{"not a number", "F\x7f\xf8\x00\x00\x00\x00\x00\x00", 0, "a float is NaN or infinite, expected a finite number"},
		{"reference", "Z\x00\x06w\x01a", 0, "a reference has 6 words, expected 1 to 5"},
		{"node", "X\x61\x01", 1, "an integer, expected an atom"},
		{"fun", "q\x77\x01m\x77\x01fb\xff\xff\xff\xff", 7, "the arity of a fun is -1, expected 0 or more"},
		{"duplicate key", "t\x00\x00\x00\x02w\x01aa\x01d\x00\x01aa\x02", 10, "a map repeats the key at byte 5"},
		{"atom cache", "R\x00", 0, "ATOM_CACHE_REF (tag 82) cannot stand here: its atom is known only to a distribution connection"},
		{"old fun", "u\x00\x00\x00\x00", 0, "FUN_EXT (tag 117) cannot stand here: OTP 23 and later do not read it"},
		{"local", "y\x00\x00\x00\x00a\x01", 0, "LOCAL_EXT (tag 121) cannot stand here: only the node that wrote it can read it"},
		{"version twice", "\x83a\x01", 0, "the version byte (tag 131) cannot stand here: the version byte stands once, before the whole term"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := etf.Limits{}.Scan([]byte(tt.body))
			var syntax *etf.SyntaxError
			require.ErrorAs(t, err, &syntax)
			assert.Equal(t, etf.SyntaxError{Offset: tt.offset, What: tt.what}, *syntax)
			_, err = etf.Limits{}.Parse([]byte("\x83" + tt.body))
			require.ErrorAs(t, err, &syntax)
			assert.Equal(t, tt.offset+1, syntax.Offset, "Parse counts the version byte")
		})
	}
}

func TestScanLeavesWhatFollows(t *testing.T) {
	n, err := etf.Limits{}.Scan([]byte("h\x01a\x01 and more"))
	require.NoError(t, err)
	assert.Equal(t, 4, n)
}

func TestOpen(t *testing.T) {
	zipped := compressed(7, "m\x00\x00\x00\x02hi")
	body, err := etf.Limits{}.Open(zipped)
	require.NoError(t, err)
	assert.Equal(t, "m\x00\x00\x00\x02hi", string(body))

	tests := []struct {
		name   string
		limits etf.Limits
		data   []byte
		what   string
	}{
		{"no bytes", etf.Limits{}, nil, "no bytes, expected the version byte 131"},
		{"other version", etf.Limits{}, []byte{130, 97, 1}, "first byte is 130, expected the version byte 131"},
		{"over the limit", etf.Limits{MaxInflated: 6}, zipped, "compressed term inflates to 7 bytes, the limit is 6"},
		{"over the default", etf.Limits{}, compressed(64<<20+1, "a\x01"), "compressed term inflates to 67108865 bytes, the limit is 67108864"},
		{"declares too little", etf.Limits{}, compressed(6, "m\x00\x00\x00\x02hi"), "compressed term does not inflate to the 6 bytes it declares"},
		{"declares too much", etf.Limits{}, compressed(8, "m\x00\x00\x00\x02hi"), "compressed term does not inflate to the 8 bytes it declares"},
		{"cut short", etf.Limits{}, zipped[:len(zipped)-1], "compressed term is cut short after 7 of 7 bytes"},
		{"trailing", etf.Limits{}, append(bytes.Clone(zipped), 1, 2), "2 bytes follow the term, expected none"},
		{"no size", etf.Limits{}, []byte{131, 80, 0}, "the size of a compressed term needs 4 bytes, only 1 are left"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.limits.Open(tt.data)
			var syntax *etf.SyntaxError
			require.ErrorAs(t, err, &syntax)
			assert.Equal(t, tt.what, syntax.What)
		})
	}
}

// A term that inflates to 50 MB where it declares 10 bytes is given up after 11 of them.
func TestOpenStopsInflating(t *testing.T) {
	bomb := compressed(10, strings.Repeat("\x00", 50<<20))
	allocated := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			_, err := etf.Limits{}.Open(bomb)
			require.Error(b, err)
		}
	}).AllocedBytesPerOp()
	assert.Less(t, allocated, int64(1<<20))
}

func compressed(size uint32, body string) []byte {
	out := bytes.NewBuffer(binary.BigEndian.AppendUint32([]byte{131, 80}, size))
	z := zlib.NewWriter(out)
	_, _ = z.Write([]byte(body)) // a bytes.Buffer takes everything
	_ = z.Close()
	return out.Bytes()
}

func TestScanDepth(t *testing.T) {
	wraps := map[string]struct{ before, after string }{
		"tuples":      {"h\x01", ""},
		"lists":       {"l\x00\x00\x00\x01", "j"},
		"values":      {"t\x00\x00\x00\x01a\x01", ""},
		"keys":        {"t\x00\x00\x00\x01", "a\x01"},
		"keys of two": {"t\x00\x00\x00\x02a\x00a\x00", "a\x01"},
	}
	limits := map[string]struct {
		limits etf.Limits
		depth  int
	}{
		"default": {etf.Limits{}, 1000},
		"3":       {etf.Limits{MaxDepth: 3}, 3},
		"100000":  {etf.Limits{MaxDepth: 100_000}, 100_000},
	}
	for wrapName, wrap := range wraps {
		for limitName, limit := range limits {
			t.Run(wrapName+" "+limitName, func(t *testing.T) {
				nest := func(depth int) []byte {
					return []byte(strings.Repeat(wrap.before, depth) + "a\x01" + strings.Repeat(wrap.after, depth))
				}
				_, err := limit.limits.Scan(nest(limit.depth))
				require.NoError(t, err)
				_, err = limit.limits.Scan(nest(limit.depth + 1))
				require.ErrorContains(t, err, "nested deeper than the limit of ")
			})
		}
	}
}

// A list whose tail is a list is that list, however many there are: no depth is spent on them.
func TestScanListChain(t *testing.T) {
	const links = 100_000
	chain := []byte(strings.Repeat("l\x00\x00\x00\x01a\x01", links) + "j")
	raw, err := etf.Limits{MaxDepth: 1}.Parse(append([]byte{131}, chain...))
	require.NoError(t, err)
	var list []any
	require.NoError(t, raw.Unmarshal(&list))
	assert.Len(t, list, links)
	elements, err := etf.SplitList(raw, nil)
	require.NoError(t, err)
	assert.Len(t, elements, links)
}

// Every level of this term is a map of two keys that share a hash of their shapes: a scan that hashed each key anew
// would take time quadratic in the depth.
func TestScanOfKeysInKeysIsLinear(t *testing.T) {
	const depth = 200_000
	body := []byte(strings.Repeat("t\x00\x00\x00\x02h\x01a\x01a\x00h\x01", depth) + "a\x02" + strings.Repeat("a\x00", depth))
	n, err := etf.Limits{MaxDepth: 2 * depth}.Scan(body)
	require.NoError(t, err)
	assert.Equal(t, len(body), n)
}

// A list of a few leaves is scanned by itself. It is to be read, and refused, as it is where it stands inside.
func TestAListOfAFewLeavesIsScannedAsAnyOther(t *testing.T) {
	lists := map[string]string{
		"integers":            "l\x00\x00\x00\x03a\x01b\x00\x00\x00\x02n\x01\x00\x07j",
		"texts":               "l\x00\x00\x00\x02m\x00\x00\x00\x02hik\x00\x01xj",
		"as many as there be": "l\x00\x00\x00\x08a\x01a\x01a\x01a\x01a\x01a\x01a\x01a\x01j",
		"one more":            "l\x00\x00\x00\x09a\x01a\x01a\x01a\x01a\x01a\x01a\x01a\x01a\x01j",
		"an empty list in it": "l\x00\x00\x00\x01jj",
		"improper":            "l\x00\x00\x00\x01a\x01a\x02",
		"a list for a tail":   "l\x00\x00\x00\x01a\x01l\x00\x00\x00\x01a\x02j",
		"a tuple in it":       "l\x00\x00\x00\x02a\x01h\x01a\x02j",
		"without elements":    "l\x00\x00\x00\x00j",
		"a bad atom":          "l\x00\x00\x00\x01w\x01\xffj",
		"a false count":       "l\xff\xff\xff\xffa\x01j",
	}
	for name, list := range lists {
		for n := range len(list) + 1 {
			part := list[:n]
			length, err := etf.Limits{}.Scan([]byte(part))
			inside, insideErr := etf.Limits{}.Scan([]byte("h\x01" + part))
			assert.Equal(t, insideErr == nil, err == nil, "%s, %d bytes: %v, inside %v", name, n, err, insideErr)
			if err == nil {
				assert.Equal(t, inside-2, length, "%s, %d bytes", name, n)
			}
			behind, err := etf.Limits{}.Scan([]byte(part + " and more"))
			if n == len(list) && insideErr == nil {
				assert.NoError(t, err, name)
				assert.Equal(t, n, behind, name)
			}
		}
	}
}
