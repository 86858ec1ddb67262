package etf

import (
	"bytes"
	"encoding/binary"
)

// decodeAny decodes the first term of b, which must have been scanned, into the dynamic types: what it returns shares
// no memory with b. n is the length of the term. It recurses, no deeper than the scan allowed.
func decodeAny(b []byte) (v any, n int) {
	switch b[0] {
	case tagSmallInteger:
		return int64(b[1]), 2
	case tagInteger:
		return int64(int32(binary.BigEndian.Uint32(b[1:]))), 5
	case tagSmallAtomUTF8, tagAtomUTF8, tagSmallAtom, tagAtom:
		atom, n, _ := readAtom(b)
		return atom.value, n
	case tagBinary:
		data, n, _ := ReadBinary(b)
		return string(data), n
	case tagNewFloat, tagFloat:
		v, n, _ := readFloat(b)
		return v, n
	case tagSmallTuple, tagLargeTuple:
		arity, at, _ := ReadTuple(b)
		tuple := make(Tuple, arity)
		n := anyElements(b[at:], tuple)
		return tuple, at + n
	case tagNil, tagString, tagList:
		return anyList(b)
	case tagMap:
		return anyMap(b)
	case tagSmallBig, tagLargeBig:
		if v, n, ok := ReadInt(b); ok {
			return v, n
		}
		magnitude, negative, n := splitBig(b)
		return bigMagnitude(magnitude, negative), n
	case tagBitBinary:
		data, used, n := splitBitstring(b)
		if used == 0 || used == 8 {
			return string(data), n
		}
		data = bytes.Clone(data)
		data[len(data)-1] &= 0xff << (8 - used)
		return Bitstring{Bytes: data, Bits: used}, n
	}
	return anyOpaque(b)
}

// atomValue gives the atoms that are values of Go itself.
func atomValue(name string) any {
	switch name {
	case "true":
		return true
	case "false":
		return false
	case "nil":
		return nil
	}
	return Atom(name)
}

func anyOpaque(b []byte) (any, int) {
	n := Size(b)
	term := string(b[:n])
	switch b[0] {
	case tagNewPid, tagPid:
		return Pid{term}, n
	case tagV4Port, tagNewPort, tagPort:
		return Port{term}, n
	case tagNewFun, tagExport:
		return Fun{term}, n
	}
	return Ref{term}, n
}

// anyElements fills values with the terms of b, and returns their length.
func anyElements(b []byte, values []any) int {
	at := 0
	for i := range values {
		v, n := decodeAny(b[at:])
		values[i] = v
		at += n
	}
	return at
}

func anyMap(b []byte) (Map, int) {
	pairs, at, _ := ReadMap(b)
	m := make(Map, pairs)
	for i := range m {
		key, n := decodeAny(b[at:])
		at += n
		value, n := decodeAny(b[at:])
		at += n
		m[i] = Pair{key, value}
	}
	return m, at
}

// anyList decodes a list in any of its forms. A tail that is again a list continues it, without recursion, and a
// list header without elements stands for its tail, which need not be a list.
func anyList(b []byte) (v any, n int) {
	list := []any{}
	at := 0
	for {
		switch b[at] {
		case tagNil:
			return list, at + 1
		case tagString:
			size := int(binary.BigEndian.Uint16(b[at+1:]))
			at += 3
			for _, c := range b[at : at+size] {
				list = append(list, int64(c))
			}
			return list, at + size
		case tagList:
			length := int(binary.BigEndian.Uint32(b[at+1:]))
			at += 5
			list = append(list, make([]any, length)...)
			at += anyElements(b[at:], list[len(list)-length:])
		default:
			tail, n := decodeAny(b[at:])
			if at += n; len(list) == 0 {
				return tail, at
			}
			return ImproperList{Elements: list, Tail: tail}, at
		}
	}
}
