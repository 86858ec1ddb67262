package etf

import (
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"time"
	"unsafe"

	"github.com/okeuday/erlang_go/v2/erlang"
)

// knownTypes are the types whose form does not follow from their kind. The functions make it when it is needed, and
// keep the table from referring to itself.
var knownTypes map[reflect.Type]func() *plan

func init() {
	knownTypes = map[reflect.Type]func() *plan{
		reflect.TypeFor[Atom]():          atomPlan,
		reflect.TypeFor[Raw]():           rawPlan,
		reflect.TypeFor[big.Int]():       bigPlan,
		reflect.TypeFor[time.Time]():     timePlan,
		reflect.TypeFor[Tuple]():         containerPlan("tuple", appendTuple, tagSmallTuple, tagLargeTuple),
		reflect.TypeFor[Map]():           containerPlan("map", appendPairs, tagMap),
		reflect.TypeFor[ImproperList]():  containerPlan("improper list", appendImproper, tagList),
		reflect.TypeFor[Bitstring]():     containerPlan("bitstring", appendBitstring, tagBitBinary),
		reflect.TypeFor[Pid]():           opaquePlan("pid", func(p Pid) string { return p.term }),
		reflect.TypeFor[Port]():          opaquePlan("port", func(p Port) string { return p.term }),
		reflect.TypeFor[Ref]():           opaquePlan("reference", func(r Ref) string { return r.term }),
		reflect.TypeFor[Fun]():           opaquePlan("function", func(f Fun) string { return f.term }),
		reflect.TypeFor[time.Duration](): refusedPlan[time.Duration]("has no unit on the wire, use a number with its unit in its name, like timeout_ms"),

		reflect.TypeFor[erlang.OtpErlangAtom]():      interopAtomPlan(latin1AtomOf),
		reflect.TypeFor[erlang.OtpErlangAtomUTF8]():  interopAtomPlan(utf8AtomOf),
		reflect.TypeFor[erlang.OtpErlangBinary]():    interopPlan[erlang.OtpErlangBinary]("binary or bitstring", tagBinary, tagBitBinary),
		reflect.TypeFor[erlang.OtpErlangList]():      interopPlan[erlang.OtpErlangList]("list", tagNil, tagString, tagList),
		reflect.TypeFor[erlang.OtpErlangMap]():       interopPlan[erlang.OtpErlangMap]("map", tagMap),
		reflect.TypeFor[erlang.OtpErlangTuple]():     interopPlan[erlang.OtpErlangTuple]("tuple", tagSmallTuple, tagLargeTuple),
		reflect.TypeFor[erlang.OtpErlangPid]():       interopPlan[erlang.OtpErlangPid]("pid", tagNewPid, tagPid),
		reflect.TypeFor[erlang.OtpErlangPort]():      interopPlan[erlang.OtpErlangPort]("port", tagV4Port, tagNewPort, tagPort),
		reflect.TypeFor[erlang.OtpErlangReference](): interopPlan[erlang.OtpErlangReference]("reference", tagNewerReference, tagNewReference, tagReference),
		reflect.TypeFor[erlang.OtpErlangFunction]():  interopPlan[erlang.OtpErlangFunction]("function", tagExport, tagNewFun),
		reflect.TypeFor[erlang.OtpErlangAtomCacheRef](): refusedPlan[erlang.OtpErlangAtomCacheRef](
			"exists only inside the distribution protocol"),
	}
}

func refusedPlan[T any](problem string) func() *plan {
	return func() *plan { return &plan{err: &TypeError{Type: reflect.TypeFor[T](), Problem: problem}} }
}

func atomPlan() *plan {
	return &plan{
		expected: "atom",
		distinct: true,
		encode: func(dst []byte, v reflect.Value, _ place) ([]byte, error) {
			return appendAtom(dst, Atom(v.String()))
		},
		decode: func(b []byte, v reflect.Value, _ bool) (int, error) {
			name, n, ok := ReadAtom(b)
			if !ok {
				return 0, mismatch("atom", b)
			}
			v.SetString(name)
			return n, nil
		},
	}
}

