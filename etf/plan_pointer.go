package etf

import (
	"reflect"
	"strings"
	"unsafe"
)

var nilAtom = []byte{tagSmallAtomUTF8, 3, 'n', 'i', 'l'}

// readNil reads one of the atoms that stand for nothing: Elixir's nil and Erlang's undefined.
func readNil(b []byte) (n int, ok bool) {
	name, _, n, ok := splitAtom(b)
	return n, ok && (string(name) == "nil" || string(name) == "undefined")
}

// pointer makes nil the atom nil and any other pointer what it points to.
func (c *compiler) pointer(p *plan, t reflect.Type) error {
	elem, err := c.plan(t.Elem())
	if err != nil {
		return err
	}
	p.expected = "nil or what the pointer is to"
	p.encodeAt = func(dst []byte, q unsafe.Pointer, at place) ([]byte, error) {
		target := *(*unsafe.Pointer)(q)
		if target == nil {
			return append(dst, nilAtom...), nil
		}
		if at.hops++; at.hops > maxHops {
			return dst, &MarshalError{Problem: "pointers lead on without end"}
		}
		return elem.encodeAt(dst, target, at)
	}
	p.decodeAt = func(b []byte, q unsafe.Pointer, own bool) (int, error) {
		if n, ok := readNil(b); ok {
			*(*unsafe.Pointer)(q) = nil
			return n, nil
		}
		target := reflect.New(t.Elem()).UnsafePointer()
		n, err := elem.decodeAt(b, target, own)
		if err != nil {
			return 0, orNil(err)
		}
		*(*unsafe.Pointer)(q) = target
		return n, nil
	}
	return nil
}

const orNilText = " or nil"

// orNil adds to an error about the very term that a pointer is decoded from that nil would have done too.
func orNil(err error) error {
	if e, ok := err.(*UnmarshalError); ok && e.Path == "" && e.Expected != "" && !strings.HasSuffix(e.Expected, orNilText) {
		e.Expected += orNilText
	}
	return err
}

// iface is the plan of an interface type: any, a union, or one that only its own methods can encode.
func (c *compiler) iface(p *plan, t reflect.Type) error {
	if u := unionOf(t); u != nil {
		return c.union(p, u)
	}
	if t.NumMethod() > 0 {
		return &TypeError{Type: t, Problem: "is an interface without registered cases, see RegisterUnion"}
	}
	p.expected = "term"
	p.encodeAt = func(dst []byte, q unsafe.Pointer, at place) ([]byte, error) {
		return appendAny(dst, *(*any)(q), at)
	}
	p.decodeAt = func(b []byte, q unsafe.Pointer, _ bool) (n int, err error) {
		*(*any)(q), n = decodeAny(b)
		return n, nil
	}
	return nil
}
