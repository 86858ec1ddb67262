package etf

import (
	"encoding/binary"
	"math"
)

// These read runs of list elements of the usual forms: what they stop at, unusual or wrong, is read one by one. The
// elements have been scanned, and the list has room for no more of them than there are.

func readIntegers[T int | int64](b []byte, list []T) ([]T, int) {
	i := 0
	for len(list) < cap(list) {
		switch b[i] {
		case tagSmallInteger:
			list = append(list, T(b[i+1]))
			i += 2
		case tagInteger:
			list = append(list, T(int32(binary.BigEndian.Uint32(b[i+1:]))))
			i += 5
		default:
			return list, i
		}
	}
	return list, i
}

func readFloats(b []byte, list []float64) ([]float64, int) {
	i := 0
	for len(list) < cap(list) && b[i] == tagNewFloat {
		list = append(list, math.Float64frombits(binary.BigEndian.Uint64(b[i+1:])))
		i += 9
	}
	return list, i
}

// maxBlock bounds the bytes that the strings of a list share: one that is kept holds on to no more than that.
const maxBlock = 512

// readTexts makes one string of several short binaries with their headers, and cuts the texts out of that: most of the
// time that many short strings take is their allocation.
func readTexts(b []byte, list []string) ([]string, int) {
	i, count := 0, 0
	for count < cap(list)-len(list) && b[i] == tagBinary {
		n := 5 + int(binary.BigEndian.Uint32(b[i+1:]))
		if i+n > maxBlock {
			break
		}
		i += n
		count++
	}
	block := string(b[:i])
	for at := 0; at < i; {
		start := at + 5
		at = start + int(binary.BigEndian.Uint32(b[at+1:]))
		list = append(list, block[start:at])
	}
	return list, i
}
