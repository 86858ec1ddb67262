package etf

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"unsafe"
)

func boolPlan(p *plan) {
	p.expected, p.distinct = "boolean", true
	p.encodeAt = func(dst []byte, q unsafe.Pointer, _ place) ([]byte, error) {
		return AppendBool(dst, *(*bool)(q)), nil
	}
	p.decodeAt = func(b []byte, q unsafe.Pointer, _ bool) (int, error) {
		x, n, ok := readBool(b)
		if !ok {
			return 0, mismatch("boolean", b)
		}
		*(*bool)(q) = x
		return n, nil
	}
}

func readBool(b []byte) (v bool, n int, ok bool) {
	name, _, n, ok := splitAtom(b)
	return string(name) == "true", n, ok && (string(name) == "true" || string(name) == "false")
}

func intPlan(p *plan, t reflect.Type) {
	switch t.Kind() {
	case reflect.Int8:
		sizedInt[int8](p, t.Bits())
	case reflect.Int16:
		sizedInt[int16](p, t.Bits())
	case reflect.Int32:
		sizedInt[int32](p, t.Bits())
	case reflect.Int64:
		sizedInt[int64](p, t.Bits())
	default:
		sizedInt[int](p, t.Bits())
	}
}

func sizedInt[T int | int8 | int16 | int32 | int64](p *plan, size int) {
	expected := "integer"
	if size < 64 {
		expected = fmt.Sprintf("integer in %d..%d", -1<<(size-1), 1<<(size-1)-1)
	}
	p.expected, p.distinct = expected, true
	p.encodeAt = func(dst []byte, q unsafe.Pointer, _ place) ([]byte, error) {
		return AppendInt(dst, int64(*(*T)(q))), nil
	}
	p.decodeAt = func(b []byte, q unsafe.Pointer, _ bool) (int, error) {
		x, n, ok := ReadInt(b)
		if !ok || int64(T(x)) != x {
			return 0, notInteger(expected, b)
		}
		*(*T)(q) = T(x)
		return n, nil
	}
}

func uintPlan(p *plan, t reflect.Type) {
	switch t.Kind() {
	case reflect.Uint8:
		sizedUint[uint8](p, t.Bits())
	case reflect.Uint16:
		sizedUint[uint16](p, t.Bits())
	case reflect.Uint32:
		sizedUint[uint32](p, t.Bits())
	case reflect.Uint64:
		sizedUint[uint64](p, t.Bits())
	case reflect.Uintptr:
		sizedUint[uintptr](p, t.Bits())
	default:
		sizedUint[uint](p, t.Bits())
	}
}

func sizedUint[T uint | uint8 | uint16 | uint32 | uint64 | uintptr](p *plan, size int) {
	expected := fmt.Sprintf("integer in 0..%d", uint64(math.MaxUint64)>>(64-size))
	p.expected, p.distinct = expected, true
	p.encodeAt = func(dst []byte, q unsafe.Pointer, _ place) ([]byte, error) {
		return AppendUint(dst, uint64(*(*T)(q))), nil
	}
	p.decodeAt = func(b []byte, q unsafe.Pointer, _ bool) (int, error) {
		x, n, ok := readUint(b)
		if !ok || uint64(T(x)) != x {
			return 0, notInteger(expected, b)
		}
		*(*T)(q) = T(x)
		return n, nil
	}
}

// notInteger names the range only where an integer is outside of it.
func notInteger(expected string, b []byte) error {
	if !isInteger(b) {
		return mismatch("integer", b)
	}
	if expected == "integer" {
		expected = "integer of 64 bits"
	}
	return mismatch(expected, b)
}

func isInteger(b []byte) bool {
	switch b[0] {
	case tagSmallInteger, tagInteger, tagSmallBig, tagLargeBig:
		return true
	}
	return false
}

