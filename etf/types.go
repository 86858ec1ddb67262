package etf

import (
	"math/big"
	"reflect"
	"strconv"
	"time"

	"github.com/okeuday/erlang_go/v2/erlang"
)

// A Kind says what a Type describes. It is an atom on the wire.
type Kind string

// The kinds of Type. They are on the wire and never change.
const (
	KindAny           Kind = "any" // any term
	KindInteger       Kind = "integer"
	KindNonNegInteger Kind = "non_neg_integer"
	KindFloat         Kind = "float"
	KindBoolean       Kind = "boolean"
	KindBinary        Kind = "binary"
	KindAtom          Kind = "atom"
	KindDateTime      Kind = "datetime" // Elixir's DateTime
	KindBitstring     Kind = "bitstring"
	KindPid           Kind = "pid"
	KindPort          Kind = "port"
	KindReference     Kind = "reference"
	KindFunction      Kind = "function"
	KindNil           Kind = "nil"
	KindList          Kind = "list"   // of Elem; without Elem any list, also an improper one
	KindTuple         Kind = "tuple"  // of Elems; with nil Elems any tuple
	KindMap           Kind = "map"    // from Key to Elem
	KindStruct        Kind = "struct" // a map with the atoms of Fields as keys
	KindUnion         Kind = "union"  // one of Cases
	KindOptional      Kind = "optional"
	KindNamed         Kind = "named" // Elem, which contains itself, and its Name
	KindName          Kind = "name"  // the named type of that Name, somewhere in the same description
)

// A Type describes the terms that a Go type is encoded to, for those who call from Elixir. The zero value describes
// any term.
//
// A Type is itself encoded as a term, with kinds as atoms and everything else as binaries, so that a reader that
// creates no atoms can read it:
//
//	any, integer, binary, ... tuple, list   the atom of the kind, for one that has no parts
//	{list, T}                               a proper list of T
//	{tuple, [T]}                            a tuple of these elements
//	{map, K, V}                             a map from K to V
//	{struct, [{Name, T, Optional}]}         a map with these atom keys, in the order of the Go struct;
//	                                        Optional is true for a key that is there only sometimes
//	{union, [Tag | {Tag, T}]}               the bare atom Tag, or a tuple of that atom and a T
//	{optional, T}                           T or nil
//	{named, Name, T}                        T, which refers to itself as Name
//	{name, Name}                            the type that {named, Name, T} describes
//
// A key whose type is optional, any, list or map may be missing on the way to Go even where Optional is false.
type Type struct {
	Kind   Kind
	Name   string
	Key    *Type
	Elem   *Type
	Elems  []Type
	Fields []Field
	Cases  []Case
}

// A Field is a key of a struct.
type Field struct {
	Name string
	Type Type
	// Optional says that the key is left out of what Go encodes when the field is empty.
	Optional bool
}

// A Case is one form of a union: the bare atom Tag, or with a Value a pair of it and that.
type Case struct {
	Tag   string
	Value *Type
}

// TypeFor describes the terms of the Go type T. It panics as TypeOf does.
func TypeFor[T any]() Type { return TypeOf(reflect.TypeFor[T]()) }

// TypeOf describes the terms of a Go type. Types that encode or decode themselves are any term, and so is a nil t. It
// panics with a *TypeError when t has no form as a term; CheckType tells before.
func TypeOf(t reflect.Type) Type {
	if t == nil {
		return Type{Kind: KindAny}
	}
	if err := CheckType(t); err != nil {
		panic(err)
	}
	d := describer{open: map[reflect.Type]bool{}, names: map[reflect.Type]string{}, taken: map[string]bool{}}
	return d.describe(t)
}

