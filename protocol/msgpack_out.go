package protocol

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"

	"portworker/etf"
)

// packer appends MessagePack for scanned terms.
type packer struct {
	dst []byte
	e   *msgpack.Encoder
}

// Write and WriteByte make packer the encoder's output.
func (p *packer) Write(b []byte) (int, error) {
	p.dst = append(p.dst, b...)
	return len(b), nil
}

func (p *packer) WriteByte(b byte) error {
	p.dst = append(p.dst, b)
	return nil
}

// toMessagePack appends an ETF message in MessagePack. It fails when the
// message holds a term that has no MessagePack form.
func toMessagePack(dst []byte, message etf.Raw) ([]byte, error) {
	p := &packer{dst: dst, e: msgpack.GetEncoder()}
	defer msgpack.PutEncoder(p.e)
	p.e.Reset(p)
	p.e.UseCompactInts(true)
	err := p.message(message)
	return p.dst, err
}

// packTerm appends one scanned term in MessagePack.
func packTerm(dst []byte, term etf.Raw) ([]byte, error) {
	p := &packer{dst: dst, e: msgpack.GetEncoder()}
	defer msgpack.PutEncoder(p.e)
	p.e.Reset(p)
	p.e.UseCompactInts(true)
	_, err := p.value(term)
	return p.dst, err
}

func (p *packer) message(message etf.Raw) error {
	arity, n, _ := etf.ReadTuple(message)
	if err := p.e.EncodeArrayLen(arity); err != nil {
		return err
	}
	tag, _, _ := etf.ReadAtom(message[n:])
	for i := range arity {
		write := p.value
		if isRef(tag, i) {
			write = p.ref
		}
		size, err := write(message[n:])
		if err != nil {
			return err
		}
		n += size
	}
	return nil
}

// isRef reports whether element i of a message is a ref of the client's.
func isRef(tag string, i int) bool {
	switch tag {
	case tagResult, tagProgress, tagData, tagFault, tagCredit:
		return i == 1
	case tagCallback:
		return i == 2
	}
	return false
}

// ref puts back the bytes the client wrote. A fault's undefined is nil; an integer is
// a callback's ref, the worker's own.
func (p *packer) ref(b []byte) (int, error) {
	if written, n, ok := etf.ReadBinary(b); ok {
		p.dst = append(p.dst, written...)
		return n, nil
	}
	if v, n, ok := etf.ReadInt(b); ok {
		return n, p.e.EncodeInt(v)
	}
	return etf.Size(b), p.e.EncodeNil()
}

// value writes the first term of b and returns its length there. One pass
// serves for both: asking every container for its size first would read what is
// deeply nested once for each level.
func (p *packer) value(b []byte) (int, error) {
	if v, n, ok := etf.ReadInt(b); ok {
		return n, p.e.EncodeInt(v)
	}
	if data, n, ok := etf.ReadBinary(b); ok {
		return n, p.binary(data)
	}
	if name, n, ok := etf.ReadAtom(b); ok {
		return n, p.atom(name)
	}
	if arity, n, ok := etf.ReadTuple(b); ok {
		return p.values(b, n, arity, p.e.EncodeArrayLen(arity))
	}
	if pairs, n, ok := etf.ReadMap(b); ok {
		return p.values(b, n, 2*pairs, p.e.EncodeMapLen(pairs))
	}
	if length, n, ok := etf.ReadList(b); ok {
		return p.list(b, n, length)
	}
	if b[0] == stringExt {
		return p.bytes(b)
	}
	return p.rest(b)
}

// values writes the count terms of b from n on, unless their header could not
// be written.
func (p *packer) values(b []byte, n, count int, err error) (int, error) {
	for range count {
		if err != nil {
			return 0, err
		}
		var size int
		size, err = p.value(b[n:])
		n += size
	}
	return n, err
}

func (p *packer) list(b []byte, n, length int) (int, error) {
	if n == 1 { // the empty list
		return n, p.e.EncodeArrayLen(0)
	}
	n, err := p.values(b, n, length, p.e.EncodeArrayLen(length))
	if err != nil {
		return 0, err
	}
	if tail, size, ok := etf.ReadList(b[n:]); !ok || tail != 0 || size != 1 {
		return 0, errors.New("an improper list has no MessagePack form")
	}
	return n + 1, nil
}

// bytes writes the BEAM's short form of a list of bytes.
func (p *packer) bytes(b []byte) (int, error) {
	n := etf.Size(b)
	list := b[stringHeader:n]
	err := p.e.EncodeArrayLen(len(list))
	for _, v := range list {
		if err != nil {
			return 0, err
		}
		err = p.e.EncodeInt(int64(v))
	}
	return n, err
}

// stringHeader is the length of the tag and the size of a STRING_EXT.
const stringHeader = 3

func (p *packer) binary(data []byte) error {
	if utf8.Valid(data) {
		return p.e.EncodeString(string(data))
	}
	return p.e.EncodeBytes(data)
}

func (p *packer) atom(name string) error {
	switch name {
	case "nil":
		return p.e.EncodeNil()
	case "true", "false":
		return p.e.EncodeBool(name == "true")
	}
	return p.e.EncodeString(name)
}

// rest writes floats and integers past an int64, and refuses what is left.
func (p *packer) rest(b []byte) (int, error) {
	n := etf.Size(b)
	var v any
	if err := etf.Decode(b[:n], &v); err != nil {
		return 0, err
	}
	switch v := v.(type) {
	case float64:
		return n, p.e.EncodeFloat64(v)
	case *big.Int:
		if v.IsUint64() {
			return n, p.e.EncodeUint(v.Uint64())
		}
		return 0, fmt.Errorf("an integer outside %d..%d has no MessagePack form", math.MinInt64, uint64(math.MaxUint64))
	}
	return 0, fmt.Errorf("%s has no MessagePack form", etf.Raw(b[:n]))
}
