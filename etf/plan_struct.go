package etf

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"sync/atomic"
	"unsafe"
)

// A structPlan is how a struct is encoded and decoded.
type structPlan struct {
	typ    reflect.Type
	fields []field
	// byName finds a field of a struct that has too many to try each.
	byName map[string]int
	// after holds for each field, and in front for the beginning, which field came next the last time. Maps of one kind
	// have their keys in one order, which is the BEAM's.
	after []atomic.Int32
	// mayOmit says that the number of pairs is known only in the end.
	mayOmit bool
}

// tried is how many fields are compared one by one, which is faster than a map up to about this many.
const tried = 16

func (c *compiler) structure(p *plan, t reflect.Type) error {
	fields, tuple, err := fieldsOf(t)
	if err != nil {
		return err
	}
	s := &structPlan{typ: t, fields: fields}
	for i := range s.fields {
		f := &s.fields[i]
		if f.plan, err = c.plan(f.typ); err != nil {
			return inType(err, "."+t.FieldByIndex(f.index).Name)
		}
		f.place = locate(t, f.index)
		f.key = string(AppendAtom(nil, f.name))
		if isASCII([]byte(f.name)) {
			f.oldKey = string([]byte{tagAtom, 0, byte(len(f.name))}) + f.name
		}
		f.required = !f.omitempty && !f.viaNil && !optionalKind(f.typ)
		s.mayOmit = s.mayOmit || f.omitempty || f.viaNil
	}
	if tuple {
		return s.asTuple(p)
	}
	if len(s.fields) > tried {
		s.byName = make(map[string]int, len(s.fields))
		for i := range s.fields {
			s.byName[s.fields[i].name] = i
		}
	}
	s.after = make([]atomic.Int32, len(s.fields)+1)
	for i := range s.fields {
		s.after[i].Store(int32(i))
	}
	p.expected = "map"
	p.encodeAt, p.decodeAt = s.encode, s.decode
	return nil
}

// optionalKind says that the key of a field of type t may be missing.
func optionalKind(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return true
	case reflect.Interface:
		return t.NumMethod() == 0
	}
	return false
}

func (s *structPlan) encode(dst []byte, p unsafe.Pointer, at place) ([]byte, error) {
	if at.nesting++; at.nesting > maxNesting {
		return dst, tooDeep()
	}
	start := len(dst)
	dst = AppendMap(dst, len(s.fields))
	if s.mayOmit {
		return s.encodeSome(dst, start, p, at)
	}
	var err error
	for i := range s.fields {
		f := &s.fields[i]
		dst = append(dst, f.key...)
		if dst, err = f.plan.encodeAt(dst, unsafe.Add(p, f.place.offset), at); err != nil {
			return dst, inValue(err, "."+f.name)
		}
	}
	return dst, nil
}

// encodeSome leaves out what is to be omitted, and corrects the number of pairs in the header at start.
func (s *structPlan) encodeSome(dst []byte, start int, p unsafe.Pointer, at place) ([]byte, error) {
	pairs := 0
	var err error
	for i := range s.fields {
		f := &s.fields[i]
		value := f.place.in(p)
		if value == nil || f.omitempty && f.omitted(value) {
			continue
		}
		pairs++
		dst = append(dst, f.key...)
		if dst, err = f.plan.encodeAt(dst, value, at); err != nil {
			return dst, inValue(err, "."+f.name)
		}
	}
	binary.BigEndian.PutUint32(dst[start+1:], uint32(pairs))
	return dst, nil
}

func (s *structPlan) decode(b []byte, p unsafe.Pointer, own bool) (int, error) {
	pairs, i, ok := ReadMap(b)
	if !ok {
		return 0, mismatch("map", b)
	}
	var low [2]uint64
	seen := bitset(low[:])
	if len(s.fields) > 64*len(low) {
		seen = make(bitset, (len(s.fields)+63)/64)
	}
	at, found := -1, 0
	for range pairs {
		next, n := s.next(b[i:], at)
		i += n
		if next < 0 {
			i += Size(b[i:])
			continue
		}
		at = next
		f := &s.fields[at]
		if seen.has(at) {
			return 0, inTerm(&UnmarshalError{Expected: "one value", Got: "another, the key is there as an atom and as a binary"}, "."+f.name)
		}
		seen.add(at)
		found++
		n, err := f.plan.decodeAt(b[i:], f.place.made(p), own)
		if err != nil {
			return 0, inTerm(err, "."+f.name)
		}
		i += n
	}
	if found < len(s.fields) {
		return i, s.missing(seen)
	}
	return i, nil
}

