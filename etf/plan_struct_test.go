package etf

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSnakeCase(t *testing.T) {
	cases := map[string]string{
		"A": "a", "Name": "name", "OldValue": "old_value", "HTTPStatus": "http_status", "UserID": "user_id",
		"UserIDs": "user_ids", "URLsSeen": "urls_seen", "IDs": "ids", "GetCurrent": "get_current", "SHA256Sum": "sha256_sum",
		"Level2": "level2", "X1Y": "x1_y", "Old_Value": "old_value", "already_snake": "already_snake", "ÄußerstGroß": "äußerst_groß",
	}
	for name, want := range cases {
		t.Run(name, func(t *testing.T) { assert.Equal(t, want, snakeCase(name)) })
	}
}

type (
	base struct {
		ID     int
		Shared string
	}
	Extra struct {
		Note   string
		Shared string
	}
	Chain struct {
		*Chain
		Depth int
	}
	stamped struct {
		time.Time
		Name string
	}
)

func TestStructKeys(t *testing.T) {
	one := 1
	cases := []struct {
		name string
		in   any
		want Map
	}{
		{"snake case", struct{ OldValue, HTTPStatus int }{1, 2}, Map{{Atom("old_value"), 1}, {Atom("http_status"), 2}}},
		{"tag", struct {
			A int `etf:"weird key"`
		}{1}, Map{{Atom("weird key"), 1}}},
		{"excluded and unexported", struct {
			A int `etf:"-"`
			b int
			C int
		}{1, 2, 3}, Map{{Atom("c"), 3}}},
		{"all excluded", struct {
			A int `etf:"-"`
		}{1}, Map{}},
		{"omitempty, empty", struct {
			A int            `etf:",omitempty"`
			B string         `etf:"bee,omitempty"`
			C []int          `etf:",omitempty"`
			D map[string]int `etf:",omitempty"`
			E *int           `etf:",omitempty"`
			F any            `etf:",omitempty"`
			G time.Time      `etf:",omitempty"`
			H bool
		}{C: []int{}, D: map[string]int{}}, Map{{Atom("h"), false}}},
		{"omitempty, set", struct {
			A int  `etf:",omitempty"`
			E *int `etf:",omitempty"`
		}{1, &one}, Map{{Atom("a"), 1}, {Atom("e"), 1}}},
		{"embedded", struct {
			base
			Name string
		}{base{1, "s"}, "n"}, Map{{Atom("id"), 1}, {Atom("shared"), "s"}, {Atom("name"), "n"}}},
		{"embedded, hidden by a shallower field", struct {
			base
			Shared int
		}{base{1, "s"}, 2}, Map{{Atom("id"), 1}, {Atom("shared"), 2}}},
		{"embedded, two of a name", struct {
			base
			Extra
		}{base{1, "s"}, Extra{"n", "t"}}, Map{{Atom("id"), 1}, {Atom("note"), "n"}}},
		{"embedded with a tag is a field", struct {
			Extra `etf:"more"`
		}{Extra{"n", "t"}}, Map{{Atom("more"), Map{{Atom("note"), "n"}, {Atom("shared"), "t"}}}}},
		{"embedded pointer", struct{ *Extra }{&Extra{"n", "t"}}, Map{{Atom("note"), "n"}, {Atom("shared"), "t"}}},
		{"embedded nil pointer", struct {
			*Extra
			A int
		}{nil, 1}, Map{{Atom("a"), 1}}},
		{"embedded in itself", Chain{nil, 3}, Map{{Atom("depth"), 3}}},
		{"embedded time is a field", stamped{Name: "n"}, Map{{Atom("time"), time.Time{}}, {Atom("name"), "n"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, termOf(t, c.want), termOf(t, c.in))
			byAtom, byBinary := reflect.New(reflect.TypeOf(c.in)), reflect.New(reflect.TypeOf(c.in))
			require.NoError(t, termOf(t, c.want).Unmarshal(byAtom.Interface()))
			assert.Equal(t, termOf(t, c.want), termOf(t, byAtom.Interface()), "round trip")
			strung := Map{}
			for _, pair := range c.want {
				strung = append(strung, Pair{string(pair.Key.(Atom)), pair.Value})
			}
			require.NoError(t, termOf(t, strung).Unmarshal(byBinary.Interface()))
			assert.Equal(t, byAtom.Elem().Interface(), byBinary.Elem().Interface())
		})
	}
}

