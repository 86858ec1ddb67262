package etf

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"unsafe"
)

// elements walks a scanned list of any form: the empty list, STRING_EXT, and LIST_EXT with its tails.
//
//	for items.more() {
//		term := items.term()
//		...
//		items.advance(length of term)
//	}
//
// items.read is then the length of the list.
type elements struct {
	rest     []byte // begins with the next element, or with the tail
	left     int    // elements before the tail
	read     int
	text     bool // inside a STRING_EXT
	improper bool // rest begins with a tail that is no list
}

// openList begins at the first term of b; ok is false when that is no list.
func openList(b []byte) (items elements, ok bool) {
	switch b[0] {
	case tagNil, tagString, tagList:
		return elements{rest: b}, true
	}
	return elements{}, false
}

// more says whether there is another element, following the tails.
func (e *elements) more() bool {
	for e.left == 0 {
		if e.text || e.improper {
			return false
		}
		switch e.rest[0] {
		case tagNil:
			e.skip(1)
			e.text = true // nothing follows
			return false
		case tagString:
			e.left, e.text = int(binary.BigEndian.Uint16(e.rest[1:])), true
			e.skip(3)
		case tagList:
			e.left = int(binary.BigEndian.Uint32(e.rest[1:]))
			e.skip(5)
		default:
			e.improper = true
			return false
		}
	}
	return true
}

// term returns bytes that begin with the next element. Those of a STRING_EXT are shared, see shared.
func (e *elements) term() []byte {
	if e.text {
		i := 2 * int(e.rest[0])
		return smallIntegers[i : i+2 : i+2]
	}
	return e.rest
}

// advance goes past the element that term returned, whose length is n.
func (e *elements) advance(n int) {
	if e.text {
		n = 1
	}
	e.left--
	e.skip(n)
}

// advanceMany goes past several elements, n bytes in all, of a list that is no STRING_EXT.
func (e *elements) advanceMany(elements, n int) {
	e.left -= elements
	e.skip(n)
}

func (e *elements) skip(n int) {
	e.rest = e.rest[n:]
	e.read += n
}

// shared says that the bytes of the current element are not those of the list, and must be copied to be kept.
func (e *elements) shared() bool { return e.text }

// smallIntegers are the terms of the integers a STRING_EXT can hold.
var smallIntegers = func() (terms [512]byte) {
	for i := range 256 {
		terms[2*i], terms[2*i+1] = tagSmallInteger, byte(i)
	}
	return terms
}()

// maxPrealloc bounds, in bytes, the room made on the word of a list's header. More is made when that many elements
// have really been decoded, because an element that is refused can be far smaller than the Go value it claims to be.
const maxPrealloc = 64 << 10

func (c *compiler) slice(p *plan, t reflect.Type) error {
	if isBytes(t) {
		bytesPlan(p)
		return nil
	}
	elem, err := c.plan(t.Elem())
	if err != nil {
		return inType(err, "[]")
	}
	p.expected = "list"
	size := t.Elem().Size()
	p.encodeAt = func(dst []byte, q unsafe.Pointer, at place) ([]byte, error) {
		list := (*sliceHeader)(q)
		return appendItems(dst, elem, list.data, list.len, size, at)
	}
	empty := reflect.MakeSlice(t, 0, 0)
	room := max(1, maxPrealloc/max(1, int(size)))
	p.decodeAt = func(b []byte, q unsafe.Pointer, own bool) (int, error) {
		items, ok := openList(b)
		if !ok {
			return 0, mismatch("list", b)
		}
		v := reflect.NewAt(t, q).Elem()
		if !items.more() {
			v.Set(empty)
			return items.read, properEnd(&items, b)
		}
		v.SetZero()
		list := (*sliceHeader)(q)
		for i := 0; items.more(); i++ {
			if i == list.cap {
				v.Grow(min(items.left, max(room, i)))
			}
			list.len = i + 1
			n, err := elem.decodeAt(items.term(), list.index(i, size), own && !items.shared())
			if err != nil {
				return 0, inTerm(err, indexStep(i))
			}
			items.advance(n)
		}
		return items.read, properEnd(&items, b)
	}
	return nil
}

// isBytes says that t is a binary: a slice of bytes, unless those encode themselves.
func isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && !isCustom(t.Elem())
}

func properEnd(items *elements, b []byte) error {
	if items.improper {
		return mismatch("proper list", b)
	}
	return nil
}

// appendItems appends the n elements of a slice or array that begin at first.
func appendItems(dst []byte, elem *plan, first unsafe.Pointer, n int, size uintptr, at place) ([]byte, error) {
	if at.nesting++; at.nesting > maxNesting {
		return dst, tooDeep()
	}
	dst = AppendList(dst, n)
	var err error
	for i := range n {
		if dst, err = elem.encodeAt(dst, unsafe.Add(first, uintptr(i)*size), at); err != nil {
			return dst, inValue(err, indexStep(i))
		}
	}
	return AppendNil(dst), nil
}

func (c *compiler) array(p *plan, t reflect.Type) error {
	elem, err := c.plan(t.Elem())
	if err != nil {
		return inType(err, "[]")
	}
	p.expected = fmt.Sprintf("list of %d elements", t.Len())
	length, size := t.Len(), t.Elem().Size()
	p.encodeAt = func(dst []byte, q unsafe.Pointer, at place) ([]byte, error) {
		return appendItems(dst, elem, q, length, size, at)
	}
	p.decodeAt = func(b []byte, q unsafe.Pointer, own bool) (int, error) {
		items, ok := openList(b)
		if !ok {
			return 0, mismatch(p.expected, b)
		}
		i := 0
		for ; items.more(); i++ {
			if i == length {
				return 0, mismatch(p.expected, b)
			}
			n, err := elem.decodeAt(items.term(), unsafe.Add(q, uintptr(i)*size), own && !items.shared())
			if err != nil {
				return 0, inTerm(err, indexStep(i))
			}
			items.advance(n)
		}
		if i < length || items.improper {
			return 0, mismatch(p.expected, b)
		}
		return items.read, nil
	}
	return nil
}