// readUint reads an integer that fits a uint64, in any of its encodings.
func readUint(b []byte) (v uint64, n int, ok bool) {
	if b[0] != tagSmallBig && b[0] != tagLargeBig {
		x, n, ok := ReadInt(b)
		return uint64(x), n, ok && x >= 0
	}
	magnitude, negative, n := splitBig(b)
	if len(magnitude) > 8 || negative && len(magnitude) > 0 {
		return 0, n, false
	}
	var little [8]byte
	copy(little[:], magnitude)
	return binary.LittleEndian.Uint64(little[:]), n, true
}

func floatPlan(p *plan, t reflect.Type) {
	p.expected, p.distinct = "float", true
	if t.Kind() == reflect.Float32 {
		p.encodeAt = func(dst []byte, q unsafe.Pointer, _ place) ([]byte, error) {
			return appendFloat(dst, float64(*(*float32)(q)))
		}
		p.decodeAt = decodeFloat32
		return
	}
	p.encodeAt = func(dst []byte, q unsafe.Pointer, _ place) ([]byte, error) {
		return appendFloat(dst, *(*float64)(q))
	}
	p.decodeAt = func(b []byte, q unsafe.Pointer, _ bool) (int, error) {
		x, n, ok := readNumber(b)
		if !ok {
			return 0, mismatch("float", b)
		}
		*(*float64)(q) = x
		return n, nil
	}
}

func decodeFloat32(b []byte, q unsafe.Pointer, _ bool) (int, error) {
	x, n, ok := readNumber(b)
	if !ok {
		return 0, mismatch("float", b)
	}
	if reflect.Zero(reflect.TypeFor[float32]()).OverflowFloat(x) {
		return 0, mismatch("float of 32 bits", b)
	}
	*(*float32)(q) = float32(x)
	return n, nil
}

func appendFloat(dst []byte, v float64) ([]byte, error) {
	dst, err := AppendFloat(dst, v)
	if err != nil {
		return dst, &MarshalError{Problem: fmt.Sprintf("%v has no encoding, expected a finite float", v)}
	}
	return dst, nil
}

// readNumber reads a float, or an integer as the nearest float. An integer beyond the largest float is not ok.
func readNumber(b []byte) (v float64, n int, ok bool) {
	if v, n, ok = readFloat(b); ok {
		return v, n, true
	}
	if i, n, ok := ReadInt(b); ok {
		return float64(i), n, true
	}
	if !isInteger(b) {
		return 0, 0, false
	}
	magnitude, negative, n := splitBig(b)
	if len(magnitude) > 128 { // 2^1024 is past the largest float
		return 0, n, false
	}
	v, _ = new(big.Float).SetInt(bigMagnitude(magnitude, negative)).Float64()
	return v, n, !math.IsInf(v, 0)
}

func stringPlan(p *plan) {
	p.expected, p.distinct = "binary", true
	p.encodeAt = func(dst []byte, q unsafe.Pointer, _ place) ([]byte, error) {
		return AppendString(dst, *(*string)(q)), nil
	}
	p.decodeAt = func(b []byte, q unsafe.Pointer, _ bool) (int, error) {
		data, n, ok := ReadBinary(b)
		if !ok {
			return 0, mismatch("binary", b)
		}
		*(*string)(q) = string(data)
		return n, nil
	}
}

// bytesPlan is that of the slices of bytes.
func bytesPlan(p *plan) {
	p.expected = "binary"
	p.encodeAt = func(dst []byte, q unsafe.Pointer, _ place) ([]byte, error) {
		return AppendBytes(dst, *(*[]byte)(q)), nil
	}
	p.decodeAt = func(b []byte, q unsafe.Pointer, own bool) (int, error) {
		data, n, ok := ReadBinary(b)
		if !ok {
			return 0, mismatch("binary", b)
		}
		*(*[]byte)(q) = owned(data, own)
		return n, nil
	}
}

// owned returns bytes that the value being decoded may keep. They are never nil.
func owned(b []byte, own bool) []byte {
	if own {
		return b[:len(b):len(b)]
	}
	return append([]byte{}, b...)
}
