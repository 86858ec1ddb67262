package etf

import "reflect"

// mapping is the plan of a Go map.
func (c *compiler) mapping(p *plan, t reflect.Type) error {
	key, err := c.plan(t.Key())
	if err != nil {
		return inType(err, "[key]")
	}
	elem, err := c.plan(t.Elem())
	if err != nil {
		return inType(err, "[]")
	}
	p.expected = "map"
	p.encode = mapEncoder(t, key, elem)
	p.decode = mapDecoder(t, key, elem)
	return nil
}

func mapEncoder(t reflect.Type, key, elem *plan) encodeFunc {
	return func(dst []byte, v reflect.Value, at place) ([]byte, error) {
		if at.nesting++; at.nesting > maxNesting {
			return dst, tooDeep()
		}
		start, outer := len(dst), at.checked
		at.checked = at.checked || !key.distinct && v.Len() > 1
		dst = AppendMap(dst, v.Len())
		if v.Len() == 0 {
			return dst, nil
		}
		k, e := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		var err error
		for pairs := v.MapRange(); pairs.Next(); {
			k.SetIterKey(pairs)
			e.SetIterValue(pairs)
			if dst, err = key.encode(dst, k, at); err != nil {
				return dst, inValue(err, "["+keyText(k)+"]")
			}
			if dst, err = elem.encode(dst, e, at); err != nil {
				return dst, inValue(err, "["+keyText(k)+"]")
			}
		}
		return dst, checkKeys(dst[start:], at.checked && !outer)
	}
}

// keyText shows a key in a path.
func keyText(k reflect.Value) string {
	if dst, err := appendValue(nil, k, place{}); err == nil {
		return render(dst, 1)
	}
	return "a key of type " + k.Type().String()
}

func mapDecoder(t reflect.Type, key, elem *plan) decodeFunc {
	room := max(1, maxPrealloc/max(1, int(t.Key().Size()+t.Elem().Size())))
	return func(b []byte, v reflect.Value, own bool) (int, error) {
		pairs, i, ok := ReadMap(b)
		if !ok {
			return 0, mismatch("map", b)
		}
		m := reflect.MakeMapWithSize(t, min(pairs, room))
		k, e := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		for range pairs {
			start := i
			k.SetZero()
			n, err := key.decode(b[i:], k, own)
			if err != nil {
				return 0, inTerm(err, "["+render(b[start:], 1)+"]")
			}
			i += n
			if !k.Comparable() {
				return 0, mismatch("key that Go can compare", b[start:])
			}
			e.SetZero()
			if n, err = elem.decode(b[i:], e, own); err != nil {
				return 0, inTerm(err, "["+render(b[start:], 1)+"]")
			}
			i += n
			m.SetMapIndex(k, e)
		}
		if m.Len() != pairs {
			return 0, &UnmarshalError{Expected: "keys that differ as " + t.Key().String(), Got: describe(b)}
		}
		v.Set(m)
		return i, nil
	}
}
