package etf

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"sync"
)

// A Marshaler encodes itself. AppendETF appends exactly one term, without the version byte, to dst and returns the
// extended slice. What it appended is scanned; anything but one term is an error. For a nil pointer AppendETF is not
// called: that is the atom nil.
type Marshaler interface {
	AppendETF(dst []byte) ([]byte, error)
}

// Marshal returns v as an external term, version byte first, the way Append encodes it.
func Marshal(v any) ([]byte, error) {
	buffer := marshalBuffers.Get().(*[]byte)
	defer marshalBuffers.Put(buffer)
	data, err := Append(append((*buffer)[:0], Version), v)
	switch {
	case err != nil:
		return nil, err
	case cap(data) > maxKeptBuffer:
		return data, nil
	}
	*buffer = data
	return slices.Clone(data), nil
}

// marshalBuffers are where Marshal finds out how long a term is: one copy costs less than to grow several times.
var marshalBuffers = sync.Pool{New: func() any { return new([]byte) }}

const maxKeptBuffer = 64 << 10

// Append appends v to dst as one term without the version byte, and returns the extended slice. On error, a
// *MarshalError or a *TypeError, it returns dst as it was. With a dst that is large enough, values of fixed shape are
// encoded without allocation; pass a pointer, because Go copies a struct to the heap to make it an any.
//
// Go becomes Erlang as follows:
//
//	nil, nil pointer or interface   the atom nil
//	bool                            true, false
//	integers, *big.Int              integer
//	float32, float64                float; NaN and infinities are an error
//	string, []byte                  binary; never an atom
//	Atom                            atom
//	slice, array                    proper list; a nil slice is []
//	map                             map; keys that are equal as terms are an error
//	struct                          map with atom keys, see below
//	pointer                         what it points to
//	interface with registered cases tagged value, see RegisterUnion
//	any                             as the value in it
//	time.Time                       Elixir's DateTime, in UTC, microseconds
//	Tuple, Map, ImproperList, ...   the term of that name
//	Raw                             the term it holds; an empty Raw is nil
//	Marshaler                       what AppendETF appends
//	term types of erlang_go v2      what that library encodes
//
// The keys of a struct are its exported fields' names in snake case (OldValue is old_value, HTTPStatus http_status),
// or what a tag says:
//
//	Size  int    `etf:"bytes"`           // key bytes
//	Note  string `etf:",omitempty"`      // left out when zero, or an empty slice or map
//	Cache *T     `etf:"-"`               // no part of the term
//	_     struct{} `etf:",tuple"`        // the struct is a tuple of its fields, in order
//
// Embedded structs are flattened by the rules of encoding/json. Channels, functions, complex numbers and
// time.Duration have no form, nor has a struct that has fields but no exported one.
//
// A value that nests deeper than 1,000 terms, for instance because it contains itself, is an error.
func Append(dst []byte, v any) ([]byte, error) {
	out, err := appendAny(dst, v, place{})
	if err != nil {
		return dst, finishMarshal(err)
	}
	return out, nil
}

// place is where in a value the encoder is.
type place struct {
	nesting int32 // terms around this one
	hops    int32 // pointers and interfaces followed to get here
	// checked says that the keys of every map from here on will be compared by a scan of what is around.
	checked bool
}

const (
	maxNesting = DefaultMaxDepth
	// maxHops only has to stop a pointer that leads to itself before the stack is full.
	maxHops = 16 * maxNesting
)

func tooDeep() error {
	return &MarshalError{Problem: "nested deeper than 1000 terms; does the value contain itself?"}
}

// anyDepth scans what this process made, or took in under limits of its own.
var anyDepth = Limits{MaxDepth: math.MaxInt32}

// A MarshalError says which part of a value could not be encoded, and why.
type MarshalError struct {
	// Path leads from the value to the part: ".items[3].name". It is empty for the value itself.
	Path string
	// Problem says what was wrong and what was expected.
	Problem string
	// Err is the cause where there is one: a Marshaler's error, a *SyntaxError, a *TypeError.
	Err error
}

func (e *MarshalError) Error() string {
	text := e.Problem
	switch {
	case e.Err == nil:
	case text == "":
		text = e.Err.Error()
	default:
		text += ": " + e.Err.Error()
	}
	return joinPath(e.Path, text)
}

func (e *MarshalError) Unwrap() error { return e.Err }

// inValue prefixes the path of an encoding error with a step towards it.
func inValue(err error, step string) error {
	e, ok := err.(*MarshalError)
	if !ok {
		e = &MarshalError{Err: err}
	}
	e.Path = addStep(step, e.Path)
	return e
}

// finishMarshal makes every error of the encoder a *MarshalError or a *TypeError.
func finishMarshal(err error) error {
	var typed *TypeError
	if e := (*MarshalError)(nil); errors.As(err, &e) || errors.As(err, &typed) {
		return err
	}
	return &MarshalError{Err: err}
}

// appendValue encodes a value by the plan of its type. It follows a pointer by itself, since that has no address.
func appendValue(dst []byte, v reflect.Value, at place) ([]byte, error) {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		p, err := planOf(v.Type().Elem())
		if err != nil {
			return dst, err
		}
		return p.encodeAt(dst, v.UnsafePointer(), at)
	}
	p, err := planOf(v.Type())
	if err != nil {
		return dst, err
	}
	return p.encode(dst, v, at)
}
