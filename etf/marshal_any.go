package etf

import (
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// appendAny encodes a value whose type is only known now. The usual types are spared the search for their plan.
func appendAny(dst []byte, v any, at place) ([]byte, error) {
	if at.hops++; at.hops > maxHops {
		return dst, &MarshalError{Problem: "pointers lead on without end"}
	}
	switch v := v.(type) {
	case nil:
		return append(dst, nilAtom...), nil
	case bool:
		return AppendBool(dst, v), nil
	case int:
		return AppendInt(dst, int64(v)), nil
	case int64:
		return AppendInt(dst, v), nil
	case float64:
		return appendFloat(dst, v)
	case string:
		return AppendString(dst, v), nil
	case []byte:
		return AppendBytes(dst, v), nil
	case Atom:
		return appendAtom(dst, v)
	case []any:
		return appendElements(dst, v, at)
	case Tuple:
		return appendTuple(dst, v, at)
	case Map:
		return appendPairs(dst, v, at)
	case map[string]any:
		return appendStringMap(dst, v, at)
	case *Raw:
		if v != nil {
			return appendRaw(dst, *v)
		}
		return append(dst, nilAtom...), nil
	case *big.Int:
		if v != nil {
			return AppendBig(dst, v)
		}
		return append(dst, nilAtom...), nil
	}
	return appendValue(dst, reflect.ValueOf(v), at)
}

// appendAtom refuses what OTP would.
func appendAtom(dst []byte, a Atom) ([]byte, error) {
	if problem := atomProblem(string(a)); problem != "" {
		return dst, &MarshalError{Problem: problem}
	}
	return AppendAtom(dst, string(a)), nil
}

// atomProblem says why name cannot be an atom, or nothing.
func atomProblem(name string) string {
	if !utf8.ValidString(name) {
		return fmt.Sprintf("atom %q is not UTF-8", clip(name))
	}
	if len(name) > MaxAtomChars {
		if n := utf8.RuneCountInString(name); n > MaxAtomChars {
			return fmt.Sprintf("atom %q has %d characters, expected at most %d", clip(name), n, MaxAtomChars)
		}
	}
	return ""
}

func appendElements(dst []byte, list []any, at place) ([]byte, error) {
	if at.nesting++; at.nesting > maxNesting {
		return dst, tooDeep()
	}
	dst = AppendList(dst, len(list))
	var err error
	for i, v := range list {
		if dst, err = appendAny(dst, v, at); err != nil {
			return dst, inValue(err, indexStep(i))
		}
	}
	return AppendNil(dst), nil
}

func appendTuple(dst []byte, tuple Tuple, at place) ([]byte, error) {
	if at.nesting++; at.nesting > maxNesting {
		return dst, tooDeep()
	}
	dst = AppendTuple(dst, len(tuple))
	var err error
	for i, v := range tuple {
		if dst, err = appendAny(dst, v, at); err != nil {
			return dst, inValue(err, indexStep(i))
		}
	}
	return dst, nil
}

func appendImproper(dst []byte, list ImproperList, at place) ([]byte, error) {
	if at.nesting++; at.nesting > maxNesting {
		return dst, tooDeep()
	}
	if len(list.Elements) == 0 {
		return dst, &MarshalError{Problem: "an improper list has no elements, expected at least one"}
	}
	dst = AppendList(dst, len(list.Elements))
	var err error
	for i, v := range list.Elements {
		if dst, err = appendAny(dst, v, at); err != nil {
			return dst, inValue(err, indexStep(i))
		}
	}
	if dst, err = appendAny(dst, list.Tail, at); err != nil {
		return dst, inValue(err, ".tail")
	}
	return dst, nil
}

func appendPairs(dst []byte, m Map, at place) ([]byte, error) {
	if at.nesting++; at.nesting > maxNesting {
		return dst, tooDeep()
	}
	start, outer := len(dst), at.checked
	at.checked = at.checked || len(m) > 1
	dst = AppendMap(dst, len(m))
	var err error
	for _, pair := range m {
		if dst, err = appendAny(dst, pair.Key, at); err != nil {
			return dst, inValue(err, keyStep(pair.Key))
		}
		if dst, err = appendAny(dst, pair.Value, at); err != nil {
			return dst, inValue(err, keyStep(pair.Key))
		}
	}
	return dst, checkKeys(dst[start:], at.checked && !outer)
}

func appendStringMap(dst []byte, m map[string]any, at place) ([]byte, error) {
	if at.nesting++; at.nesting > maxNesting {
		return dst, tooDeep()
	}
	dst = AppendMap(dst, len(m))
	var err error
	for k, v := range m {
		if dst, err = appendAny(AppendString(dst, k), v, at); err != nil {
			return dst, inValue(err, keyStep(k))
		}
	}
	return dst, nil
}

// checkKeys refuses a map with keys that are equal as terms, at any depth. It is called for the outermost map whose
// keys could be, so that nothing is looked at twice.
func checkKeys(encoded []byte, needed bool) error {
	if !needed {
		return nil
	}
	if _, err := anyDepth.Scan(encoded); err != nil {
		return &MarshalError{Problem: "keys of a map are equal as terms", Err: err}
	}
	return nil
}

func indexStep(i int) string { return "[" + strconv.Itoa(i) + "]" }

// keyStep is the step to the value of a map's key.
func keyStep(key any) string {
	switch key := key.(type) {
	case string:
		return "[" + strconv.Quote(clip(key)) + "]"
	case Atom:
		return "." + clip(string(key))
	case bool, int, int64, float64:
		return fmt.Sprintf("[%v]", key)
	}
	return fmt.Sprintf("[a key of type %T]", key)
}

// clip bounds what an error repeats of a value.
func clip(s string) string {
	const limit = 40
	if len(s) <= limit {
		return s
	}
	end := limit
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
