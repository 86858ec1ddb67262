package termtext

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"portworker/etf"
)

// appendJSON writes a term as JSON: atoms and binaries are strings, nil is null, tuples and lists are arrays,
// maps are objects. What has no such form is an object with one key:
//
//	{"$base64": "..."}     a binary that is not UTF-8
//	{"$map": [[k, v]]}     a map with keys that are no names, or the same name as atom and binary
//	{"$term": "..."}       in Erlang's syntax: bitstrings, improper lists, identifiers, functions
func appendJSON(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case *big.Int:
		return v.Append(dst, 10), nil
	case float64:
		return append(dst, floatText(v)...), nil
	case etf.Atom:
		return appendJSONString(dst, string(v)), nil
	case string:
		if !utf8.ValidString(v) {
			return appendMarked(dst, "$base64", base64.StdEncoding.EncodeToString([]byte(v))), nil
		}
		return appendJSONString(dst, v), nil
	case []any:
		return appendArray(dst, v)
	case etf.Tuple:
		return appendArray(dst, v)
	case etf.Map:
		return appendObject(dst, v)
	}
	text, err := printer{Erlang}.append(nil, v)
	if err != nil {
		return dst, err
	}
	return appendMarked(dst, "$term", string(text)), nil
}

func appendMarked(dst []byte, mark, text string) []byte {
	dst = append(append(append(dst, `{"`...), mark...), `":`...)
	return append(appendJSONString(dst, text), '}')
}

func appendJSONString(dst []byte, text string) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string always has a form
	return append(dst, bytes.TrimRight(out.Bytes(), "\n")...)
}

func appendArray(dst []byte, elements []any) ([]byte, error) {
	var err error
	dst = append(dst, '[')
	for i, v := range elements {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendJSON(dst, v); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func appendObject(dst []byte, m etf.Map) ([]byte, error) {
	names := make([]string, len(m))
	seen := make(map[string]bool, len(m))
	for i, pair := range m {
		name, ok := atomName(pair.Key)
		if text, isText := pair.Key.(string); isText {
			name, ok = text, utf8.ValidString(text)
		}
		if !ok || seen[name] || strings.HasPrefix(name, "$") {
			return appendPairs(dst, m)
		}
		names[i], seen[name] = name, true
	}
	var err error
	dst = append(dst, '{')
	for i, pair := range m {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendJSONString(dst, names[i]), ':')
		if dst, err = appendJSON(dst, pair.Value); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

func appendPairs(dst []byte, m etf.Map) ([]byte, error) {
	pairs := make([]any, len(m))
	for i, pair := range m {
		pairs[i] = []any{pair.Key, pair.Value}
	}
	dst, err := appendArray(append(dst, `{"$map":`...), pairs)
	return append(dst, '}'), err
}

// A JSONReader reads JSON values, one after another.
type JSONReader struct{ in *json.Decoder }

// NewJSONReader returns a reader of the JSON values in in.
func NewJSONReader(in io.Reader) *JSONReader {
	decoder := json.NewDecoder(in)
	decoder.UseNumber()
	return &JSONReader{decoder}
}

// Next returns the next value as a term: strings are binaries, objects maps with binary keys, arrays lists, null
// nil, and what [JSON] marks is what it stands for. It returns io.EOF when there is none left.
func (r *JSONReader) Next() (any, error) {
	var v any
	if err := r.in.Decode(&v); err != nil {
		return nil, err
	}
	term, err := fromJSON(v)
	if err == nil {
		_, err = etf.Append(nil, term)
	}
	if err != nil {
		return nil, fmt.Errorf("JSON value before byte %d: %w", r.in.InputOffset(), err)
	}
	return term, nil
}

func fromJSON(v any) (any, error) {
	switch v := v.(type) {
	case json.Number:
		return Parse(v.String())
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			var err error
			if list[i], err = fromJSON(element); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		return fromObject(v)
	}
	return v, nil
}

func fromObject(object map[string]any) (any, error) {
	if len(object) == 1 {
		for mark, v := range object {
			text, isText := v.(string)
			switch {
			case mark == "$base64" && isText:
				b, err := base64.StdEncoding.DecodeString(text)
				return string(b), err
			case mark == "$term" && isText:
				return Parse(text)
			case mark == "$map":
				return fromPairs(v)
			}
		}
	}
	m := make(etf.Map, 0, len(object))
	for key, v := range object {
		value, err := fromJSON(v)
		if err != nil {
			return nil, err
		}
		m = append(m, etf.Pair{Key: key, Value: value})
	}
	return sortedByKey(m), nil
}

// sortedByKey puts an object's keys, which have lost theirs, into an order.
func sortedByKey(m etf.Map) etf.Map {
	slices.SortFunc(m, func(a, b etf.Pair) int { return strings.Compare(a.Key.(string), b.Key.(string)) })
	return m
}

func fromPairs(v any) (any, error) {
	list, err := fromJSON(v)
	pairs, isList := list.([]any)
	if err != nil || !isList {
		return nil, fmt.Errorf("$map: expected a list of pairs")
	}
	m := make(etf.Map, len(pairs))
	for i, v := range pairs {
		pair, ok := v.([]any)
		if !ok || len(pair) != 2 {
			return nil, fmt.Errorf("$map: expected a list of pairs")
		}
		m[i] = etf.Pair{Key: pair[0], Value: pair[1]}
	}
	return m, nil
}
