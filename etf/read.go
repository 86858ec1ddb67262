package etf

import (
	"encoding/binary"
	"math"
)

// The Read functions look at the first term of b, which must hold bytes that Scan has passed (or at least one byte:
// what is cut short is then not ok). n is the length of what they read: of the header for containers, of the whole
// term for the rest. ok is false, and nothing is read, when the term is of another kind.

// ReadTuple reads the header of a tuple.
func ReadTuple(b []byte) (arity, n int, ok bool) {
	switch {
	case len(b) >= 2 && b[0] == tagSmallTuple:
		return int(b[1]), 2, true
	case len(b) >= 5 && b[0] == tagLargeTuple:
		return int(binary.BigEndian.Uint32(b[1:])), 5, true
	}
	return 0, 0, false
}

// ReadList reads the header of a list, or the empty list, whose length is 0. The tail of a non-empty list follows its
// elements and need not be the empty list. A STRING_EXT is not ok; SplitList reads that too.
func ReadList(b []byte) (length, n int, ok bool) {
	n = emptyLists(b)
	switch {
	case len(b)-n >= 1 && b[n] == tagNil:
		return 0, n + 1, true
	case len(b)-n >= 5 && b[n] == tagList:
		return int(binary.BigEndian.Uint32(b[n+1:])), n + 5, true
	}
	return 0, 0, false
}

// ReadMap reads the header of a map.
func ReadMap(b []byte) (pairs, n int, ok bool) {
	if len(b) >= 5 && b[0] == tagMap {
		return int(binary.BigEndian.Uint32(b[1:])), 5, true
	}
	return 0, 0, false
}

// ReadAtom reads an atom in any of its encodings. The name never aliases b; names seen lately come from a cache and
// cost no allocation.
func ReadAtom(b []byte) (name string, n int, ok bool) {
	atom, n, ok := readAtom(b)
	return atom.name, n, ok
}

func readAtom(b []byte) (atom cachedAtom, n int, ok bool) {
	text, latin1, n, ok := splitAtom(b)
	if !ok {
		return cachedAtom{}, 0, false
	}
	if latin1 && !isASCII(text) {
		return newCachedAtom(latin1ToUTF8(text)), n, true
	}
	return atoms.intern(text), n, true
}

// splitAtom returns the bytes of an atom's name, and whether they are Latin-1.
func splitAtom(b []byte) (text []byte, latin1 bool, n int, ok bool) {
	if len(b) < 2 {
		return nil, false, 0, false
	}
	header, size := 2, int(b[1])
	switch b[0] {
	case tagSmallAtomUTF8:
	case tagSmallAtom:
		latin1 = true
	case tagAtom, tagAtomUTF8:
		if len(b) < 3 {
			return nil, false, 0, false
		}
		header, size, latin1 = 3, int(binary.BigEndian.Uint16(b[1:])), b[0] == tagAtom
	default:
		return nil, false, 0, false
	}
	if n = header + size; len(b) < n {
		return nil, false, 0, false
	}
	return b[header:n], latin1, n, true
}

// ReadBinary reads a binary; data aliases b.
func ReadBinary(b []byte) (data []byte, n int, ok bool) {
	if len(b) < 5 || b[0] != tagBinary {
		return nil, 0, false
	}
	size := binary.BigEndian.Uint32(b[1:])
	if uint64(size) > uint64(len(b)-5) {
		return nil, 0, false
	}
	n = 5 + int(size)
	return b[5:n:n], n, true
}

// ReadInt reads an integer that fits an int64, in any of its encodings.
func ReadInt(b []byte) (v int64, n int, ok bool) {
	if len(b) >= 2 && b[0] == tagSmallInteger {
		return int64(b[1]), 2, true
	}
	return readWide(b)
}

func readWide(b []byte) (v int64, n int, ok bool) {
	switch {
	case len(b) >= 5 && b[0] == tagInteger:
		return int64(int32(binary.BigEndian.Uint32(b[1:]))), 5, true
	case len(b) >= 3 && b[0] == tagSmallBig, len(b) >= 6 && b[0] == tagLargeBig:
		magnitude, negative, n := splitBig(b)
		if v, ok = smallMagnitude(magnitude, negative); ok && n > 0 {
			return v, n, true
		}
	}
	return 0, 0, false
}

// readFloat reads a scanned float in either encoding.
func readFloat(b []byte) (v float64, n int, ok bool) {
	switch b[0] {
	case tagNewFloat:
		return math.Float64frombits(binary.BigEndian.Uint64(b[1:])), 9, true
	case tagFloat:
		v, ok = parseFloatText(b[1 : 1+floatText])
		return v, 1 + floatText, ok
	}
	return 0, 0, false
}
