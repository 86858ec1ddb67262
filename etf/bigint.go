package etf

import (
	"encoding/binary"
	"math"
	"math/big"
	"slices"
)

// trimMagnitude drops the leading zeros, which a little-endian magnitude has at its end.
func trimMagnitude(magnitude []byte) []byte {
	for len(magnitude) > 0 && magnitude[len(magnitude)-1] == 0 {
		magnitude = magnitude[:len(magnitude)-1]
	}
	return magnitude
}

// smallMagnitude is the int64 of a sign and a trimmed little-endian magnitude; ok is false when it does not fit.
func smallMagnitude(magnitude []byte, negative bool) (v int64, ok bool) {
	if len(magnitude) > 8 {
		return 0, false
	}
	var little [8]byte
	copy(little[:], magnitude)
	u := binary.LittleEndian.Uint64(little[:])
	if negative {
		return -int64(u), u <= 1<<63
	}
	return int64(u), u <= math.MaxInt64
}

// bigMagnitude makes an integer of a sign and a little-endian magnitude. It is linear: SetBytes reads binary digits.
func bigMagnitude(magnitude []byte, negative bool) *big.Int {
	digits := slices.Clone(magnitude)
	slices.Reverse(digits)
	v := new(big.Int).SetBytes(digits)
	if negative {
		v.Neg(v)
	}
	return v
}

// splitBig returns the parts of the SMALL_BIG_EXT or LARGE_BIG_EXT at the start of b, the magnitude trimmed, and its
// length. n is 0 when it is cut short.
func splitBig(b []byte) (magnitude []byte, negative bool, n int) {
	if len(b) < 3 || b[0] == tagLargeBig && len(b) < 6 {
		return nil, false, 0
	}
	header, size := 3, int(b[1])
	if b[0] == tagLargeBig {
		header, size = 6, int(binary.BigEndian.Uint32(b[1:]))
	}
	if n = header + size; len(b) < n {
		return nil, false, 0
	}
	return trimMagnitude(b[header:n]), b[header-1] != 0, n
}
