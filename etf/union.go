package etf

import (
	"fmt"
	"go/token"
	"reflect"
)

// A unionCase is one type that a union holds, and its tag.
type unionCase struct {
	tag  string
	typ  reflect.Type
	key  []byte // the tag as an encoded atom
	bare bool   // without a value: an empty struct
	plan *plan
}

// A union is an interface type with the closed set of types that values of it may have.
type union struct {
	typ   reflect.Type
	cases []unionCase
}

// unions is guarded by plansMu.
var unions = map[reflect.Type]*union{}

// tagged is what Tagged returns.
type tagged struct {
	tag   string
	value any
}

// Tagged is a case for RegisterUnion with a tag other than its type's name. v is any value of the type.
func Tagged(tag string, v any) any { return tagged{tag, v} }

// RegisterUnion makes the interface type I a tagged union of the types of cases, whose values do not matter. The tag
// of a case is its type's name in snake case, unless Tagged gives another. A case that is an empty struct is the bare
// atom of its tag, any other is {tag, value}:
//
//	type Command interface{ command() }
//
//	type Add struct{ Value int }  // {:add, %{value: 10}}
//	type GetCurrent struct{}      // :get_current
//
//	var _ = etf.RegisterUnion[Command](Add{}, GetCurrent{}, etf.Tagged("stop", Shutdown{}))
//
// A nil interface is the atom nil, and nil or undefined decodes to a nil interface, wherever the static type is I: a
// handler whose argument is a union, or has a field of one, needs a case for nil in its type switch if it is to refuse
// that. A value is tagged only where the static type is I: a field, an element, a parameter of type
// I, not an any that holds an Add; pass Append a pointer to a variable of type I. Tags are read as atoms or binaries,
// and a list of two is taken for the tuple, since there are codecs without either. A case may be a pointer type; a
// pointer to a case that is no pointer is encoded like the case.
//
// Call it while the program starts. It panics, naming the type, when I is no interface with methods or is registered
// already, and when a case does not implement I, has no usable tag, or shares its tag or type with another. The result
// means nothing: it lets the call stand in the declaration of a variable.
func RegisterUnion[I any](cases ...any) struct{} {
	t := reflect.TypeFor[I]()
	u, err := newUnion(t, cases)
	if err != nil {
		panic(fmt.Sprintf("etf.RegisterUnion[%s]: %v", t, err))
	}
	plansMu.Lock()
	defer plansMu.Unlock()
	if unions[t] != nil {
		panic(fmt.Sprintf("etf.RegisterUnion[%s]: registered already", t))
	}
	unions[t] = u
	forgetPlans()
	return struct{}{}
}

func newUnion(t reflect.Type, cases []any) (*union, error) {
	if t.Kind() != reflect.Interface || t.NumMethod() == 0 {
		return nil, fmt.Errorf("%s is no interface with methods", t)
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("no cases")
	}
	u := &union{typ: t}
	for _, v := range cases {
		uc, err := newCase(t, v)
		if err != nil {
			return nil, err
		}
		for _, other := range u.cases {
			if other.tag == uc.tag || other.typ == uc.typ {
				return nil, fmt.Errorf("%s as %q and %s as %q clash", other.typ, other.tag, uc.typ, uc.tag)
			}
		}
		u.cases = append(u.cases, uc)
	}
	return u, nil
}

func newCase(t reflect.Type, v any) (unionCase, error) {
	var tag string
	if explicit, ok := v.(tagged); ok {
		tag, v = explicit.tag, explicit.value
	}
	typ := reflect.TypeOf(v)
	if typ == nil {
		return unionCase{}, fmt.Errorf("a case is nil, expected a value of its type")
	}
	if !typ.Implements(t) {
		return unionCase{}, fmt.Errorf("%s does not implement it", typ)
	}
	named := (&unionCase{typ: typ}).value()
	if tag == "" {
		if !token.IsIdentifier(named.Name()) {
			return unionCase{}, fmt.Errorf("%s has no name to make a tag of, use Tagged", typ)
		}
		tag = snakeCase(named.Name())
	}
	if problem := atomProblem(tag); problem != "" {
		return unionCase{}, fmt.Errorf("%s: %s", typ, problem)
	}
	bare := named.Kind() == reflect.Struct && named.NumField() == 0 && !isCustom(named)
	if bare && (tag == "nil" || tag == "undefined") {
		return unionCase{}, fmt.Errorf("%s as %q would be read as no value", typ, tag)
	}
	return unionCase{tag: tag, typ: typ, key: AppendAtom(nil, tag), bare: bare}, nil
}

// unionOf returns the registered union of an interface type, or nil. Its caller holds plansMu.
func unionOf(t reflect.Type) *union { return unions[t] }

