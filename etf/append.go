package etf

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"slices"
)

// AppendTuple appends the header of a tuple; its arity elements follow.
func AppendTuple(dst []byte, arity int) []byte {
	if arity < 256 {
		return append(dst, tagSmallTuple, byte(arity))
	}
	return appendSized(dst, tagLargeTuple, arity)
}

// AppendList appends the header of a list of n elements; the elements and AppendNil follow. For n = 0 it appends
// nothing, so that AppendNil alone makes the empty list.
func AppendList(dst []byte, n int) []byte {
	if n == 0 {
		return dst
	}
	return appendSized(dst, tagList, n)
}

// AppendNil appends the empty list, which is also the tail that closes a proper list.
func AppendNil(dst []byte) []byte { return append(dst, tagNil) }

// AppendMap appends the header of a map; a key and a value for each of its pairs follow. The keys must differ.
func AppendMap(dst []byte, pairs int) []byte { return appendSized(dst, tagMap, pairs) }

// AppendAtom appends an atom. The name must be UTF-8 of at most 255 characters.
func AppendAtom(dst []byte, name string) []byte {
	if len(name) < 256 {
		dst = append(dst, tagSmallAtomUTF8, byte(len(name)))
	} else {
		dst = append(dst, tagAtomUTF8, byte(len(name)>>8), byte(len(name)))
	}
	return append(dst, name...)
}

// AppendBool appends the atom true or false.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return AppendAtom(dst, "true")
	}
	return AppendAtom(dst, "false")
}

// AppendString appends s as a binary, whatever its bytes.
func AppendString(dst []byte, s string) []byte {
	return append(appendSized(dst, tagBinary, len(s)), s...)
}

// AppendBytes appends b as a binary.
func AppendBytes(dst []byte, b []byte) []byte {
	return append(appendSized(dst, tagBinary, len(b)), b...)
}

// AppendInt appends an integer in the form OTP itself would choose.
func AppendInt(dst []byte, v int64) []byte {
	if v < math.MinInt32 || v > math.MaxInt32 {
		return appendWide(dst, uint64(max(v, -v)), v < 0)
	}
	if v >= 0 && v < 256 {
		return append(dst, tagSmallInteger, byte(v))
	}
	return binary.BigEndian.AppendUint32(append(dst, tagInteger), uint32(v))
}

// AppendUint appends an integer in the form OTP itself would choose.
func AppendUint(dst []byte, v uint64) []byte {
	if v <= math.MaxInt32 {
		return AppendInt(dst, int64(v))
	}
	return appendWide(dst, v, false)
}

// appendWide appends an integer that does not fit 32 bits. The magnitude of the smallest int64 arrives as 1<<63,
// which is what its negation wraps to.
func appendWide(dst []byte, magnitude uint64, negative bool) []byte {
	n := (bits.Len64(magnitude) + 7) / 8
	dst = append(dst, tagSmallBig, byte(n), signByte(negative))
	var little [8]byte
	binary.LittleEndian.PutUint64(little[:], magnitude)
	return append(dst, little[:n]...)
}

// AppendBig appends an integer of any size that OTP reads: a magnitude of at most 4,194,296 bytes. A larger one is an
// error, and dst comes back as it was. The time is linear in the size.
func AppendBig(dst []byte, v *big.Int) ([]byte, error) {
	if v.IsInt64() {
		return AppendInt(dst, v.Int64()), nil
	}
	n := (v.BitLen() + 7) / 8
	switch {
	case n > maxBigBytes:
		return dst, fmt.Errorf("etf: an integer has %d bytes, expected at most %d", n, maxBigBytes)
	case n < 256:
		dst = append(dst, tagSmallBig, byte(n))
	default:
		dst = appendSized(dst, tagLargeBig, n)
	}
	dst = append(dst, signByte(v.Sign() < 0))
	dst = append(dst, make([]byte, n)...)
	slices.Reverse(v.FillBytes(dst[len(dst)-n:]))
	return dst, nil
}

func signByte(negative bool) byte {
	if negative {
		return 1
	}
	return 0
}

// AppendFloat appends a float. NaN and the infinities have no encoding: they are an error, and dst comes back as it was.
func AppendFloat(dst []byte, v float64) ([]byte, error) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return dst, fmt.Errorf("etf: %v has no encoding, expected a finite float", v)
	}
	return binary.BigEndian.AppendUint64(append(dst, tagNewFloat), math.Float64bits(v)), nil
}

func appendSized(dst []byte, tag byte, n int) []byte {
	return append(dst, tag, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}
