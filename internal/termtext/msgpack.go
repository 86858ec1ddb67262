package termtext

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/big"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"portworker/etf"
)

// AppendMessagePack appends a term as the wire has it in MessagePack: atoms are strings, tuples and lists
// arrays, binaries that are UTF-8 strings and others bytes. What has no form there is an error.
func AppendMessagePack(dst []byte, v any) ([]byte, error) {
	out := bytes.NewBuffer(dst)
	err := packTerm(msgpack.NewEncoder(out), v)
	return out.Bytes(), err
}

func packTerm(to *msgpack.Encoder, v any) error {
	switch v := v.(type) {
	case nil:
		return to.EncodeNil()
	case bool:
		return to.EncodeBool(v)
	case int64:
		return to.EncodeInt(v)
	case *big.Int:
		if v.IsUint64() {
			return to.EncodeUint(v.Uint64())
		}
	case float64:
		return to.EncodeFloat64(v)
	case etf.Atom:
		return to.EncodeString(string(v))
	case string:
		if utf8.ValidString(v) {
			return to.EncodeString(v)
		}
		return to.EncodeBytes([]byte(v))
	case []any:
		return packElements(to, v)
	case etf.Tuple:
		return packElements(to, v)
	case etf.Map:
		return packPairs(to, v)
	}
	return fmt.Errorf("%s has no form in MessagePack", Erlang.Text(v))
}

func packElements(to *msgpack.Encoder, elements []any) error {
	err := to.EncodeArrayLen(len(elements))
	for _, v := range elements {
		if err == nil {
			err = packTerm(to, v)
		}
	}
	return err
}

func packPairs(to *msgpack.Encoder, m etf.Map) error {
	err := to.EncodeMapLen(len(m))
	for _, pair := range m {
		if err == nil {
			err = packTerm(to, pair.Key)
		}
		if err == nil {
			err = packTerm(to, pair.Value)
		}
	}
	return err
}

// ParseMessagePack returns the one value that data holds: strings and bytes as binaries, arrays as lists.
func ParseMessagePack(data []byte) (any, error) {
	in := bytes.NewReader(data)
	v, err := unpackTerm(msgpack.NewDecoder(in), 0)
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("MessagePack value: it is cut short")
	case err != nil:
		return nil, fmt.Errorf("MessagePack value: %w", err)
	case in.Len() > 0:
		return nil, fmt.Errorf("MessagePack value: %d bytes follow it, expected none", in.Len())
	}
	if _, err := etf.Append(nil, v); err != nil {
		return nil, fmt.Errorf("MessagePack value: %w", err)
	}
	return v, nil
}

func unpackTerm(from *msgpack.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("values nest more than %d levels deep", maxDepth)
	}
	code, err := from.PeekCode()
	if err != nil {
		return nil, err
	}
	switch {
	case code == msgpcode.Nil:
		return nil, from.DecodeNil()
	case code == msgpcode.True, code == msgpcode.False:
		return from.DecodeBool()
	case code == msgpcode.Float, code == msgpcode.Double:
		return from.DecodeFloat64()
	case code == msgpcode.Uint64:
		n, err := from.DecodeUint64()
		if n > 1<<63-1 {
			return new(big.Int).SetUint64(n), err
		}
		return int64(n), err
	case msgpcode.IsFixedNum(code), code >= msgpcode.Uint8 && code <= msgpcode.Int64:
		return from.DecodeInt64()
	case msgpcode.IsString(code), msgpcode.IsBin(code):
		b, err := from.DecodeBytes()
		return string(b), err
	case msgpcode.IsFixedArray(code), code == msgpcode.Array16, code == msgpcode.Array32:
		return unpackArray(from, depth)
	case msgpcode.IsFixedMap(code), code == msgpcode.Map16, code == msgpcode.Map32:
		return unpackMap(from, depth)
	}
	return nil, fmt.Errorf("code %#x has no term", code)
}

func unpackArray(from *msgpack.Decoder, depth int) (any, error) {
	n, err := from.DecodeArrayLen()
	list := []any{}
	for range n {
		if err != nil {
			break
		}
		var v any
		if v, err = unpackTerm(from, depth+1); err == nil {
			list = append(list, v)
		}
	}
	return list, err
}

func unpackMap(from *msgpack.Decoder, depth int) (any, error) {
	n, err := from.DecodeMapLen()
	m := etf.Map{}
	for range n {
		var pair etf.Pair
		if err == nil {
			pair.Key, err = unpackTerm(from, depth+1)
		}
		if err == nil {
			pair.Value, err = unpackTerm(from, depth+1)
		}
		if err != nil {
			break
		}
		m = append(m, pair)
	}
	return m, err
}