// knownKinds are the kinds of the types in knownTypes that have a form.
var knownKinds = map[reflect.Type]Type{
	reflect.TypeFor[Atom]():         {Kind: KindAtom},
	reflect.TypeFor[Raw]():          {Kind: KindAny},
	reflect.TypeFor[big.Int]():      {Kind: KindInteger},
	reflect.TypeFor[time.Time]():    {Kind: KindDateTime},
	reflect.TypeFor[Tuple]():        {Kind: KindTuple},
	reflect.TypeFor[Map]():          mapOf(Type{Kind: KindAny}, Type{Kind: KindAny}),
	reflect.TypeFor[ImproperList](): {Kind: KindList},
	reflect.TypeFor[Bitstring]():    {Kind: KindBitstring},
	reflect.TypeFor[Pid]():          {Kind: KindPid},
	reflect.TypeFor[Port]():         {Kind: KindPort},
	reflect.TypeFor[Ref]():          {Kind: KindReference},
	reflect.TypeFor[Fun]():          {Kind: KindFunction},

	reflect.TypeFor[erlang.OtpErlangAtom]():      {Kind: KindAtom},
	reflect.TypeFor[erlang.OtpErlangAtomUTF8]():  {Kind: KindAtom},
	reflect.TypeFor[erlang.OtpErlangBinary]():    {Kind: KindBitstring},
	reflect.TypeFor[erlang.OtpErlangList]():      {Kind: KindList},
	reflect.TypeFor[erlang.OtpErlangMap]():       mapOf(Type{Kind: KindAny}, Type{Kind: KindAny}),
	reflect.TypeFor[erlang.OtpErlangTuple]():     {Kind: KindTuple},
	reflect.TypeFor[erlang.OtpErlangPid]():       {Kind: KindPid},
	reflect.TypeFor[erlang.OtpErlangPort]():      {Kind: KindPort},
	reflect.TypeFor[erlang.OtpErlangReference](): {Kind: KindReference},
	reflect.TypeFor[erlang.OtpErlangFunction]():  {Kind: KindFunction},
}

func mapOf(key, elem Type) Type { return Type{Kind: KindMap, Key: &key, Elem: &elem} }

// A describer makes one description. A type that contains itself gets a name, and is described once.
type describer struct {
	open  map[reflect.Type]bool
	names map[reflect.Type]string
	taken map[string]bool
}

func (d *describer) describe(t reflect.Type) Type {
	if known, ok := knownKinds[t]; ok {
		return known
	}
	if isCustom(t) {
		return Type{Kind: KindAny}
	}
	if t.Name() == "" { // contains itself only through a type with a name
		return d.byKind(t)
	}
	if name, ok := d.names[t]; ok {
		return Type{Kind: KindName, Name: name}
	}
	if d.open[t] {
		d.names[t] = d.name(t)
		return Type{Kind: KindName, Name: d.names[t]}
	}
	d.open[t] = true
	described := d.byKind(t)
	delete(d.open, t)
	if name, ok := d.names[t]; ok {
		return Type{Kind: KindNamed, Name: name, Elem: &described}
	}
	return described
}

// name makes a name for t that nothing else in the description has.
func (d *describer) name(t reflect.Type) string {
	base := snakeCase(t.Name())
	name := base
	for i := 2; d.taken[name]; i++ {
		name = base + "_" + strconv.Itoa(i)
	}
	d.taken[name] = true
	return name
}

func (d *describer) byKind(t reflect.Type) Type {
	switch t.Kind() {
	case reflect.Bool:
		return Type{Kind: KindBoolean}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return Type{Kind: KindInteger}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return Type{Kind: KindNonNegInteger}
	case reflect.Float32, reflect.Float64:
		return Type{Kind: KindFloat}
	case reflect.String:
		return Type{Kind: KindBinary}
	case reflect.Slice, reflect.Array:
		if isBytes(t) {
			return Type{Kind: KindBinary}
		}
		elem := d.describe(t.Elem())
		return Type{Kind: KindList, Elem: &elem}
	case reflect.Map:
		return mapOf(d.describe(t.Key()), d.describe(t.Elem()))
	case reflect.Pointer:
		return optional(d.describe(t.Elem()))
	case reflect.Interface:
		return d.iface(t)
	}
	return d.structure(t)
}

func optional(t Type) Type {
	if t.Kind == KindAny || t.Kind == KindOptional {
		return t
	}
	return Type{Kind: KindOptional, Elem: &t}
}

func (d *describer) iface(t reflect.Type) Type {
	plansMu.Lock()
	u := unionOf(t)
	plansMu.Unlock()
	if u == nil {
		return Type{Kind: KindAny}
	}
	described := Type{Kind: KindUnion}
	for _, uc := range u.cases {
		c := Case{Tag: uc.tag}
		if !uc.bare {
			value := d.describe(uc.value())
			c.Value = &value
		}
		described.Cases = append(described.Cases, c)
	}
	return described
}

func (d *describer) structure(t reflect.Type) Type {
	fields, tuple, err := fieldsOf(t)
	if err != nil {
		panic(err) // CheckType has passed it
	}
	if tuple {
		described := Type{Kind: KindTuple, Elems: []Type{}}
		for _, f := range fields {
			described.Elems = append(described.Elems, d.describe(f.typ))
		}
		return described
	}
	described := Type{Kind: KindStruct}
	for _, f := range fields {
		described.Fields = append(described.Fields, Field{Name: f.name, Type: d.describe(f.typ), Optional: f.omitempty || f.viaNil})
	}
	return described
}
