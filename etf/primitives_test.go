package etf_test

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

func TestAppendIntWritesWhatOTPWrites(t *testing.T) {
	tests := map[string]int64{
		"a\x00":                                     0,
		"a\xff":                                     255,
		"b\x00\x00\x01\x00":                         256,
		"b\xff\xff\xff\xff":                         -1,
		"b\x7f\xff\xff\xff":                         math.MaxInt32,
		"b\x80\x00\x00\x00":                         math.MinInt32,
		"n\x04\x00\x00\x00\x00\x80":                 math.MaxInt32 + 1,
		"n\x04\x01\x01\x00\x00\x80":                 math.MinInt32 - 1,
		"n\x05\x00\x00\x00\x00\x00\x01":             1 << 32,
		"n\x08\x00\xff\xff\xff\xff\xff\xff\xff\x7f": math.MaxInt64,
		"n\x08\x01\x00\x00\x00\x00\x00\x00\x00\x80": math.MinInt64,
	}
	for want, v := range tests {
		got := etf.AppendInt(nil, v)
		assert.Equal(t, want, string(got), "%d", v)
		read, n, ok := etf.ReadInt(got)
		assert.True(t, ok)
		assert.Equal(t, v, read)
		assert.Equal(t, len(got), n)
	}
	assert.Equal(t, "n\x08\x00\xff\xff\xff\xff\xff\xff\xff\xff", string(etf.AppendUint(nil, math.MaxUint64)))
	assert.Equal(t, "a\x07", string(etf.AppendUint(nil, 7)))
}

// What OTP wrote of these kinds is what the encoder writes.
func TestEncodesLikeOTP(t *testing.T) {
	checked := 0
	for _, term := range readCorpus(t) {
		kind, _, _ := strings.Cut(term.name, "_")
		isOtherForm := strings.HasSuffix(term.name, "_old") || strings.HasSuffix(term.name, "_zip") || !term.accept
		if isOtherForm || kind != "integer" && kind != "tuple" && kind != "float" || strings.HasPrefix(term.name, "float_text") {
			continue
		}
		encoded, err := roundTrip(term.data)
		require.NoError(t, err, term.name)
		if !strings.HasPrefix(term.name, "tuple_ok") { // an atom there, in the tag OTP 25 still prefers
			assert.Equal(t, term.data, encoded, term.name)
			checked++
		}
	}
	assert.Greater(t, checked, 80)
}

func TestAppendBig(t *testing.T) {
	const most = 4_194_296 // bytes
	largest := new(big.Int).Lsh(big.NewInt(1), 8*most)
	for _, v := range []*big.Int{largest.Sub(largest, big.NewInt(1)), new(big.Int).Neg(largest)} {
		term, err := etf.AppendBig(nil, v)
		require.NoError(t, err)
		_, err = etf.Limits{}.Scan(term)
		require.NoError(t, err)
		var back any
		require.NoError(t, etf.Raw(term).Unmarshal(&back))
		require.Zero(t, v.Cmp(back.(*big.Int)))
	}
	dst, err := etf.AppendBig([]byte("as it was"), new(big.Int).Lsh(big.NewInt(1), 8*most))
	require.EqualError(t, err, "etf: an integer has 4194297 bytes, expected at most 4194296")
	assert.Equal(t, "as it was", string(dst))
}

func TestAppendFloat(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		dst, err := etf.AppendFloat([]byte("as it was"), v)
		require.ErrorContains(t, err, "expected a finite float")
		assert.Equal(t, "as it was", string(dst))
	}
	term, err := etf.AppendFloat(nil, math.Copysign(0, -1))
	require.NoError(t, err)
	assert.Equal(t, "F\x80\x00\x00\x00\x00\x00\x00\x00", string(term))
}

func TestAppendHeaders(t *testing.T) {
	term := etf.AppendTuple(nil, 255)
	assert.Equal(t, "h\xff", string(term))
	term = etf.AppendTuple(nil, 256)
	assert.Equal(t, "i\x00\x00\x01\x00", string(term))
	term = etf.AppendNil(etf.AppendList(nil, 0))
	assert.Equal(t, "j", string(term))
	term = etf.AppendNil(etf.AppendBool(etf.AppendList(nil, 1), true))
	assert.Equal(t, "l\x00\x00\x00\x01w\x04truej", string(term))
	assert.Equal(t, "v\x01\xfe"+strings.Repeat("é", 255), string(etf.AppendAtom(nil, strings.Repeat("é", 255))))
}