func TestStructMissingKeys(t *testing.T) {
	cases := []struct {
		name, want string // the error, or nothing
		target     any
	}{
		{"integer", `.a: expected integer, got no such key`, &struct{ A int }{}},
		{"string", `.a: expected binary, got no such key`, &struct{ A string }{}},
		{"struct", `.a: expected map, got no such key`, &struct{ A struct{ B int } }{}},
		{"array", `.a: expected list of 2 elements, got no such key`, &struct{ A [2]int }{}},
		{"time", `.a: expected DateTime, got no such key`, &struct{ A time.Time }{}},
		{"union", `.a: expected :get_current or {:add, …} or {:stop, …} or {:volume, …}, got no such key`, &struct{ A command }{}},
		{"embedded", `.id: expected integer, got no such key`, &struct{ base }{}},
		{"pointer", "", &struct{ A *int }{}},
		{"any", "", &struct{ A any }{}},
		{"slice", "", &struct{ A []int }{}},
		{"bytes", "", &struct{ A []byte }{}},
		{"raw", "", &struct{ A Raw }{}},
		{"map", "", &struct{ A map[string]int }{}},
		{"embedded pointer", "", &struct{ *Extra }{}},
		{"omitempty", "", &struct {
			A int `etf:",omitempty"`
		}{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := termOf(t, Map{{Atom("unknown"), Tuple{1, 2}}, {5, 6}, {[]any{}, 7}}).Unmarshal(c.target)
			if c.want == "" {
				require.NoError(t, err)
				assert.True(t, reflect.ValueOf(c.target).Elem().IsZero())
				return
			}
			assert.EqualError(t, err, c.want)
		})
	}
}

func TestStructWithManyFields(t *testing.T) {
	var fields []reflect.StructField
	var pairs Map
	for i := range 200 {
		fields = append(fields, reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: reflect.TypeFor[int]()})
		pairs = append(Map{{Atom(fmt.Sprintf("f%d", i)), i}}, pairs...) // backwards
	}
	v := reflect.New(reflect.StructOf(fields))
	require.NoError(t, termOf(t, pairs).Unmarshal(v.Interface()))
	for i := range fields {
		assert.EqualValues(t, i, v.Elem().Field(i).Int())
	}
	assert.EqualError(t, termOf(t, pairs[1:]).Unmarshal(v.Interface()), ".f199: expected integer, got no such key")
	pairs = append(pairs, Pair{"f150", 1})
	assert.ErrorContains(t, termOf(t, pairs).Unmarshal(v.Interface()), ".f150: expected one value")
}

func TestStructAsTuple(t *testing.T) {
	type point struct {
		_    struct{} `etf:",tuple"`
		X, Y int
		Name *string
	}
	term := termOf(t, Tuple{1, 2, nil})
	assert.Equal(t, term, termOf(t, point{X: 1, Y: 2}))
	var p point
	require.NoError(t, term.Unmarshal(&p))
	assert.Equal(t, point{X: 1, Y: 2}, p)
	assert.EqualError(t, termOf(t, Tuple{1, 2}).Unmarshal(&p), "expected tuple of 3 elements, got tuple {1, 2}")
	assert.EqualError(t, termOf(t, Map{}).Unmarshal(&p), "expected tuple of 3 elements, got map %{}")
	assert.EqualError(t, termOf(t, Tuple{1, "a", nil}).Unmarshal(&p), `.y: expected integer, got binary "a"`)
	_, err := Marshal(struct {
		_ struct{} `etf:",tuple"`
		F Atom
	}{F: "\xff"})
	assert.ErrorContains(t, err, ".f: atom")
}

func TestStructWithLatin1Keys(t *testing.T) {
	var v struct{ Größe int }
	term := append(appendSized(nil, tagMap, 1), tagSmallAtom, 5, 'g', 'r', 0xf6, 0xdf, 'e', tagSmallInteger, 7)
	require.NoError(t, Raw(term).Unmarshal(&v))
	assert.Equal(t, 7, v.Größe)
}

type pingNode struct{ Pong *pongNode }
type pongNode struct{ Ping []pingNode }

func TestPlansOfMutuallyRecursiveTypes(t *testing.T) {
	var ready, done sync.WaitGroup
	ready.Add(1)
	for i := range 8 {
		done.Go(func() {
			ready.Wait()
			var err error
			if i%2 == 0 {
				_, err = Marshal(pingNode{&pongNode{[]pingNode{{}}}})
			} else {
				_, err = Marshal(pongNode{[]pingNode{{&pongNode{}}}})
			}
			assert.NoError(t, err)
		})
	}
	ready.Done()
	done.Wait()
}

type (
	halfGood struct{ Bad *halfBad }
	halfBad  struct {
		Good *halfGood
		C    chan int
	}
	writeOnly struct{ c int64 }
)

func (w writeOnly) AppendETF(dst []byte) ([]byte, error) { return AppendInt(dst, w.c), nil }

func TestPlanOfATypeWithoutOneIsNotKept(t *testing.T) {
	for range 2 {
		_, err := Marshal(halfGood{})
		require.EqualError(t, err, ".Bad.C: chan int has no form as a term")
		_, err = Marshal(halfBad{})
		require.ErrorContains(t, err, ".C: chan int has no form as a term")
	}
}

func TestPlanOfOneDirection(t *testing.T) {
	assert.Equal(t, termOf(t, []any{1}), termOf(t, []writeOnly{{1}}))
	err := termOf(t, []any{1}).Unmarshal(&[]writeOnly{})
	assert.ErrorContains(t, err, "[0]: etf.writeOnly has no exported fields")
}
