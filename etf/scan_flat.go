package etf

import "encoding/binary"

// maxFlat is how many elements a flat list has at most.
const maxFlat = 8

// flatList returns the length of the proper list of a few leaves that b begins with: the arguments of most calls are
// one, and to make a scanner ready takes longer than to look at them. Whatever else b begins with, and whatever is wrong
// with it, is left to the scanner.
func flatList(b []byte) (n int, ok bool) {
	if len(b) < 6 || b[0] != tagList {
		return 0, false
	}
	count := binary.BigEndian.Uint32(b[1:])
	if count == 0 || count > maxFlat {
		return 0, false
	}
	i := 5
	for range count {
		if i >= len(b) || containers[b[i]] {
			return 0, false
		}
		n, err := leaf(b, i)
		if err != nil {
			return 0, false
		}
		i += n
	}
	if i >= len(b) || b[i] != tagNil {
		return 0, false
	}
	return i + 1, true
}