func TestReadersTellKindsApart(t *testing.T) {
	tests := []struct {
		name                                           string
		term                                           string
		isTuple, isList, isMap, isAtom, isBytes, isInt bool
	}{
		{name: "nothing", term: ""},
		{name: "small tuple", term: "h\x02a\x01a\x02", isTuple: true},
		{name: "large tuple", term: "i\x00\x00\x00\x01a\x01", isTuple: true},
		{name: "empty list", term: "j", isList: true},
		{name: "list", term: "l\x00\x00\x00\x01a\x01j", isList: true},
		{name: "list that is its tail", term: "l\x00\x00\x00\x00j", isList: true},
		{name: "string", term: "k\x00\x01a"},
		{name: "map", term: "t\x00\x00\x00\x00", isMap: true},
		{name: "atom", term: "w\x01a", isAtom: true},
		{name: "old atom", term: "d\x00\x01a", isAtom: true},
		{name: "binary", term: "m\x00\x00\x00\x01a", isBytes: true},
		{name: "bits", term: "M\x00\x00\x00\x01\x03a"},
		{name: "integer", term: "a\x01", isInt: true},
		{name: "big integer that is small", term: "o\x00\x00\x00\x02\x01\x01\x00", isInt: true},
		{name: "big integer", term: "n\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"},
		{name: "float", term: "F\x00\x00\x00\x00\x00\x00\x00\x00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := []byte(tt.term)
			_, _, isTuple := etf.ReadTuple(b)
			_, _, isList := etf.ReadList(b)
			_, _, isMap := etf.ReadMap(b)
			_, _, isAtom := etf.ReadAtom(b)
			_, _, isBytes := etf.ReadBinary(b)
			_, _, isInt := etf.ReadInt(b)
			assert.Equal(t, []bool{tt.isTuple, tt.isList, tt.isMap, tt.isAtom, tt.isBytes, tt.isInt},
				[]bool{isTuple, isList, isMap, isAtom, isBytes, isInt})
		})
	}
}

func TestReadAtom(t *testing.T) {
	for _, term := range []string{"w\x05caf\xc3\xa9", "v\x00\x05caf\xc3\xa9", "s\x04caf\xe9", "d\x00\x04caf\xe9"} {
		name, n, ok := etf.ReadAtom([]byte(term))
		assert.True(t, ok)
		assert.Equal(t, "café", name)
		assert.Equal(t, len(term), n)
	}
	known := []byte("w\x06result")
	assert.Zero(t, testing.AllocsPerRun(100, func() { etf.ReadAtom(known) }))
}

func TestReadBinaryCannotBeAppendedInto(t *testing.T) {
	b := []byte("m\x00\x00\x00\x02hi, more")
	data, n, ok := etf.ReadBinary(b)
	require.True(t, ok)
	assert.Equal(t, 7, n)
	assert.Equal(t, "hi!", string(append(data, '!')))
	assert.Equal(t, "m\x00\x00\x00\x02hi, more", string(b))
}

func TestSplitList(t *testing.T) {
	tests := []struct {
		name, list string
		want       []string
		err        string
	}{
		{name: "empty", list: "j"},
		{name: "two", list: "l\x00\x00\x00\x02a\x01h\x01w\x01aj", want: []string{"a\x01", "h\x01w\x01a"}},
		{name: "string", list: "k\x00\x02hi", want: []string{"ah", "ai"}},
		{name: "tail is a string", list: "l\x00\x00\x00\x01w\x01ak\x00\x01i", want: []string{"w\x01a", "ai"}},
		{name: "tail is a list", list: "l\x00\x00\x00\x01w\x01al\x00\x00\x00\x01jj", want: []string{"w\x01a", "j"}},
		{name: "improper", list: "l\x00\x00\x00\x01a\x01a\x02", err: "etf: the list ends in an integer, expected a proper list"},
		{name: "no list", list: "h\x00", err: "etf: a tuple, expected a list"},
		{name: "no bytes", list: "", err: "etf: no bytes, expected a list"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first := etf.Raw("a\x00")
			got, err := etf.SplitList(etf.Raw(tt.list), []etf.Raw{first})
			want := []etf.Raw{first}
			if tt.err != "" {
				require.EqualError(t, err, tt.err)
				assert.Equal(t, want, got)
				return
			}
			require.NoError(t, err)
			for _, element := range tt.want {
				want = append(want, etf.Raw(element))
			}
			assert.Equal(t, want, got)
		})
	}
}
