package etf

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type (
	namedInt    int16
	namedString string
	namedBytes  []byte
	emptyStruct struct{}
	pointer     *pointer
	level       uint8 // encodes itself, by value
	account     struct{ id int }
	node        struct {
		Value int
		Next  *node
	}
)

func (l level) AppendETF(dst []byte) ([]byte, error) {
	if l > 2 {
		return nil, errors.New("no such level")
	}
	return AppendAtom(dst, []string{"low", "mid", "high"}[l]), nil
}

func (l *level) UnmarshalETF(term Raw) error {
	var name Atom
	if err := term.Unmarshal(&name); err != nil {
		return err
	}
	for i, known := range []Atom{"low", "mid", "high"} {
		if name == known {
			*l = level(i)
			return nil
		}
	}
	return errors.New("no such level")
}

func (a *account) AppendETF(dst []byte) ([]byte, error) {
	return AppendInt(AppendAtom(AppendTuple(dst, 2), "account"), int64(a.id)), nil
}

func (a *account) UnmarshalETF(term Raw) error {
	var parts struct {
		_  struct{} `etf:",tuple"`
		ID int
		N  int
	}
	if err := term.Unmarshal(&parts); err != nil {
		return err
	}
	a.id = parts.ID*100 + parts.N
	return nil
}

// marshalerFunc appends whatever a test wants.
type marshalerFunc func(dst []byte) ([]byte, error)

func (f marshalerFunc) AppendETF(dst []byte) ([]byte, error) { return f(dst) }

func TestAppendIsTheTermOf(t *testing.T) {
	seven := 7
	big70 := new(big.Int).Lsh(big.NewInt(1), 70)
	cases := []struct {
		name string
		in   any
		want any // in the dynamic types
	}{
		{"nil", nil, Atom("nil")},
		{"nil pointer", (*int)(nil), Atom("nil")},
		{"nil big integer", (*big.Int)(nil), Atom("nil")},
		{"nil any in a struct", struct{ A any }{}, Map{{Atom("a"), nil}}},
		{"nil slice", []int(nil), []any{}},
		{"nil slice of any", []any(nil), []any{}},
		{"nil map", map[string]int(nil), Map{}},
		{"nil bytes", []byte(nil), ""},
		{"pointer", &seven, int64(7)},
		{"bool", true, Atom("true")},
		{"int8", int8(-128), int64(-128)},
		{"uint8", uint8(255), int64(255)},
		{"largest uint64", uint64(math.MaxUint64), new(big.Int).SetUint64(math.MaxUint64)},
		{"smallest int64", int64(math.MinInt64), int64(math.MinInt64)},
		{"uintptr", uintptr(9), int64(9)},
		{"big integer", *big70, big70},
		{"float32", float32(0.5), 0.5},
		{"negative zero", math.Copysign(0, -1), math.Copysign(0, -1)},
		{"string is a binary", "größe", "größe"},
		{"named string is a binary", namedString("x"), "x"},
		{"bytes are a binary", []byte("ab"), "ab"},
		{"named bytes", namedBytes("ab"), "ab"},
		{"named integer", namedInt(3), int64(3)},
		{"atom", Atom("ok"), Atom("ok")},
		{"array", [2]int{1, 2}, []any{int64(1), int64(2)}},
		{"array of bytes is a list", [2]byte{1, 2}, []any{int64(1), int64(2)}},
		{"map", map[string]int{"a": 1}, Map{{"a", int64(1)}}},
		{"map with integer keys", map[int]string{1: "a"}, Map{{int64(1), "a"}}},
		{"map of any", map[any]any{Atom("a"): []string{"b"}}, Map{{Atom("a"), []any{"b"}}}},
		{"any in any", []any{1, "a", []any{nil}}, []any{int64(1), "a", []any{nil}}},
		{"struct in any", []any{struct{ A int }{1}}, []any{Map{{Atom("a"), int64(1)}}}},
		{"empty struct", emptyStruct{}, Map{}},
		{"recursive struct", node{1, &node{2, nil}}, Map{{Atom("value"), int64(1)}, {Atom("next"),
			Map{{Atom("value"), int64(2)}, {Atom("next"), nil}}}}},
		{"raw", Raw{tagSmallInteger, 5}, int64(5)},
		{"no raw", Raw(nil), nil},
		{"bitstring", Bitstring{[]byte{0xff}, 3}, Bitstring{[]byte{0xe0}, 3}},
		{"bitstring of whole bytes", Bitstring{[]byte("a"), 8}, "a"},
		{"improper list", ImproperList{[]any{1}, 2}, ImproperList{[]any{int64(1)}, int64(2)}},
		{"marshaler by value", level(1), Atom("mid")},
		{"marshaler by value, in a slice", []level{0, 2}, []any{Atom("low"), Atom("high")}},
		{"marshaler by pointer", &account{5}, Tuple{Atom("account"), int64(5)}},
		{"marshaler by pointer, held by value", struct{ A account }{account{5}}, Map{{Atom("a"), Tuple{Atom("account"), int64(5)}}}},
		{"nil marshaler", (*account)(nil), nil},
		{"marshaler in its interface", struct{ M Marshaler }{level(0)}, Map{{Atom("m"), Atom("low")}}},
		{"nil marshaler in its interface", struct{ M Marshaler }{(*account)(nil)}, Map{{Atom("m"), nil}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := Append([]byte("before"), c.in)
			require.NoError(t, err)
			want, err := Append([]byte("before"), c.want)
			require.NoError(t, err)
			assert.Equal(t, want, got)
			n, err := Limits{}.Scan(got[len("before"):])
			require.NoError(t, err)
			assert.Equal(t, len(got)-len("before"), n)
		})
	}
}

