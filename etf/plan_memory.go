package etf

import (
	"reflect"
	"sync"
	"unsafe"
)

// The plans of scalars, strings, structs, slices and pointers reach values by their address: passing a reflect.Value
// along, and asking it about every field, was half of the time a struct took. An address is only ever that of a
// reflect.Value, a field at its offset, an element at its index, or what a pointer field holds. All other plans are
// in terms of reflect.Value, and complete makes the one of the other.

// An encodeAtFunc appends the term of the value at p. On error what it returns is not used.
type encodeAtFunc func(dst []byte, p unsafe.Pointer, at place) ([]byte, error)

// A decodeAtFunc sets the value at p as a decodeFunc does.
type decodeAtFunc func(b []byte, p unsafe.Pointer, own bool) (n int, err error)

// complete gives the plan of t, which has one function for each direction, the other one.
func (p *plan) complete(t reflect.Type) {
	if p.encodeAt == nil {
		encode := p.encode
		p.encodeAt = func(dst []byte, q unsafe.Pointer, at place) ([]byte, error) {
			return encode(dst, reflect.NewAt(t, q).Elem(), at)
		}
	} else {
		p.encode = byAddress(p.encodeAt, t)
	}
	if p.decodeAt == nil {
		decode := p.decode
		p.decodeAt = func(b []byte, q unsafe.Pointer, own bool) (int, error) {
			return decode(b, reflect.NewAt(t, q).Elem(), own)
		}
	} else {
		decodeAt := p.decodeAt
		p.decode = func(b []byte, v reflect.Value, own bool) (int, error) {
			return decodeAt(b, v.Addr().UnsafePointer(), own)
		}
	}
}

// byAddress encodes a copy of what has no address, like a struct in an any. The copies are used again.
func byAddress(encode encodeAtFunc, t reflect.Type) encodeFunc {
	copies := sync.Pool{New: func() any { return reflect.New(t).Interface() }}
	return func(dst []byte, v reflect.Value, at place) ([]byte, error) {
		if v.CanAddr() {
			return encode(dst, v.Addr().UnsafePointer(), at)
		}
		pointer := copies.Get()
		held := reflect.ValueOf(pointer).Elem()
		held.Set(v)
		dst, err := encode(dst, held.Addr().UnsafePointer(), at)
		held.SetZero()
		copies.Put(pointer)
		return dst, err
	}
}

// A sliceHeader is how Go lays a slice out.
type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}

// index returns the address of an element whose type has that size.
func (h *sliceHeader) index(i int, size uintptr) unsafe.Pointer {
	return unsafe.Add(h.data, uintptr(i)*size)
}

// A location is where a field of a struct lies.
type location struct {
	offset uintptr // in the struct, or in the last one that an embedded pointer leads to
	hops   []hop   // the embedded pointers on the way
}

// A hop is an embedded pointer, and the type it points to.
type hop struct {
	offset uintptr
	elem   reflect.Type
}

// locate finds the field of t with an index as reflect.Value.FieldByIndex takes it.
func locate(t reflect.Type, index []int) (l location) {
	for i, x := range index {
		if i > 0 && t.Kind() == reflect.Pointer {
			t = t.Elem()
			l.hops = append(l.hops, hop{l.offset, t})
			l.offset = 0
		}
		f := t.Field(x)
		l.offset += f.Offset
		t = f.Type
	}
	return l
}

// in returns the address of the field in the struct at p, or nil when an embedded pointer on the way is nil.
func (l *location) in(p unsafe.Pointer) unsafe.Pointer {
	for i := range l.hops {
		if p = *(*unsafe.Pointer)(unsafe.Add(p, l.hops[i].offset)); p == nil {
			return nil
		}
	}
	return unsafe.Add(p, l.offset)
}

// made is in, and makes the embedded structs that lead there.
func (l *location) made(p unsafe.Pointer) unsafe.Pointer {
	for i := range l.hops {
		pointer := (*unsafe.Pointer)(unsafe.Add(p, l.hops[i].offset))
		if *pointer == nil {
			*pointer = reflect.New(l.hops[i].elem).UnsafePointer()
		}
		p = *pointer
	}
	return unsafe.Add(p, l.offset)
}
