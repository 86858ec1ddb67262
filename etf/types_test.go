package etf

import (
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type (
	fileInfo struct {
		Path string
		Size *int
	}
	tree struct {
		Left, Right *tree
		Names       []string
	}
	forest struct {
		Trees []tree
		First *tree
	}
	nested []nested
)

func TestTypeOf(t *testing.T) {
	type list = []any
	const commandText = ":get_current | {:add, %{value: integer}} | {:stop, %{reason: binary}} | {:volume, integer}"
	cases := []struct {
		name string
		typ  Type
		text string
		term any // its encoding, in the dynamic types
	}{
		{"zero", Type{}, "any", Atom("any")},
		{"nil", TypeOf(nil), "any", Atom("any")},
		{"any", TypeFor[any](), "any", Atom("any")},
		{"raw", TypeFor[Raw](), "any", Atom("any")},
		{"custom", TypeFor[level](), "any", Atom("any")},
		{"int", TypeFor[int16](), "integer", Atom("integer")},
		{"uint", TypeFor[uint](), "non_neg_integer", Atom("non_neg_integer")},
		{"big", TypeFor[big.Int](), "integer", Atom("integer")},
		{"float", TypeFor[float32](), "float", Atom("float")},
		{"bool", TypeFor[bool](), "boolean", Atom("boolean")},
		{"string", TypeFor[namedString](), "binary", Atom("binary")},
		{"bytes", TypeFor[[]byte](), "binary", Atom("binary")},
		{"atom", TypeFor[Atom](), "atom", Atom("atom")},
		{"time", TypeFor[time.Time](), "DateTime.t", Atom("datetime")},
		{"bitstring", TypeFor[Bitstring](), "bitstring", Atom("bitstring")},
		{"pid", TypeFor[Pid](), "pid", Atom("pid")},
		{"port", TypeFor[Port](), "port", Atom("port")},
		{"reference", TypeFor[Ref](), "reference", Atom("reference")},
		{"function", TypeFor[Fun](), "function", Atom("function")},
		{"nothing", Type{Kind: KindNil}, "nil", Atom("nil")},
		{"list", TypeFor[[]int](), "[integer]", Tuple{Atom("list"), Atom("integer")}},
		{"array of bytes", TypeFor[[4]byte](), "[non_neg_integer]", Tuple{Atom("list"), Atom("non_neg_integer")}},
		{"any list", TypeFor[ImproperList](), "list", Atom("list")},
		{"any tuple", TypeFor[Tuple](), "tuple", Atom("tuple")},
		{"any map", TypeFor[Map](), "map", Tuple{Atom("map"), Atom("any"), Atom("any")}},
		{"map", TypeFor[map[string]int](), "%{binary => integer}", Tuple{Atom("map"), Atom("binary"), Atom("integer")}},
		{"pointer", TypeFor[*int](), "integer | nil", Tuple{Atom("optional"), Atom("integer")}},
		{"pointer to pointer", TypeFor[**int](), "integer | nil", Tuple{Atom("optional"), Atom("integer")}},
		{"pointer to any", TypeFor[*any](), "any", Atom("any")},
		{"struct", TypeFor[fileInfo](), "%{path: binary, size: integer | nil}", Tuple{Atom("struct"), list{
			Tuple{"path", Atom("binary"), false}, Tuple{"size", Tuple{Atom("optional"), Atom("integer")}, false}}}},
		{"empty struct", TypeFor[emptyStruct](), "%{}", Tuple{Atom("struct"), list{}}},
		{"struct with optional keys", TypeFor[struct {
			A int
			B []int `etf:"b c,omitempty"`
		}](), `%{required(:a) => integer, optional(:"b c") => [integer]}`, Tuple{Atom("struct"), list{
			Tuple{"a", Atom("integer"), false}, Tuple{"b c", Tuple{Atom("list"), Atom("integer")}, true}}}},
		{"struct as tuple", TypeFor[struct {
			_ struct{} `etf:",tuple"`
			A int
			B Atom
		}](), "{integer, atom}", Tuple{Atom("tuple"), list{Atom("integer"), Atom("atom")}}},
		{"union", TypeFor[command](), commandText, Tuple{Atom("union"), list{"get_current",
			Tuple{"add", Tuple{Atom("struct"), list{Tuple{"value", Atom("integer"), false}}}},
			Tuple{"stop", Tuple{Atom("struct"), list{Tuple{"reason", Atom("binary"), false}}}},
			Tuple{"volume", Atom("integer")}}}},
		{"recursive", TypeFor[node](), "node :: %{value: integer, next: node | nil}", Tuple{Atom("named"), "node",
			Tuple{Atom("struct"), list{Tuple{"value", Atom("integer"), false},
				Tuple{"next", Tuple{Atom("optional"), Tuple{Atom("name"), "node"}}, false}}}}},
		{"recursive, described once", TypeFor[forest](),
			"%{trees: [tree :: %{left: tree | nil, right: tree | nil, names: [binary]}], first: tree | nil}", nil},
		{"recursive behind a pointer", TypeFor[*node](), "(node :: %{value: integer, next: node | nil}) | nil", nil},
		{"recursive list", TypeFor[nested](), "nested :: [nested]", nil},
		{"recursive union", TypeFor[[]expression](), "[expression :: {:number, %{n: integer}} | {:sum, %{terms: [expression]}} | " +
			"{:negation, %{of: expression}} | :zero]", nil},
		{"optional union", TypeFor[*command](), commandText + " | nil", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.text, c.typ.String())
			term := termOf(t, c.typ)
			if c.term != nil {
				assert.Equal(t, termOf(t, c.term), term)
			}
		})
	}
}

func TestTypeNamesDiffer(t *testing.T) {
	type outer struct{ A node }
	type node struct{ Next *node }
	got := TypeFor[struct {
		A outer
		B node
	}]()
	assert.Equal(t, "%{a: %{a: node :: %{value: integer, next: node | nil}}, b: node_2 :: %{next: node_2 | nil}}", got.String())
}

func TestTypeOfPanics(t *testing.T) {
	defer func() {
		err, ok := recover().(error)
		require.True(t, ok)
		assert.EqualError(t, err, "[].TTL: time.Duration has no unit on the wire, use a number with its unit in its name, like timeout_ms")
	}()
	TypeFor[[]struct{ TTL time.Duration }]()
}

func TestCheckType(t *testing.T) {
	assert.NoError(t, CheckType(nil))
	assert.NoError(t, CheckType(reflect.TypeFor[node]()))
	var typed *TypeError
	assert.ErrorAs(t, CheckType(reflect.TypeFor[chan int]()), &typed)
}

func TestKnownTypesAreAllDescribed(t *testing.T) {
	for typ := range knownTypes {
		if CheckType(typ) == nil {
			assert.Contains(t, knownKinds, typ)
		}
	}
	assert.Len(t, knownTypes, len(knownKinds)+2, "the two without a form")
}