func TestMarshalBytes(t *testing.T) {
	got, err := Marshal(struct{ Path string }{"a"})
	require.NoError(t, err)
	assert.Equal(t, []byte("\x83t\x00\x00\x00\x01w\x04pathm\x00\x00\x00\x01a"), got)
}

func TestAppendRefuses(t *testing.T) {
	var itself any
	itself = &itself
	loop := &node{}
	loop.Next = loop
	var p pointer
	p = &p
	list := []any{nil}
	list[0] = list
	dict := map[string]any{}
	dict["a"] = dict
	one, other := 1, 1
	cases := []struct {
		name, want string
		in         any
	}{
		{"NaN", `NaN has no encoding, expected a finite float`, math.NaN()},
		{"infinity, deep inside", `.a[1].x: +Inf has no encoding`, struct{ A []any }{[]any{1, struct{ X float64 }{math.Inf(1)}}}},
		{"long atom", `has 256 characters, expected at most 255`, Atom(strings.Repeat("ä", 256))},
		{"atom that is no UTF-8", `is not UTF-8`, Atom("\xff")},
		{"any that holds its own address", `lead on without end`, itself},
		{"pointer to itself", `lead on without end`, p},
		{"struct that contains itself", `nested deeper than 1000`, loop},
		{"list that contains itself", `nested deeper than 1000`, list},
		{"map that contains itself", `nested deeper than 1000`, dict},
		{"equal keys of different types", `equal as terms`, map[any]int{int8(1): 1, int64(1): 2}},
		{"equal keys behind pointers", `equal as terms`, map[*int]int{&one: 1, &other: 2}},
		{"equal keys in a Map", `equal as terms`, Map{{"a", 1}, {"b", 2}, {"a", 3}}},
		{"equal keys in an inner Map", `equal as terms`, Map{{"a", Map{{1, 1}, {1, 1}}}, {"b", 2}}},
		{"no process", `the etf.Pid is empty`, []any{Pid{}}},
		{"bitstring without bytes", `expected at least one byte and 1 to 8 bits`, Bitstring{}},
		{"improper list without elements", `expected at least one`, ImproperList{}},
		{"raw of two terms", `[0]: the Raw is not one term: etf: 1 bytes follow`, []Raw{{tagNil, tagNil}}},
		{"raw of garbage", `the Raw is not one term`, Raw{7}},
		{"marshaler's error", `.l: etf.level.AppendETF: no such level`, struct{ L level }{9}},
		{"marshaler of garbage", `appended no valid term`, marshalerFunc(func(dst []byte) ([]byte, error) { return append(dst, 7), nil })},
		{"marshaler of nothing", `appended no valid term`, marshalerFunc(func(dst []byte) ([]byte, error) { return dst, nil })},
		{"marshaler of two terms", `appended no valid term`, marshalerFunc(func(dst []byte) ([]byte, error) { return append(dst, tagNil, tagNil), nil })},
		{"marshaler that forgets dst", `fewer bytes than it was given`, marshalerFunc(func([]byte) ([]byte, error) { return nil, nil })},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := Append([]byte("before"), c.in)
			require.ErrorContains(t, err, c.want)
			var e *MarshalError
			assert.ErrorAs(t, err, &e)
			assert.Less(t, len(err.Error()), 1000)
			assert.Equal(t, "before", string(got), "dst comes back as it was")
			_, err = Marshal(c.in)
			assert.Error(t, err)
		})
	}
}

