package etf

import (
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// everything has a field of each kind of type.
type everything struct {
	I8     int8
	I64    int64
	U16    uint16
	U64    uint64
	F32    float32
	F64    float64
	B      bool
	S      string
	Data   []byte
	A      Atom
	Big    *big.Int
	Ints   []int
	Shorts []int16
	Texts  []string
	Arr    [3]uint8
	Byname map[string]int
	Bynum  map[int32]string
	P      *string
	C      command
	When   time.Time
	Opt    string `etf:",omitempty"`
	Sub    struct {
		_    struct{} `etf:",tuple"`
		X, Y float64
	}
	Next *everything
}

func drawEverything(t *rapid.T, depth int) everything {
	finite := rapid.Float64Range(-1e300, 1e300)
	e := everything{
		I8: rapid.Int8().Draw(t, "i8"), I64: rapid.Int64().Draw(t, "i64"),
		U16: rapid.Uint16().Draw(t, "u16"), U64: rapid.Uint64().Draw(t, "u64"),
		F32: rapid.Float32Range(-1e30, 1e30).Draw(t, "f32"), F64: finite.Draw(t, "f64"),
		B: rapid.Bool().Draw(t, "b"), S: rapid.String().Draw(t, "s"),
		Data: rapid.SliceOf(rapid.Byte()).Draw(t, "data"),
		A:    Atom(rapid.StringMatching(`[a-zäλ_]{0,60}`).Draw(t, "a")),
		Ints: rapid.SliceOf(rapid.Int()).Draw(t, "ints"), Shorts: rapid.SliceOf(rapid.Int16()).Draw(t, "shorts"),
		Texts:  rapid.SliceOf(rapid.String()).Draw(t, "texts"),
		Byname: rapid.MapOf(rapid.String(), rapid.Int()).Draw(t, "byname"),
		Bynum:  rapid.MapOf(rapid.Int32(), rapid.String()).Draw(t, "bynum"),
		P:      rapid.Ptr(rapid.String(), true).Draw(t, "p"),
		C: rapid.SampledFrom([]command{nil, getCurrent{}, add{rapid.Int().Draw(t, "add")},
			&shutdown{rapid.String().Draw(t, "reason")}, volume(3)}).Draw(t, "c"),
		When: time.UnixMicro(rapid.Int64Range(-3e17/10, 2e17).Draw(t, "when")).UTC(),
		Opt:  rapid.SampledFrom([]string{"", "x"}).Draw(t, "opt"),
	}
	if rapid.Bool().Draw(t, "big") {
		e.Big = new(big.Int).SetBytes(rapid.SliceOf(rapid.Byte()).Draw(t, "magnitude"))
	}
	e.Arr = [3]uint8(rapid.SliceOfN(rapid.Byte(), 3, 3).Draw(t, "arr"))
	e.Sub.X, e.Sub.Y = finite.Draw(t, "x"), finite.Draw(t, "y")
	if depth > 0 && rapid.Bool().Draw(t, "next") {
		next := drawEverything(t, depth-1)
		e.Next = &next
	}
	return e
}

func TestTypedValuesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawEverything(t, 2)
		data, err := Marshal(&in)
		require.NoError(t, err)
		var out everything
		require.NoError(t, Unmarshal(data, &out))
		again, err := Marshal(sorted(out))
		require.NoError(t, err)
		first, err := Marshal(sorted(in))
		require.NoError(t, err)
		require.Equal(t, first, again)
	})
}

// sorted replaces the Go maps, whose order is random, by something with an order. The rest is compared as terms, for
// which a nil slice and an empty one are the same.
func sorted(e everything) []any {
	byname, bynum := fmt.Sprint(e.Byname), fmt.Sprint(e.Bynum)
	e.Byname, e.Bynum = nil, nil
	if e.Next == nil {
		return []any{byname, bynum, e}
	}
	next := sorted(*e.Next)
	e.Next = nil
	return []any{byname, bynum, e, next}
}

// What is decoded into an any, and encoded from there, decodes into the same typed value.
func TestTypedValuesRoundTripThroughAny(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawEverything(t, 1)
		data, err := Marshal(&in)
		require.NoError(t, err)
		var dynamic any
		require.NoError(t, Unmarshal(data, &dynamic))
		again, err := Marshal(dynamic)
		require.NoError(t, err)
		require.Equal(t, data, again)
	})
}

