package etf

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"reflect"
)

func boolPlan(p *plan) {
	p.expected, p.distinct = "boolean", true
	p.encode = func(dst []byte, v reflect.Value, _ place) ([]byte, error) {
		return AppendBool(dst, v.Bool()), nil
	}
	p.decode = func(b []byte, v reflect.Value, _ bool) (int, error) {
		x, n, ok := readBool(b)
		if !ok {
			return 0, mismatch("boolean", b)
		}
		v.SetBool(x)
		return n, nil
	}
}

func readBool(b []byte) (v bool, n int, ok bool) {
	name, _, n, ok := splitAtom(b)
	return string(name) == "true", n, ok && (string(name) == "true" || string(name) == "false")
}

func intPlan(p *plan, t reflect.Type) {
	expected := "integer"
	if size := t.Bits(); size < 64 {
		expected = fmt.Sprintf("integer in %d..%d", -1<<(size-1), 1<<(size-1)-1)
	}
	p.expected, p.distinct = expected, true
	p.encode = func(dst []byte, v reflect.Value, _ place) ([]byte, error) {
		return AppendInt(dst, v.Int()), nil
	}
	p.decode = func(b []byte, v reflect.Value, _ bool) (int, error) {
		x, n, ok := ReadInt(b)
		if !ok || v.OverflowInt(x) {
			return 0, notInteger(expected, b)
		}
		v.SetInt(x)
		return n, nil
	}
}

func uintPlan(p *plan, t reflect.Type) {
	expected := fmt.Sprintf("integer in 0..%d", uint64(math.MaxUint64)>>(64-t.Bits()))
	p.expected, p.distinct = expected, true
	p.encode = func(dst []byte, v reflect.Value, _ place) ([]byte, error) {
		return AppendUint(dst, v.Uint()), nil
	}
	p.decode = func(b []byte, v reflect.Value, _ bool) (int, error) {
		x, n, ok := readUint(b)
		if !ok || v.OverflowUint(x) {
			return 0, notInteger(expected, b)
		}
		v.SetUint(x)
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
	p.encode = func(dst []byte, v reflect.Value, _ place) ([]byte, error) {
		return appendFloat(dst, v.Float())
	}
	p.decode = func(b []byte, v reflect.Value, _ bool) (int, error) {
		x, n, ok := readNumber(b)
		if !ok {
			return 0, mismatch("float", b)
		}
		if v.OverflowFloat(x) {
			return 0, mismatch(fmt.Sprintf("float of %d bits", t.Bits()), b)
		}
		v.SetFloat(x)
		return n, nil
	}
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
	p.encode = func(dst []byte, v reflect.Value, _ place) ([]byte, error) {
		return AppendString(dst, v.String()), nil
	}
	p.decode = func(b []byte, v reflect.Value, _ bool) (int, error) {
		data, n, ok := ReadBinary(b)
		if !ok {
			return 0, mismatch("binary", b)
		}
		v.SetString(string(data))
		return n, nil
	}
}

// bytesPlan is that of the slices of bytes.
func bytesPlan(p *plan) {
	p.expected = "binary"
	p.encode = func(dst []byte, v reflect.Value, _ place) ([]byte, error) {
		return AppendBytes(dst, v.Bytes()), nil
	}
	p.decode = func(b []byte, v reflect.Value, own bool) (int, error) {
		data, n, ok := ReadBinary(b)
		if !ok {
			return 0, mismatch("binary", b)
		}
		v.SetBytes(owned(data, own))
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