// missing reports a required field that has not been seen.
func (s *structPlan) missing(seen bitset) error {
	for at := range s.fields {
		if f := &s.fields[at]; f.required && !seen.has(at) {
			return inTerm(&UnmarshalError{Expected: f.plan.expected, Got: "no such key"}, "."+f.name)
		}
	}
	return nil
}

// next returns the field whose key is at the start of b, or -1, and the length of the key. The one that came after the
// field at last time is tried first.
func (s *structPlan) next(b []byte, at int) (field, n int) {
	guess := &s.after[at+1]
	if field = int(guess.Load()); field < len(s.fields) {
		if n = s.fields[field].keyLength(b); n > 0 {
			return field, n
		}
	}
	name, n := keyName(b)
	if field = s.find(name); field >= 0 {
		guess.Store(int32(field))
	}
	return field, n
}

// keyLength is the length of the key at the start of b, or 0 when that is not this field's, as atoms are usually written.
func (f *field) keyLength(b []byte) int {
	key := f.key
	if b[0] == tagAtom {
		key = f.oldKey
	}
	if len(b) >= len(key) && string(b[:len(key)]) == key {
		return len(key)
	}
	return 0
}

// find returns the index of the field with that name, or -1.
func (s *structPlan) find(name []byte) int {
	if s.byName != nil {
		if i, ok := s.byName[string(name)]; ok {
			return i
		}
		return -1
	}
	for i := range s.fields {
		if s.fields[i].name == string(name) {
			return i
		}
	}
	return -1
}

// keyName returns the text of the key at the start of b, which aliases b where it can, and its length; the text is
// nil when the key is neither an atom nor a binary.
func keyName(b []byte) (name []byte, n int) {
	if name, latin1, n, ok := splitAtom(b); ok {
		if latin1 && !isASCII(name) {
			return []byte(latin1ToUTF8(name)), n
		}
		return name, n
	}
	if data, n, ok := ReadBinary(b); ok {
		return data, n
	}
	return nil, Size(b)
}

type bitset []uint64

func (s bitset) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }
func (s bitset) add(i int)      { s[i/64] |= 1 << (i % 64) }

// asTuple fills p for a struct whose tag makes it a tuple.
func (s *structPlan) asTuple(p *plan) error {
	for i := range s.fields {
		if f := &s.fields[i]; f.omitempty || f.viaNil {
			return &TypeError{Type: s.typ, Path: "." + f.name, Problem: "is a tuple, which has all its elements: no omitempty, no embedded pointer"}
		}
	}
	p.expected = fmt.Sprintf("tuple of %d elements", len(s.fields))
	p.encodeAt = s.encodeTuple
	p.decodeAt = func(b []byte, q unsafe.Pointer, own bool) (int, error) {
		arity, i, tail, ok := readRow(b)
		if !ok || arity != len(s.fields) {
			return 0, mismatch(p.expected, b)
		}
		for at := range s.fields {
			f := &s.fields[at]
			n, err := f.plan.decodeAt(b[i:], f.place.made(q), own)
			if err != nil {
				return 0, inTerm(err, "."+f.name)
			}
			i += n
		}
		if tail > 0 && b[i] != tagNil {
			return 0, mismatch(p.expected, b)
		}
		return i + tail, nil
	}
	return nil
}

func (s *structPlan) encodeTuple(dst []byte, p unsafe.Pointer, at place) ([]byte, error) {
	if at.nesting++; at.nesting > maxNesting {
		return dst, tooDeep()
	}
	dst = AppendTuple(dst, len(s.fields))
	var err error
	for i := range s.fields {
		f := &s.fields[i]
		if dst, err = f.plan.encodeAt(dst, unsafe.Add(p, f.place.offset), at); err != nil {
			return dst, inValue(err, "."+f.name)
		}
	}
	return dst, nil
}
