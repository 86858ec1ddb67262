package etf

import (
	"fmt"
	"reflect"
)

// An Unmarshaler decodes itself. UnmarshalETF gets one scanned term, and must copy what it wants to keep of its bytes.
// It is called for the atom nil too, unless the value is held by a pointer: that is set to nil.
type Unmarshaler interface {
	UnmarshalETF(term Raw) error
}

// Unmarshal scans data, one external term with its version byte, within the default Limits, and stores it in what v
// points to. v must be a pointer that is not nil. What it stores shares no memory with data.
//
// It accepts what Append produces for the type of *v, and beyond that:
//
//   - the keys of a struct may be atoms or binaries; keys the struct does not have are ignored. A key may be missing
//     where the field is a pointer, an any, a slice, a map, or tagged omitempty: the field then keeps its value. Any
//     other missing key is an error.
//   - undefined does for nil, and nil is accepted by pointers and interfaces alone.
//   - integers are accepted for floats; every number is checked for its range.
//   - a list may end in another list, and may be a STRING_EXT: [104,105] is a list of integers and never a string.
//     Only a binary becomes a string or []byte.
//   - a DateTime may have any offset; the time.Time is in UTC.
//   - into an any go int64 or *big.Int, float64, bool, nil, Atom, string for binaries, []any for proper lists, Tuple,
//     Map, ImproperList, Bitstring, Pid, Port, Ref and Fun.
//
// Slices, maps and pointers are made anew, so that nothing that *v referred to is changed. Errors are a *SyntaxError
// for bytes that are no term, an *UnmarshalError for a term that does not fit, and a *TypeError for a type that
// cannot be decoded; *v may have been set in part.
func Unmarshal(data []byte, v any) error {
	term, err := Limits{}.Parse(data)
	if err != nil {
		return err
	}
	return decode(term, v, false)
}

// Unmarshal scans the term and stores it in what v points to, as the function Unmarshal does.
func (r Raw) Unmarshal(v any) error {
	n, err := anyDepth.Scan(r)
	if err != nil {
		return err
	}
	if n != len(r) {
		return trailing(n, len(r)-n)
	}
	return decode(r, v, false)
}

// Decode is Unmarshal for a term that has passed Scan. Unlike Unmarshal it lets every []byte and Raw that it stores
// alias the bytes of the term, which must then not be changed as long as the value is in use; strings are copies.
// Bytes that have not been scanned can make it panic.
func Decode(scanned Raw, v any) error { return decode(scanned, v, true) }

func decode(term Raw, v any, own bool) error {
	if r, ok := v.(*Raw); ok && r != nil && len(term) > 0 { // is spared the search for its plan
		r.read(term, own)
		return nil
	}
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return fmt.Errorf("etf: decode into %T, expected a pointer that is not nil", v)
	}
	if len(term) == 0 {
		return syntaxError(0, "no bytes, expected a term")
	}
	p, err := planOf(target.Type().Elem())
	if err != nil {
		return err
	}
	_, err = p.decodeAt(term, target.UnsafePointer(), own)
	return err
}

// An UnmarshalError says which part of a term does not fit the Go type it was to be decoded into.
type UnmarshalError struct {
	// Path leads from the term to the part: ".items[3].name". It is empty for the term itself.
	Path string
	// Expected says what the Go type takes: "binary", "integer in 0..255".
	Expected string
	// Got shows what was there, shortened: "integer 42".
	Got string
	// Err is the cause where an Unmarshaler returned one; Expected and Got are then empty.
	Err error
}

func (e *UnmarshalError) Error() string {
	if e.Err != nil {
		return joinPath(e.Path, e.Err.Error())
	}
	return joinPath(e.Path, "expected "+e.Expected+", got "+e.Got)
}

func (e *UnmarshalError) Unwrap() error { return e.Err }

// mismatch reports the first term of b.
func mismatch(expected string, b []byte) error {
	return &UnmarshalError{Expected: expected, Got: describe(b)}
}

// inTerm prefixes the path of a decoding error with a step towards it.
func inTerm(err error, step string) error {
	e, ok := err.(*UnmarshalError)
	if !ok {
		e = &UnmarshalError{Err: err}
	}
	e.Path = addStep(step, e.Path)
	return e
}
