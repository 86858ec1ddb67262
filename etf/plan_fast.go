package etf

import (
	"reflect"
	"unsafe"
)

// The commonest lists and maps are encoded and decoded without reflection on what is in them.

// A scalar is how a type of fixed form is encoded and decoded; read reports false for what does not fit.
type scalar[T any] struct {
	append func(dst []byte, v T) ([]byte, error)
	read   func(b []byte) (v T, n int, ok bool)
	// readMany appends the usual forms that b begins with, up to the capacity of list, and returns their length.
	readMany func(b []byte, list []T) (longer []T, n int)
	expected string
}

var (
	intScalar = scalar[int]{
		append: func(dst []byte, v int) ([]byte, error) { return AppendInt(dst, int64(v)), nil },
		read: func(b []byte) (int, int, bool) {
			v, n, ok := ReadInt(b)
			return int(v), n, ok && int64(int(v)) == v
		},
		readMany: readIntegers[int],
		expected: "integer",
	}
	int64Scalar = scalar[int64]{
		append:   func(dst []byte, v int64) ([]byte, error) { return AppendInt(dst, v), nil },
		read:     ReadInt,
		readMany: readIntegers[int64],
		expected: "integer",
	}
	floatScalar  = scalar[float64]{append: appendFloat, read: readNumber, readMany: readFloats, expected: "float"}
	stringScalar = scalar[string]{
		append: func(dst []byte, v string) ([]byte, error) { return AppendString(dst, v), nil },
		read: func(b []byte) (string, int, bool) {
			data, n, ok := ReadBinary(b)
			return string(data), n, ok
		},
		readMany: readTexts,
		expected: "binary",
	}

	fastPlans = map[reflect.Type]func(*plan){
		reflect.TypeFor[[]int]():              intScalar.list,
		reflect.TypeFor[[]int64]():            int64Scalar.list,
		reflect.TypeFor[[]float64]():          floatScalar.list,
		reflect.TypeFor[[]string]():           stringScalar.list,
		reflect.TypeFor[map[string]int]():     intScalar.mapping,
		reflect.TypeFor[map[string]int64]():   int64Scalar.mapping,
		reflect.TypeFor[map[string]float64](): floatScalar.mapping,
		reflect.TypeFor[map[string]string]():  stringScalar.mapping,
	}
)

// A map of any leads back to the plans of every type, and so cannot stand in the table above.
func init() { fastPlans[reflect.TypeFor[map[string]any]()] = anyMapping }

// list fills p for []T.
func (s scalar[T]) list(p *plan) {
	p.expected = "list"
	p.encodeAt = func(dst []byte, q unsafe.Pointer, at place) ([]byte, error) {
		if at.nesting++; at.nesting > maxNesting {
			return dst, tooDeep()
		}
		list := *(*[]T)(q)
		dst = AppendList(dst, len(list))
		var err error
		for i, x := range list {
			if dst, err = s.append(dst, x); err != nil {
				return dst, inValue(err, indexStep(i))
			}
		}
		return AppendNil(dst), nil
	}
	p.decodeAt = s.decodeList
}

func (s scalar[T]) decodeList(b []byte, q unsafe.Pointer, _ bool) (int, error) {
	items, ok := openList(b)
	if !ok {
		return 0, mismatch("list", b)
	}
	room := maxPrealloc / int(reflect.TypeFor[T]().Size())
	list := []T{}
	for items.more() {
		if len(list) == cap(list) {
			list = append(make([]T, 0, len(list)+min(items.left, max(room, len(list)))), list...)
		}
		if !items.text {
			before, n := len(list), 0
			if list, n = s.readMany(items.rest, list); n > 0 {
				items.advanceMany(len(list)-before, n)
				continue
			}
		}
		term := items.term()
		x, n, ok := s.read(term)
		if !ok {
			return 0, inTerm(s.mismatch(term), indexStep(len(list)))
		}
		list = append(list, x)
		items.advance(n)
	}
	*(*[]T)(q) = list
	return items.read, properEnd(&items, b)
}

func (s scalar[T]) mismatch(term []byte) error {
	if s.expected == "integer" {
		return notInteger(s.expected, term)
	}
	return mismatch(s.expected, term)
}

// mapping fills p for map[string]T.
func (s scalar[T]) mapping(p *plan) {
	p.expected = "map"
	p.encodeAt = func(dst []byte, q unsafe.Pointer, at place) ([]byte, error) {
		m := *(*map[string]T)(q)
		if at.nesting++; at.nesting > maxNesting {
			return dst, tooDeep()
		}
		dst = AppendMap(dst, len(m))
		var err error
		for k, x := range m {
			if dst, err = s.append(AppendString(dst, k), x); err != nil {
				return dst, inValue(err, keyStep(k))
			}
		}
		return dst, nil
	}
	p.decodeAt = s.decodeMap
}

func (s scalar[T]) decodeMap(b []byte, q unsafe.Pointer, _ bool) (int, error) {
	pairs, i, ok := ReadMap(b)
	if !ok {
		return 0, mismatch("map", b)
	}
	m := make(map[string]T, min(pairs, maxPrealloc/64))
	for range pairs {
		key, n, ok := ReadBinary(b[i:])
		if !ok {
			return 0, inTerm(mismatch("binary", b[i:]), "["+render(b[i:], 1)+"]")
		}
		i += n
		x, n, ok := s.read(b[i:])
		if !ok {
			return 0, inTerm(s.mismatch(b[i:]), keyStep(string(key)))
		}
		i += n
		m[string(key)] = x
	}
	*(*map[string]T)(q) = m
	return i, nil
}

// anyMapping fills p for map[string]any, whose values may be of any type and depth.
func anyMapping(p *plan) {
	values := scalar[any]{read: func(b []byte) (any, int, bool) {
		v, n := decodeAny(b)
		return v, n, true
	}}
	p.expected = "map"
	p.encodeAt = func(dst []byte, q unsafe.Pointer, at place) ([]byte, error) {
		return appendStringMap(dst, *(*map[string]any)(q), at)
	}
	p.decodeAt = values.decodeMap
}
