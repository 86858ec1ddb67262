package etf

import (
	"fmt"
	"reflect"
)

var (
	marshalerType   = reflect.TypeFor[Marshaler]()
	unmarshalerType = reflect.TypeFor[Unmarshaler]()
)

// implements says whether t, or a pointer to it, has the methods of iface. A pointer type is asked through the type
// it points to, so that nil pointers never reach a method.
func implements(t, iface reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		return false
	}
	return t.Implements(iface) || t.Kind() != reflect.Interface && reflect.PointerTo(t).Implements(iface)
}

func isCustom(t reflect.Type) bool {
	return implements(t, marshalerType) || implements(t, unmarshalerType)
}

// custom fills p for a type that encodes or decodes itself. The direction it leaves open goes by its kind; if that
// has no form, only that direction is an error.
func (c *compiler) custom(p *plan, t reflect.Type) error {
	if err := c.byKind(p, t); err != nil {
		*p = plan{
			encode: func(dst []byte, _ reflect.Value, _ place) ([]byte, error) { return dst, err },
			decode: func([]byte, reflect.Value, bool) (int, error) { return 0, err },
		}
	}
	p.expected = "term for " + t.String()
	p.distinct = false
	if implements(t, marshalerType) {
		p.encode, p.encodeAt = encodeMarshaler(t), nil
	}
	if implements(t, unmarshalerType) && t.Kind() != reflect.Interface {
		p.decode, p.decodeAt = decodeUnmarshaler, nil
	}
	return nil
}

func encodeMarshaler(t reflect.Type) encodeFunc {
	byValue := t.Implements(marshalerType)
	return func(dst []byte, v reflect.Value, at place) ([]byte, error) {
		if t.Kind() == reflect.Interface && v.IsNil() {
			return append(dst, nilAtom...), nil
		}
		if !byValue {
			v = addressable(v).Addr()
		} else if inner := v; inner.Kind() == reflect.Interface && inner.Elem().Kind() == reflect.Pointer && inner.Elem().IsNil() {
			return append(dst, nilAtom...), nil
		}
		m, _ := reflect.TypeAssert[Marshaler](v)
		return appendMarshaler(dst, m)
	}
}

// addressable returns v, or a copy of it that has an address.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}

// appendMarshaler appends what m does, once it has been found to be one term.
func appendMarshaler(dst []byte, m Marshaler) ([]byte, error) {
	out, err := m.AppendETF(dst)
	if err != nil {
		return dst, &MarshalError{Problem: fmt.Sprintf("%T.AppendETF", m), Err: err}
	}
	if len(out) < len(dst) {
		return dst, &MarshalError{Problem: fmt.Sprintf("%T.AppendETF returned fewer bytes than it was given", m)}
	}
	if err := oneTerm(out[len(dst):]); err != nil {
		return dst, &MarshalError{Problem: fmt.Sprintf("%T.AppendETF appended no valid term", m), Err: err}
	}
	return out, nil
}

// oneTerm refuses bytes that are not exactly one term.
func oneTerm(b []byte) error {
	n, err := anyDepth.Scan(b)
	if err == nil && n != len(b) {
		err = trailing(n, len(b)-n)
	}
	return err
}

func decodeUnmarshaler(b []byte, v reflect.Value, _ bool) (int, error) {
	n := Size(b)
	if err := v.Addr().Interface().(Unmarshaler).UnmarshalETF(Raw(b[:n:n])); err != nil {
		if inner, ok := err.(*UnmarshalError); ok { // of a part of the term, whose path continues the one to here
			e := *inner
			return 0, &e
		}
		return 0, &UnmarshalError{Err: err}
	}
	return n, nil
}
