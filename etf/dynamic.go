package etf

import "reflect"

// An Atom is an atom other than true, false and nil, which are Go's own. It is UTF-8, of at most 255 characters.
type Atom string

// A Tuple is a tuple of any size.
type Tuple []any

// A Pair is one association of a Map.
type Pair struct{ Key, Value any }

// A Map is a map with keys of any kind, in the order they have on the wire.
type Map []Pair

// Get returns the value of the first pair whose key equals key, as reflect.DeepEqual has it: an integer key is an
// int64 here.
func (m Map) Get(key any) (any, bool) {
	for i := range m {
		if sameKey(m[i].Key, key) {
			return m[i].Value, true
		}
	}
	return nil, false
}

// sameKey spares the usual keys the cost of reflection.
func sameKey(a, b any) bool {
	switch a := a.(type) {
	case Atom:
		b, ok := b.(Atom)
		return ok && a == b
	case string:
		b, ok := b.(string)
		return ok && a == b
	case int64:
		b, ok := b.(int64)
		return ok && a == b
	}
	return reflect.DeepEqual(a, b)
}

// An ImproperList is a list whose last tail is not the empty list. It has at least one element.
type ImproperList struct {
	Elements []any
	Tail     any
}

// Raw is one encoded term without the version byte. Where a value is decoded into a Raw, nothing of that term is
// decoded; where a Raw is encoded, its bytes are scanned and copied.
type Raw []byte