// rawPlan scans what it encodes: the bytes may come from anywhere.
func rawPlan() *plan {
	return &plan{
		expected: "term",
		encodeAt: func(dst []byte, q unsafe.Pointer, _ place) ([]byte, error) { return appendRaw(dst, *(*Raw)(q)) },
		decodeAt: func(b []byte, q unsafe.Pointer, own bool) (int, error) { return (*Raw)(q).read(b, own), nil },
	}
}

func appendRaw(dst []byte, term Raw) ([]byte, error) {
	if len(term) == 0 {
		return append(dst, nilAtom...), nil
	}
	if err := oneTerm(term); err != nil {
		return dst, &MarshalError{Problem: "the Raw is not one term", Err: err}
	}
	return append(dst, term...), nil
}

// read sets r to the first term of b, and returns its length.
func (r *Raw) read(b []byte, own bool) int {
	n := Size(b)
	*r = owned(b[:n], own)
	return n
}

func bigPlan() *plan {
	return &plan{
		expected: "integer",
		encode: func(dst []byte, v reflect.Value, _ place) ([]byte, error) {
			return AppendBig(dst, addressable(v).Addr().Interface().(*big.Int))
		},
		decode: func(b []byte, v reflect.Value, _ bool) (int, error) {
			if !isInteger(b) {
				return 0, mismatch("integer", b)
			}
			target := v.Addr().Interface().(*big.Int)
			if x, n, ok := ReadInt(b); ok {
				target.Set(big.NewInt(x)) // not SetInt64, which would write to words that may be shared
				return n, nil
			}
			magnitude, negative, n := splitBig(b)
			*target = *bigMagnitude(magnitude, negative)
			return n, nil
		},
	}
}

// containerPlan is that of a dynamic type.
func containerPlan[T any](expected string, encode func([]byte, T, place) ([]byte, error), tags ...byte) func() *plan {
	return func() *plan {
		return &plan{
			expected: expected,
			encode: func(dst []byte, v reflect.Value, at place) ([]byte, error) {
				x, _ := reflect.TypeAssert[T](v)
				return encode(dst, x, at)
			},
			decode: func(b []byte, v reflect.Value, _ bool) (int, error) {
				if !slices.Contains(tags, b[0]) {
					return 0, mismatch(expected, b)
				}
				x, n := decodeAny(b)
				typed, ok := x.(T)
				if !ok {
					return 0, mismatch(expected, b)
				}
				*v.Addr().Interface().(*T) = typed
				return n, nil
			},
		}
	}
}

func appendBitstring(dst []byte, s Bitstring, _ place) ([]byte, error) {
	if len(s.Bytes) == 0 || s.Bits < 1 || s.Bits > 8 {
		return dst, &MarshalError{Problem: fmt.Sprintf(
			"a Bitstring has %d bytes and %d bits, expected at least one byte and 1 to 8 bits of it", len(s.Bytes), s.Bits)}
	}
	if s.Bits == 8 {
		return AppendBytes(dst, s.Bytes), nil
	}
	dst = append(appendSized(dst, tagBitBinary, len(s.Bytes)), byte(s.Bits))
	dst = append(dst, s.Bytes...)
	dst[len(dst)-1] &= 0xff << (8 - s.Bits)
	return dst, nil
}

// opaquePlan is that of an identifier, whose bytes have been scanned when it was made.
func opaquePlan[T any](expected string, term func(T) string) func() *plan {
	return func() *plan {
		return &plan{
			expected: expected,
			encode: func(dst []byte, v reflect.Value, _ place) ([]byte, error) {
				x, _ := reflect.TypeAssert[T](v)
				if term(x) == "" {
					return dst, &MarshalError{Problem: fmt.Sprintf("the %T is empty, expected one that was decoded", x)}
				}
				return append(dst, term(x)...), nil
			},
			decode: func(b []byte, v reflect.Value, _ bool) (int, error) {
				x, n, ok := decodeOpaqueAs[T](b)
				if !ok {
					return 0, mismatch(expected, b)
				}
				*v.Addr().Interface().(*T) = x
				return n, nil
			},
		}
	}
}

func decodeOpaqueAs[T any](b []byte) (v T, n int, ok bool) {
	switch b[0] {
	case tagNewPid, tagPid, tagV4Port, tagNewPort, tagPort, tagNewFun, tagExport,
		tagNewerReference, tagNewReference, tagReference:
		x, n := decodeAny(b)
		v, ok = x.(T)
		return v, n, ok
	}
	return v, 0, false
}
