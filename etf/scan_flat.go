package etf

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Most of what is sent is flat: the arguments of a call are a list of a few leaves, and maps have short keys and leaves
// for values. To make a scanner ready, to open frames in it and to note keys takes longer than to look at such terms. So they are tried
// first. Whatever else a term is, and whatever is wrong with it, is left to the scanner, which begins anew: no more than a few
// leaves and flat maps are looked at again for it.

// maxFlat is how many elements a flat list has at most, and maxFlatPairs a flat map.
const (
	maxFlat      = 8
	maxFlatPairs = 16
)

// flatList returns the length of the proper list of a few leaves and flat maps that b begins with.
func flatList(b []byte, maxDepth int) (n int, ok bool) {
	if len(b) < 6 || b[0] != tagList || maxDepth < 2 {
		return 0, false
	}
	count := binary.BigEndian.Uint32(b[1:])
	if count == 0 || count > maxFlat {
		return 0, false
	}
	i := 5
	for range count {
		n := 0
		if i < len(b) && b[i] == tagMap {
			n = flatMap(b[i:])
		} else if i < len(b) {
			n = flatLeaf(b[i:])
		}
		if n == 0 {
			return 0, false
		}
		i += n
	}
	if i >= len(b) || b[i] != tagNil {
		return 0, false
	}
	return i + 1, true
}

// flatMap returns the length of the map that b begins with, and else 0: a map of a few pairs whose keys are short and different, atoms or
// binaries in ASCII, and whose values are leaves.
//
// It is one loop without calls for what is most common, for a map takes no longer like that than some of the calls would. Keys are
// compared by a hash of their words, which need not be a good one: two that share it only have the scanner look at them.
func flatMap(b []byte) int {
	if len(b) < 5 {
		return 0
	}
	count := binary.BigEndian.Uint32(b[1:])
	if count > maxFlatPairs {
		return 0
	}
	var hashes [maxFlatPairs]uint64
	var seen uint64 // as in distinct
	i := 5
	for k := range int(count) {
		if len(b)-i < 5+8 {
			return 0 // words are read whole
		}
		var name int
		var size uint
		switch b[i] {
		case tagAtom, tagAtomUTF8:
			name, size = i+3, uint(b[i+1])<<8|uint(b[i+2])
		case tagSmallAtomUTF8, tagSmallAtom:
			name, size = i+2, uint(b[i+1])
		case tagBinary:
			name, size = i+5, uint(binary.BigEndian.Uint32(b[i+1:]))
		default:
			return 0
		}
		hash := binary.LittleEndian.Uint64(b[name:])
		switch {
		case size <= 8:
			hash &= 1<<(8*size) - 1
			if hash&highBits != 0 {
				return 0
			}
		case size <= 16 && int(size) <= len(b)-name:
			last := binary.LittleEndian.Uint64(b[name+int(size)-8:])
			if (hash|last)&highBits != 0 {
				return 0
			}
			hash ^= bits.RotateLeft64(last, 32)
		default:
			return 0
		}
		hash = (hash + uint64(size)) * goldenRatio
		if bit := uint64(1) << (hash >> 58); seen&bit == 0 {
			seen |= bit
		} else if slices.Contains(hashes[:k], hash) {
			return 0
		}
		hashes[k] = hash
		if i = name + int(size); i >= len(b) {
			return 0
		}
		if tag := b[i]; tag == tagSmallInteger {
			i += 2
		} else if tag == tagInteger {
			i += 5
		} else if n := flatLeaf(b[i:]); n > 0 {
			i += n
		} else {
			return 0
		}
		if i > len(b) {
			return 0
		}
	}
	return i
}

// goldenRatio is 2^64 by it: multiplied with it, numbers that are close differ in their highest bits.
const goldenRatio = 0x9e3779b97f4a7c15

// flatLeaf returns the length of the leaf that b, which is not empty, begins with, and 0 if it does not begin with one that is
// whole and valid.
func flatLeaf(b []byte) (n int) {
	switch tag := b[0]; {
	case tag == tagSmallInteger:
		n = 2
	case tag == tagInteger:
		n = 5
	case tag == tagBinary && len(b) >= 5:
		n = 5 + int(binary.BigEndian.Uint32(b[1:]))
	case tag == tagNewFloat && len(b) >= 9 && !(b[1]&0x7f == 0x7f && b[2] >= 0xf0):
		n = 9 // neither NaN nor infinite
	case containers[tag]:
		return 0
	default:
		if n = shortName(b); n > 0 {
			return n
		}
		var err error
		if n, err = leaf(b, 0); err != nil {
			return 0
		}
	}
	if n > len(b) {
		return 0
	}
	return n
}
