package etf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"

	"github.com/okeuday/erlang_go/v2/erlang"
)

// Interop with github.com/okeuday/erlang_go. A value of its types means what that library says it means, with all
// that is inside it: in an OtpErlangTuple a string is a charlist, a []byte a binary, and nil is undefined. Atoms alone
// are converted here, because the library reads true, false and undefined as other types.

// maxInteropInteger bounds the integers, in bytes, that are given to the library, which reads them in quadratic time.
const maxInteropInteger = 16 << 10

// interopPlan is that of one of the library's types.
func interopPlan[T any](expected string, tags ...byte) func() *plan {
	return func() *plan {
		return &plan{
			expected: expected,
			encode: func(dst []byte, v reflect.Value, at place) ([]byte, error) {
				return appendInterop(dst, v.Interface(), at)
			},
			decode: func(b []byte, v reflect.Value, _ bool) (int, error) {
				if !slices.Contains(tags, b[0]) {
					return 0, mismatch(expected, b)
				}
				x, n, err := readInterop(b)
				if err != nil {
					return 0, err
				}
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

// appendInterop encodes a value of the library's types through the library, and scans what it made.
func appendInterop(dst []byte, v any, at place) ([]byte, error) {
	if err := interopDepth(v, int(at.nesting)); err != nil {
		return dst, err
	}
	data, err := guarded(func() ([]byte, error) { return erlang.TermToBinary(v, -1) })
	if err != nil {
		return dst, &MarshalError{Problem: fmt.Sprintf("erlang_go cannot encode the %T", v), Err: err}
	}
	term, err := anyDepth.Parse(data)
	if err != nil {
		return dst, &MarshalError{Problem: fmt.Sprintf("erlang_go encoded the %T as no valid term", v), Err: err}
	}
	return append(dst, term...), nil
}

// interopDepth refuses what would take the library too deep: it recurses without a bound.
func interopDepth(v any, depth int) error {
	var inside []any
	switch v := v.(type) {
	case erlang.OtpErlangTuple:
		inside = v
	case []any:
		inside = v
	case erlang.OtpErlangList:
		inside = v.Value
	case erlang.OtpErlangMap:
		return interopMapDepth(v, depth)
	case map[any]any:
		return interopMapDepth(v, depth)
	default:
		return nil
	}
	if depth++; depth > maxNesting {
		return tooDeep()
	}
	for _, x := range inside {
		if err := interopDepth(x, depth); err != nil {
			return err
		}
	}
	return nil
}

func interopMapDepth(m map[any]any, depth int) error {
	if depth++; depth > maxNesting {
		return tooDeep()
	}
	for k, x := range m {
		if err := interopDepth(k, depth); err != nil {
			return err
		}
		if err := interopDepth(x, depth); err != nil {
			return err
		}
	}
	return nil
}

// readInterop decodes the first term of b, which has been scanned, through the library.
func readInterop(b []byte) (any, int, error) {
	n, problem := interopReadable(b)
	if problem != "" {
		return nil, 0, &UnmarshalError{Expected: "term that erlang_go can read", Got: problem}
	}
	data := append([]byte{Version}, b[:n]...)
	v, err := guarded(func() (any, error) { return erlang.BinaryToTerm(data) })
	if err != nil {
		return nil, 0, &UnmarshalError{Err: fmt.Errorf("erlang_go cannot read %s: %w", describe(b), err)}
	}
	if text, ok := v.(string); ok { // its reading of STRING_EXT
		list := erlang.OtpErlangList{}
		for _, c := range []byte(text) {
			list.Value = append(list.Value, c)
		}
		v = list
	}
	return v, n, nil
}

// interopReadable measures the first term of b, and names what in it the library would misread.
func interopReadable(b []byte) (n int, problem string) {
	for pending := 1; pending > 0; pending-- {
		rest := b[n:]
		switch rest[0] {
		case tagSmallTuple, tagLargeTuple:
			arity, header, _ := ReadTuple(rest)
			pending += arity
			n += header
		case tagList:
			pending += int(binary.BigEndian.Uint32(rest[1:])) + 1
			n += 5
		case tagMap:
			pairs, header, _ := ReadMap(rest)
			pending += 2 * pairs
			n += header
		case tagNewFun:
			return n, "a local function"
		default:
			size := Size(rest)
			if isInteger(rest) && size > maxInteropInteger {
				return n, fmt.Sprintf("an integer of %d bytes", size)
			}
			n += size
		}
	}
	return n, ""
}

// guarded makes the panics of the library errors.
func guarded[T any](call func() (T, error)) (v T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return call()
}

// interopAtomPlan is that of the library's two types of atom, by the conversion from UTF-8.
func interopAtomPlan[T any](fromUTF8 func(string) (T, bool)) func() *plan {
	return func() *plan {
		p := interopPlan[T]("atom")()
		p.decode = func(b []byte, v reflect.Value, _ bool) (int, error) {
			name, n, ok := ReadAtom(b)
			if !ok {
				return 0, mismatch("atom", b)
			}
			atom, ok := fromUTF8(name)
			if !ok {
				return 0, mismatch("Latin-1 atom", b)
			}
			*v.Addr().Interface().(*T) = atom
			return n, nil
		}
		return p
	}
}

func utf8AtomOf(name string) (erlang.OtpErlangAtomUTF8, bool) {
	return erlang.OtpErlangAtomUTF8(name), true
}

// latin1AtomOf is for OtpErlangAtom, which holds Latin-1.
func latin1AtomOf(name string) (erlang.OtpErlangAtom, bool) {
	var text bytes.Buffer
	for _, r := range name {
		if r > 0xff {
			return "", false
		}
		text.WriteByte(byte(r))
	}
	return erlang.OtpErlangAtom(text.String()), true
}