// union fills p for a registered interface type.
func (c *compiler) union(p *plan, registered *union) error {
	u := &union{typ: registered.typ, cases: append([]unionCase(nil), registered.cases...)}
	for i := range u.cases {
		uc := &u.cases[i]
		var err error
		if uc.plan, err = c.plan(uc.typ); err != nil {
			return inType(err, "("+uc.tag+")")
		}
	}
	p.expected = u.expected()
	p.encode = u.encode
	p.decode = func(b []byte, v reflect.Value, own bool) (int, error) {
		return u.decode(b, v, own, p.expected)
	}
	return nil
}

// expected lists the first few cases.
func (u *union) expected() string {
	text := ""
	for i, uc := range u.cases {
		if i == 8 {
			return text + " or …"
		}
		if i > 0 {
			text += " or "
		}
		if uc.bare {
			text += renderAtom(uc.tag)
		} else {
			text += "{" + renderAtom(uc.tag) + ", …}"
		}
	}
	return text
}

func (u *union) encode(dst []byte, v reflect.Value, at place) ([]byte, error) {
	if v.IsNil() {
		return append(dst, nilAtom...), nil
	}
	v = v.Elem()
	uc, v := u.caseOf(v)
	if uc == nil {
		return dst, &MarshalError{Problem: fmt.Sprintf("%s is not a registered case of %s", v.Type(), u.typ)}
	}
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return dst, &MarshalError{Problem: fmt.Sprintf("a nil %s is no case of %s", v.Type(), u.typ)}
	}
	if uc.bare {
		return append(dst, uc.key...), nil
	}
	if at.nesting++; at.nesting > maxNesting {
		return dst, tooDeep()
	}
	dst = append(AppendTuple(dst, 2), uc.key...)
	dst, err := uc.plan.encode(dst, v, at)
	if err != nil {
		return dst, inValue(err, "("+uc.tag+")")
	}
	return dst, nil
}

// caseOf finds the case of a value, or of what it points to.
func (u *union) caseOf(v reflect.Value) (*unionCase, reflect.Value) {
	t := v.Type()
	for i := range u.cases {
		if u.cases[i].typ == t {
			return &u.cases[i], v
		}
	}
	if t.Kind() == reflect.Pointer && !v.IsNil() {
		for i := range u.cases {
			if u.cases[i].typ == t.Elem() {
				return &u.cases[i], v.Elem()
			}
		}
	}
	return nil, v
}

func (u *union) decode(b []byte, v reflect.Value, own bool, expected string) (int, error) {
	if n, ok := readNil(b); ok {
		v.SetZero()
		return n, nil
	}
	arity, at, tail, tupled := readRow(b)
	if tupled && arity != 2 {
		return 0, mismatch(expected, b)
	}
	tag, n := keyName(b[at:])
	uc := u.byTag(tag, !tupled)
	if uc == nil {
		return 0, mismatch(expected, b)
	}
	at += n
	if uc.bare {
		v.Set(uc.zero())
		return at, nil
	}
	target := reflect.New(uc.typ).Elem()
	n, err := uc.plan.decode(b[at:], target, own)
	if err != nil {
		return 0, inTerm(err, "("+uc.tag+")")
	}
	if target.Kind() == reflect.Pointer && target.IsNil() {
		return 0, inTerm(mismatch("a value", b[at:]), "("+uc.tag+")")
	}
	at += n
	if tail > 0 && b[at] != tagNil {
		return 0, mismatch(expected, b)
	}
	v.Set(target)
	return at + tail, nil
}

// readRow reads the header of a tuple, or of a list in its place, which is what a
// codec without tuples has. Tail is the length of what ends a list.
func readRow(b []byte) (arity, n, tail int, ok bool) {
	if arity, n, ok = ReadTuple(b); ok {
		return arity, n, 0, true
	}
	if arity, n, ok = ReadList(b); ok && arity > 0 {
		return arity, n, 1, true
	}
	return 0, 0, 0, false
}

func (u *union) byTag(tag []byte, bare bool) *unionCase {
	if tag == nil {
		return nil
	}
	for i := range u.cases {
		if uc := &u.cases[i]; uc.bare == bare && uc.tag == string(tag) {
			return uc
		}
	}
	return nil
}

// value is the type whose term stands beside the tag.
func (uc *unionCase) value() reflect.Type {
	if uc.typ.Kind() == reflect.Pointer {
		return uc.typ.Elem()
	}
	return uc.typ
}

// zero is the only value of a bare case.
func (uc *unionCase) zero() reflect.Value {
	if uc.typ.Kind() == reflect.Pointer {
		return reflect.New(uc.typ.Elem())
	}
	return reflect.Zero(uc.typ)
}