// A value of the wrong kind, put anywhere into a term, is reported with the path that leads to it.
func TestErrorsLeadToTheirCause(t *testing.T) {
	type leaf struct{ N uint8 }
	type branch struct {
		Items []leaf
		By    map[string]leaf
		Sub   *branch
	}
	rapid.Check(t, func(t *rapid.T) {
		wrong := rapid.SampledFrom([]any{"x", 256, -1, 1.5, nil, Atom("a"), []any{}, Tuple{1}}).Draw(t, "wrong")
		term, path := any(Map{{Atom("n"), wrong}}), ".n"
		if i := rapid.IntRange(0, 5).Draw(t, "index"); rapid.Bool().Draw(t, "list") {
			items := make([]any, i+1)
			for at := range items {
				items[at] = Map{{"n", 1}}
			}
			items[i] = term
			term, path = Map{{"items", items}}, fmt.Sprintf(".items[%d]%s", i, path)
		} else {
			term, path = Map{{Atom("by"), Map{{"k", term}}}}, `.by["k"]`+path
		}
		for range rapid.IntRange(0, 5).Draw(t, "depth") {
			term, path = Map{{Atom("sub"), term}}, ".sub"+path
		}
		data, err := Marshal(term)
		require.NoError(t, err)
		var v branch
		err = Unmarshal(data, &v)
		var e *UnmarshalError
		require.True(t, errors.As(err, &e), "%v", err)
		require.Equal(t, path, e.Path)
	})
}

// fuzzTargets are pointers to a variety of types to decode anything into.
func fuzzTargets() []any {
	return []any{
		new(any), new(bool), new(int), new(int8), new(uint64), new(float32), new(float64), new(string), new([]byte), new(Atom),
		new(big.Int), new(*big.Int), new([]int), new([]int16), new([]string), new([]float64), new([]any), new([2]int),
		new(map[string]int), new(map[string]any), new(map[any]any), new(map[Atom]Raw), new(map[float64]bool), new(everything), new(*node),
		new(command), new(expression), new([]level), new(time.Time), new(Tuple), new(Map), new(ImproperList),
		new(Bitstring), new(Pid), new(Port), new(Ref), new(Fun), new(Raw),
	}
}

// FuzzUnmarshal decodes whatever Scan passes into every kind of type. What fits must survive being encoded again.
func FuzzUnmarshal(f *testing.F) {
	for _, v := range []any{1, "a", []any{1, Tuple{2}}, dateTime(nil), Map{{"value", 1}, {"next", nil}},
		Tuple{"add", Map{{"value", 1}}}, charlist("hi"), chained, pidTerm, portTerm, refTerm, funTerm, ImproperList{[]any{1}, 2}} {
		f.Add([]byte(termOf(f, v)))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := Limits{}.Scan(body)
		if err != nil {
			return
		}
		term := Raw(body[:n:n])
		for _, target := range fuzzTargets() {
			if err := term.Unmarshal(target); err != nil {
				require.NotEmpty(t, err.Error())
				require.Less(t, len(err.Error()), 4096)
				continue
			}
			again, err := Append(nil, target)
			require.NoError(t, err, "%T", target)
			fresh := reflect.New(reflect.TypeOf(target).Elem())
			require.NoError(t, Raw(again).Unmarshal(fresh.Interface()), "%T", target)
		}
	})
}

// FuzzInterop decodes whatever Scan passes into the types of erlang_go.
func FuzzInterop(f *testing.F) {
	for _, v := range []any{[]any{1, Tuple{2}}, Map{{Atom("undefined"), nil}}, charlist("hi"), pidTerm, portTerm, refTerm, funTerm} {
		f.Add([]byte(termOf(f, v)))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := Limits{}.Scan(body)
		if err != nil {
			return
		}
		for typ := range knownKinds {
			if typ.PkgPath() != reflect.TypeFor[big.Int]().PkgPath() {
				_ = Decode(body[:n:n], reflect.New(typ).Interface())
			}
		}
	})
}
