package etf

import (
	"errors"
	"math"
	"math/big"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// termOf encodes a value of the dynamic types, whose encoding the corpus checks.
func termOf(t testing.TB, v any) Raw {
	t.Helper()
	term, err := Append(nil, v)
	require.NoError(t, err)
	return term
}

// charlist is a STRING_EXT.
func charlist(s string) Raw {
	return append(Raw{tagString, byte(len(s) >> 8), byte(len(s))}, s...)
}

// chained is the list [1, 2 | [3 | "ab" as a STRING_EXT]].
var chained = append(Raw{tagList, 0, 0, 0, 2, tagSmallInteger, 1, tagSmallInteger, 2,
	tagList, 0, 0, 0, 1, tagSmallInteger, 3}, charlist("ab")...)

func TestUnmarshalInto(t *testing.T) {
	big70 := new(big.Int).Lsh(big.NewInt(1), 70)
	one := 1
	pone := &one
	cases := []struct {
		name string
		term any // in the dynamic types
		want any // its type is the target's
	}{
		{"int", 7, 7},
		{"int8", -128, int8(-128)},
		{"uint8", 255, uint8(255)},
		{"int64, smallest", int64(math.MinInt64), int64(math.MinInt64)},
		{"uint64, largest", uint64(math.MaxUint64), uint64(math.MaxUint64)},
		{"integer with leading zeros", Raw{tagSmallBig, 3, 0, 5, 0, 0}, uint64(5)},
		{"named integer", 5, namedInt(5)},
		{"big.Int", big70, *big70},
		{"*big.Int", big70, big70},
		{"*big.Int, nil", nil, (*big.Int)(nil)},
		{"float64", 1.5, 1.5},
		{"float64 from an integer", 3, 3.0},
		{"float64 from a large integer", big70, 0x1p70},
		{"float32", 0.25, float32(0.25)},
		{"bool", true, true},
		{"string", "größe", "größe"},
		{"string of any bytes", []byte{0xff, 0}, "\xff\x00"},
		{"named string", "a", namedString("a")},
		{"bytes", "ab", []byte("ab")},
		{"empty bytes", "", []byte{}},
		{"named bytes", "ab", namedBytes("ab")},
		{"atom", Atom("ok"), Atom("ok")},
		{"atom true", true, Atom("true")},
		{"Latin-1 atom", Raw{tagSmallAtom, 1, 0xe4}, Atom("ä")},
		{"pointer", 1, pone},
		{"pointer to pointer", 1, &pone},
		{"nil pointer", nil, (*int)(nil)},
		{"undefined pointer", Atom("undefined"), (*string)(nil)},
		{"list of int", []any{1, 2}, []int{1, 2}},
		{"empty list", []any{}, []int{}},
		{"empty list of structs", []any{}, []node{}},
		{"charlist into []int", charlist("hi"), []int{'h', 'i'}},
		{"charlist into []int16", charlist("hi"), []int16{'h', 'i'}},
		{"charlist into []Raw", charlist("h"), []Raw{{tagSmallInteger, 'h'}}},
		{"charlist into an array", charlist("hi"), [2]rune{'h', 'i'}},
		{"charlist into []float64", charlist("h"), []float64{'h'}},
		{"list with lists as tails", chained, []int64{1, 2, 3, 'a', 'b'}},
		{"list with lists as tails, by reflection", chained, []int32{1, 2, 3, 'a', 'b'}},
		{"list of string", []any{"a", "b"}, []string{"a", "b"}},
		{"list of lists", []any{[]any{1}, []any{}}, [][]int{{1}, {}}},
		{"list of raw", []any{1, []any{}}, []Raw{{tagSmallInteger, 1}, {tagNil}}},
		{"array", []any{1, 2}, [2]int{1, 2}},
		{"empty array", []any{}, [0]int{}},
		{"array of bytes", []any{1, 2}, [2]byte{1, 2}},
		{"map with binary keys", Map{{"a", 1}}, map[string]int{"a": 1}},
		{"map of strings", Map{{"a", "b"}, {"", ""}}, map[string]string{"a": "b", "": ""}},
		{"map of int16", Map{{"a", 1}}, map[string]int16{"a": 1}},
		{"map with atom keys", Map{{Atom("a"), 1}}, map[Atom]int{"a": 1}},
		{"map with integer keys", Map{{1, "x"}, {-1, "y"}}, map[int]string{1: "x", -1: "y"}},
		{"map with array keys", Map{{[]any{1, 2}, "x"}}, map[[2]int]string{{1, 2}: "x"}},
		{"map of any", Map{{Atom("a"), Tuple{1}}}, map[any]any{Atom("a"): Tuple{int64(1)}}},
		{"map of strings to any", Map{{"a", nil}}, map[string]any{"a": nil}},
		{"empty map", Map{}, map[string]int{}},
		{"tuple", Tuple{1, Tuple{}}, Tuple{int64(1), Tuple{}}},
		{"Map", Map{{1, 2}}, Map{{int64(1), int64(2)}}},
		{"improper list", ImproperList{[]any{1}, 2}, ImproperList{[]any{int64(1)}, int64(2)}},
		{"bitstring", Bitstring{[]byte{0xe0}, 3}, Bitstring{[]byte{0xe0}, 3}},
		{"raw", Tuple{}, Raw{tagSmallTuple, 0}},
		{"recursive struct", Map{{"value", 1}, {"next", Map{{"value", 2}, {"next", nil}}}}, node{1, &node{2, nil}}},
		{"unmarshaler", Atom("high"), level(2)},
		{"unmarshaler in a slice", []any{Atom("high"), Atom("low")}, []level{2, 0}},
		{"unmarshaler by pointer", Tuple{1, 2}, account{102}},
		{"unmarshaler behind a pointer", Tuple{1, 2}, &account{102}},
		{"no unmarshaler", nil, (*account)(nil)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			term := termOf(t, c.term)
			target := reflect.New(reflect.TypeOf(c.want))
			require.NoError(t, Decode(term, target.Interface()))
			assert.Equal(t, c.want, target.Elem().Interface(), "Decode")

			data := append([]byte{Version}, term...)
			target = reflect.New(reflect.TypeOf(c.want))
			require.NoError(t, Unmarshal(data, target.Interface()))
			for i := range data {
				data[i] = 0xee
			}
			assert.Equal(t, c.want, target.Elem().Interface(), "Unmarshal shares no memory")
		})
	}
}

