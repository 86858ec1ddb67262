package etf

import (
	"encoding/binary"
	"fmt"
)

// Size returns the length of the first term of scanned, which must hold bytes that Scan has passed.
func Size(scanned []byte) int {
	i := 0
	for pending := 1; pending > 0; pending-- {
		n, inside := step(scanned[i:])
		i += n
		pending += inside
	}
	return i
}

// step returns the length of a scanned term, or of a container's header, and how many terms follow in the container.
func step(b []byte) (n, inside int) {
	switch b[0] {
	case tagSmallInteger:
		return 2, 0
	case tagInteger:
		return 5, 0
	case tagNil:
		return 1, 0
	case tagSmallAtomUTF8, tagSmallAtom:
		return 2 + int(b[1]), 0
	case tagAtomUTF8, tagAtom, tagString:
		return 3 + int(binary.BigEndian.Uint16(b[1:])), 0
	case tagBinary:
		return 5 + int(binary.BigEndian.Uint32(b[1:])), 0
	case tagNewFloat:
		return 9, 0
	case tagFloat:
		return 1 + floatText, 0
	case tagSmallTuple:
		return 2, int(b[1])
	case tagLargeTuple:
		return 5, int(binary.BigEndian.Uint32(b[1:]))
	case tagList:
		return 5, int(binary.BigEndian.Uint32(b[1:])) + 1
	case tagMap:
		return 5, 2 * int(binary.BigEndian.Uint32(b[1:]))
	case tagSmallBig:
		return 3 + int(b[1]), 0
	case tagLargeBig, tagBitBinary:
		return 6 + int(binary.BigEndian.Uint32(b[1:])), 0
	case tagNewFun:
		n, free, _ := funHeader(b, 0)
		return n, free
	case tagExport:
		n, _ := exportLeaf(b, 0)
		return n, 0
	}
	return splitIdentifier(b).n, 0
}

// SplitList appends the elements of a proper list to dst. They alias list, except those of a STRING_EXT, which are made
// into integers. The list must have been scanned. Anything but a proper list is an error, with dst as it was.
func SplitList(list Raw, dst []Raw) ([]Raw, error) {
	out, b := dst, []byte(list)
	for {
		b = b[emptyLists(b):]
		if len(b) == 0 {
			return dst, fmt.Errorf("etf: no bytes, expected a list")
		}
		switch b[0] {
		case tagNil:
			return out, nil
		case tagString:
			return splitString(b, out), nil
		case tagList:
		default:
			if len(out) > len(dst) {
				return dst, fmt.Errorf("etf: the list ends in %s, expected a proper list", termName(b[0]))
			}
			return dst, fmt.Errorf("etf: %s, expected a list", termName(b[0]))
		}
		length := int(binary.BigEndian.Uint32(b[1:]))
		b = b[5:]
		for range length {
			n := Size(b)
			out = append(out, Raw(b[:n:n]))
			b = b[n:]
		}
	}
}

func splitString(b []byte, dst []Raw) []Raw {
	chars := b[3 : 3+int(binary.BigEndian.Uint16(b[1:]))]
	encoded := make([]byte, 0, 2*len(chars))
	for i, c := range chars {
		encoded = append(encoded, tagSmallInteger, c)
		dst = append(dst, Raw(encoded[2*i:2*i+2:2*i+2]))
	}
	return dst
}