func TestAppendAtTheDepthLimit(t *testing.T) {
	var list any = 0
	for range maxNesting {
		list = []any{list}
	}
	term, err := Append(nil, list)
	require.NoError(t, err)
	_, err = Limits{}.Scan(term)
	require.NoError(t, err, "what Append takes, Scan passes")
	_, err = Append(nil, []any{list})
	require.ErrorContains(t, err, "nested deeper")
}

func TestMarshalErrorUnwraps(t *testing.T) {
	cause := errors.New("cause")
	_, err := Marshal([]any{marshalerFunc(func(dst []byte) ([]byte, error) { return dst, cause })})
	assert.ErrorIs(t, err, cause)
}

func TestTypeErrors(t *testing.T) {
	type inner struct{ Done chan int }
	cases := []struct {
		name, want string
		in         any
	}{
		{"channel", "chan int has no form as a term", make(chan int)},
		{"function", "func() has no form", func() {}},
		{"complex", "complex128 has no form", 1i},
		{"inside", ".Options[].Done: chan int has no form", struct{ Options []inner }{}},
		{"map key", "[key]: interface { M() } is an interface without", map[interface{ M() }]int(nil)},
		{"duration", ".TTL: time.Duration has no unit on the wire, use a number", struct{ TTL time.Duration }{}},
		{"interface without cases", "error is an interface without registered cases", struct{ E error }{}},
		{"opaque struct", "big.Float has no exported fields", big.Float{}},
		{"unknown option", `has the tag option "omitemtpy"`, struct {
			A int `etf:"a,omitemtpy"`
		}{}},
		{"key that is too long", "cannot be a key", struct {
			A int `etf:"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"`
		}{}},
		{"tuple that omits", "no omitempty", struct {
			_ struct{} `etf:",tuple"`
			A int      `etf:",omitempty"`
		}{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for range 2 { // the second time from the cache
				_, err := Marshal(c.in)
				require.ErrorContains(t, err, c.want)
				var typed *TypeError
				require.ErrorAs(t, err, &typed)
			}
		})
	}
}

func TestAppendReusesItsBuffer(t *testing.T) {
	type inner struct{ X, Y float64 }
	value := &struct {
		ID     int64
		Name   string
		Data   []byte
		Flags  []int64
		Ratio  float64
		Inner  inner
		Other  *inner
		Labels []string
		State  Atom
		On     bool
	}{1 << 40, "name", []byte("data"), []int64{1, 2, 3}, 0.5, inner{1, 2}, &inner{3, 4}, []string{"a"}, "ready", true}
	buf := make([]byte, 0, 4096)
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := Append(buf, value); err != nil {
			t.Fatal(err)
		}
	})
	assert.Zero(t, allocs)
}