func TestUnmarshalIntoAny(t *testing.T) {
	var v any
	require.NoError(t, termOf(t, Map{{"k", []any{nil, Atom("undefined"), 1}}}).Unmarshal(&v))
	assert.Equal(t, Map{{"k", []any{nil, Atom("undefined"), int64(1)}}}, v)
	require.NoError(t, termOf(t, nil).Unmarshal(&v))
	assert.Nil(t, v)
}

func TestUnmarshalRefuses(t *testing.T) {
	type item struct{ Name string }
	type order struct{ Items []item }
	cases := []struct {
		name   string
		term   any
		target any
		want   string
	}{
		{"path", Map{{"items", []any{Map{{"name", "a"}}, Map{{"name", 42}}}}}, &order{}, `.items[1].name: expected binary, got integer 42`},
		{"missing key", Map{{"items", []any{Map{{"nom", "a"}}}}}, &order{}, `.items[0].name: expected binary, got no such key`},
		{"key twice", Map{{"name", "a"}, {Atom("name"), "b"}}, &item{}, `.name: expected one value, got another, the key is there as an atom and as a binary`},
		{"atom for a string", Atom("a"), new(string), `expected binary, got atom :a`},
		{"charlist for a string", charlist("hi"), new(string), `expected binary, got list [104, 105]`},
		{"charlist for bytes", charlist("hi"), &[]byte{}, `expected binary, got list [104, 105]`},
		{"bitstring for bytes", Bitstring{[]byte{1}, 3}, &[]byte{}, `expected binary, got bitstring`},
		{"nil for a string", nil, new(string), `expected binary, got nil`},
		{"nil for a list", nil, &[]string{}, `expected list, got nil`},
		{"nil for a map", nil, &map[string]int{}, `expected map, got nil`},
		{"integer past int8", 128, new(int8), `expected integer in -128..127, got integer 128`},
		{"integer past uint8", -1, new(uint8), `expected integer in 0..255, got integer -1`},
		{"integer past int64", uint64(math.MaxUint64), new(int64), `expected integer of 64 bits, got integer 18446744073709551615`},
		{"integer past uint64", new(big.Int).Lsh(big.NewInt(1), 64), new(uint64), `expected integer in 0..18446744073709551615, got integer 18446744073709551616`},
		{"huge integer", new(big.Int).Lsh(big.NewInt(1), 8000), new(int), `expected integer of 64 bits, got integer of 1001 bytes`},
		{"float for an integer", 1.5, new(int), `expected integer, got float 1.5`},
		{"integer past the floats", new(big.Int).Lsh(big.NewInt(1), 1025), new(float64), `expected float, got integer of 129 bytes`},
		{"float past float32", 1e300, new(float32), `expected float of 32 bits, got float 1e+300`},
		{"pointer", "x", new(*int), `expected integer or nil, got binary "x"`},
		{"element", []any{1, "x"}, &[]int64{}, `[1]: expected integer, got binary "x"`},
		{"element past its range", []any{1, -1}, &[]uint16{}, `[1]: expected integer in 0..65535, got integer -1`},
		{"improper list", ImproperList{[]any{1}, 2}, &[]int{}, `expected proper list, got list [1 | 2]`},
		{"improper list, by reflection", ImproperList{[]any{1}, 2}, &[]int8{}, `expected proper list, got list [1 | 2]`},
		{"array too long", []any{1, 2, 3}, &[2]int{}, `expected list of 2 elements, got list [1, 2, 3]`},
		{"array too short", []any{1}, &[2]int{}, `expected list of 2 elements, got list [1]`},
		{"map value", Map{{"a", "b"}}, &map[string]int{}, `["a"]: expected integer, got binary "b"`},
		{"map value, by reflection", Map{{"a", "b"}}, &map[string]int8{}, `["a"]: expected integer, got binary "b"`},
		{"map key, by reflection", Map{{Atom("a"), 1}}, &map[string]int8{}, `[:a]: expected binary, got atom :a`},
		{"map key", Map{{Atom("a"), 1}}, &map[string]int{}, `[:a]: expected binary, got atom :a`},
		{"key that Go cannot compare", Map{{[]any{1}, 1}}, &map[any]int{}, `expected key that Go can compare, got list [1]`},
		{"keys that become one", Map{{1, 1}, {1.0, 1}}, &map[float64]int{}, `expected keys that differ as float64, got map %{1 => 1, 1 => 1}`},
		{"tuple for a map", Tuple{Atom("a"), "b", 1, 2}, &item{}, `expected map, got tuple {:a, "b", 1, …}`},
		{"long binary", strings.Repeat("x", 100), new(int), `expected integer, got binary "` + strings.Repeat("x", 40) + `…"`},
		{"deep map", Map{{"a", Map{{Atom("b"), Map{{1, 2}}}}}}, new(int), `expected integer, got map %{"a" => %{b: %{…}}}`},
		{"struct of another module", Map{{Atom("__struct__"), Atom("Elixir.Date")}}, new(int), `expected integer, got map %Date{…}`},
		{"atom with spaces", Atom("a b"), new(int), `expected integer, got atom :"a b"`},
		{"tuple", Map{}, new(Tuple), `expected tuple, got map %{}`},
		{"proper list for an improper one", []any{1}, new(ImproperList), `expected improper list, got list [1]`},
		{"pid", "x", new(Pid), `expected pid, got binary "x"`},
		{"unmarshaler's error", []any{Atom("none")}, &[]level{}, `[0]: no such level`},
		{"unmarshaler's path", Map{{"a", Tuple{1, "x"}}}, &struct{ A account }{}, `.a.n: expected integer, got binary "x"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := termOf(t, c.term).Unmarshal(c.target)
			require.Error(t, err)
			assert.Equal(t, c.want, err.Error())
			var e *UnmarshalError
			assert.ErrorAs(t, err, &e)
		})
	}
}

func TestUnmarshalNeedsAPointer(t *testing.T) {
	for name, target := range map[string]any{"nil": nil, "value": 1, "nil pointer": (*int)(nil)} {
		t.Run(name, func(t *testing.T) {
			assert.ErrorContains(t, Unmarshal([]byte{Version, tagNil}, target), "expected a pointer that is not nil")
		})
	}
}

func TestUnmarshalBadBytes(t *testing.T) {
	cases := map[string][]byte{
		"nothing":      nil,
		"no version":   {tagNil},
		"cut short":    {Version, tagSmallInteger},
		"two terms":    {Version, tagNil, tagNil},
		"false length": {Version, tagList, 0xff, 0xff, 0xff, 0xff},
	}
	for name, data := range cases {
		t.Run(name, func(t *testing.T) {
			var v any
			var syntax *SyntaxError
			assert.ErrorAs(t, Unmarshal(data, &v), &syntax)
			if len(data) > 0 {
				assert.ErrorAs(t, Raw(data[1:]).Unmarshal(&v), &syntax)
			}
		})
	}
	var v any
	assert.Error(t, Decode(nil, &v))
}

func TestDecodeAliases(t *testing.T) {
	var v struct {
		Data []byte
		Rest Raw
		Text string
		Ints []Raw
	}
	term := termOf(t, Map{{"data", "abc"}, {"rest", "def"}, {"text", "ghi"}, {"ints", charlist("j")}})
	require.NoError(t, Decode(term, &v))
	for i := range term { // what shows this lies in the term itself
		term[i] = '#'
	}
	assert.Equal(t, strings.Repeat("#", len("abc")), string(v.Data))
	assert.Equal(t, strings.Repeat("#", 1+4+len("def")), string(v.Rest), "a tag, a length of four bytes, the text")
	assert.Equal(t, "ghi", v.Text)
	assert.Equal(t, []Raw{{tagSmallInteger, 'j'}}, v.Ints)
	_ = append(v.Data, '!')
	assert.NotContains(t, string(term), "!", "an append does not reach what follows")
}

func TestUnmarshalReplaces(t *testing.T) {
	shared := []int{1, 2, 3}
	pointee := 1
	v := struct {
		List []int
		P    *int
		M    map[string]int
		Kept []int
	}{shared, &pointee, map[string]int{"old": 1}, []int{9}}
	require.NoError(t, termOf(t, Map{{"list", []any{7}}, {"p", 8}, {"m", Map{}}}).Unmarshal(&v))
	assert.Equal(t, []int{7}, v.List)
	assert.Equal(t, []int{1, 2, 3}, shared)
	assert.Equal(t, 1, pointee)
	assert.Empty(t, v.M)
	assert.Equal(t, []int{9}, v.Kept, "a key that is missing leaves the field alone")
}

func TestUnmarshalErrorUnwraps(t *testing.T) {
	err := termOf(t, []any{Atom("none")}).Unmarshal(&[]level{})
	var e *UnmarshalError
	require.True(t, errors.As(err, &e))
	assert.Equal(t, "[0]", e.Path)
	assert.EqualError(t, errors.Unwrap(err), "no such level")
}

// The header of a list is not believed: 1 MiB of nested claims must not make room for what never comes.
func TestUnmarshalTrustsNoCount(t *testing.T) {
	type large struct{ A, B, C, D [64]uint64 }
	body := append(appendSized(nil, tagList, 1<<20), make([]byte, 0, 1<<20)...)
	for range 1 << 20 {
		body = append(body, tagNil)
	}
	body = append(body, tagNil)
	var before, after runtime.MemStats
	var v []large
	require.NoError(t, CheckType(reflect.TypeOf(v)))
	runtime.ReadMemStats(&before)
	require.Error(t, Raw(body).Unmarshal(&v))
	runtime.ReadMemStats(&after)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
}
