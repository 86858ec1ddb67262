package termtext

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
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
	v, err := unpacker{msgpack.NewDecoder(in), in}.term(0)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
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

// An unpacker reads values from bytes in memory. It believes no length that they cannot hold.
type unpacker struct {
	*msgpack.Decoder
	in *bytes.Reader // which the decoder reads from, and never ahead
}

func (u unpacker) term(depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("values nest more than %d levels deep", maxDepth)
	}
	code, err := u.PeekCode()
	if err != nil {
		return nil, err
	}
	switch {
	case code == msgpcode.Nil:
		return nil, u.DecodeNil()
	case code == msgpcode.True, code == msgpcode.False:
		return u.DecodeBool()
	case code == msgpcode.Float, code == msgpcode.Double:
		return u.DecodeFloat64()
	case code == msgpcode.Uint64:
		n, err := u.DecodeUint64()
		if n > math.MaxInt64 {
			return new(big.Int).SetUint64(n), err
		}
		return int64(n), err
	case msgpcode.IsFixedNum(code), code >= msgpcode.Uint8 && code <= msgpcode.Int64:
		return u.DecodeInt64()
	case msgpcode.IsString(code), msgpcode.IsBin(code):
		return u.bytes()
	case msgpcode.IsFixedArray(code), code == msgpcode.Array16, code == msgpcode.Array32:
		return u.array(depth)
	case msgpcode.IsFixedMap(code), code == msgpcode.Map16, code == msgpcode.Map32:
		return u.pairs(depth)
	}
	return nil, fmt.Errorf("code %#x has no term", code)
}

// length checks what a value says of itself: each of its parts takes a byte at least.
func (u unpacker) length(n int, err error) (int, error) {
	if err == nil && n > u.in.Len() {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (u unpacker) bytes() (any, error) {
	n, err := u.length(u.DecodeBytesLen())
	if err != nil {
		return nil, err
	}
	b := make([]byte, n)
	_, err = io.ReadFull(u.in, b)
	return string(b), err
}

func (u unpacker) array(depth int) (any, error) {
	n, err := u.length(u.DecodeArrayLen())
	if err != nil {
		return nil, err
	}
	list := make([]any, n)
	for i := range list {
		if list[i], err = u.term(depth + 1); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (u unpacker) pairs(depth int) (any, error) {
	n, err := u.length(u.DecodeMapLen())
	if err != nil {
		return nil, err
	}
	m := make(etf.Map, n)
	for i := range m {
		if m[i].Key, err = u.term(depth + 1); err != nil {
			return nil, err
		}
		if m[i].Value, err = u.term(depth + 1); err != nil {
			return nil, err
		}
	}
	return m, nil
}
