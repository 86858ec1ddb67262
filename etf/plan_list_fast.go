package etf

import "reflect"

// The commonest lists are encoded and decoded without reflection on their elements.

var (
	fastListEncoders = map[reflect.Type]encodeFunc{
		reflect.TypeFor[[]int]():     encodeFast(func(dst []byte, v int) ([]byte, error) { return AppendInt(dst, int64(v)), nil }),
		reflect.TypeFor[[]int64]():   encodeFast(func(dst []byte, v int64) ([]byte, error) { return AppendInt(dst, v), nil }),
		reflect.TypeFor[[]float64](): encodeFast(appendFloat),
		reflect.TypeFor[[]string]():  encodeFast(func(dst []byte, v string) ([]byte, error) { return AppendString(dst, v), nil }),
	}
	fastListDecoders = map[reflect.Type]decodeFunc{
		reflect.TypeFor[[]int](): decodeFast(func(b []byte) (int, int, bool) {
			v, n, ok := ReadInt(b)
			return int(v), n, ok && int64(int(v)) == v
		}, "integer"),
		reflect.TypeFor[[]int64]():   decodeFast(ReadInt, "integer"),
		reflect.TypeFor[[]float64](): decodeFast(readNumber, "float"),
		reflect.TypeFor[[]string](): decodeFast(func(b []byte) (string, int, bool) {
			data, n, ok := ReadBinary(b)
			return string(data), n, ok
		}, "binary"),
	}
)

func encodeFast[T any](encode func([]byte, T) ([]byte, error)) encodeFunc {
	return func(dst []byte, v reflect.Value, at place) ([]byte, error) {
		if at.nesting++; at.nesting > maxNesting {
			return dst, tooDeep()
		}
		list, _ := reflect.TypeAssert[[]T](v)
		dst = AppendList(dst, len(list))
		var err error
		for i, x := range list {
			if dst, err = encode(dst, x); err != nil {
				return dst, inValue(err, indexStep(i))
			}
		}
		return AppendNil(dst), nil
	}
}

func decodeFast[T any](read func([]byte) (T, int, bool), expected string) decodeFunc {
	room := maxPrealloc / int(reflect.TypeFor[T]().Size())
	return func(b []byte, v reflect.Value, _ bool) (int, error) {
		items, ok := openList(b)
		if !ok {
			return 0, mismatch("list", b)
		}
		list := []T{}
		for items.more() {
			if len(list) == cap(list) {
				list = append(make([]T, 0, len(list)+min(items.left, max(room, len(list)))), list...)
			}
			term := items.term()
			x, n, ok := read(term)
			if !ok {
				return 0, inTerm(fastMismatch(expected, term), indexStep(len(list)))
			}
			list = append(list, x)
			items.advance(n)
		}
		*v.Addr().Interface().(*[]T) = list
		return items.read, properEnd(&items, b)
	}
}

func fastMismatch(expected string, term []byte) error {
	if expected == "integer" {
		return notInteger(expected, term)
	}
	return mismatch(expected, term)
}
