package protocol

import (
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

// Write makes packer the encoder's output.
func (p *packer) Write(b []byte) (int, error) {
	p.dst = append(p.dst, b...)
	return len(b), nil
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

func (p *packer) message(message etf.Raw) error {
	arity, n, _ := etf.ReadTuple(message)
	if err := p.e.EncodeArrayLen(arity); err != nil {
		return err
	}
	tag, _, _ := etf.ReadAtom(message[n:])
	for i := range arity {
		size := etf.Size(message[n:])
		element := message[n : n+size]
		n += size
		var err error
		if isRef(tag, i) {
			err = p.ref(element)
		} else {
			err = p.value(element)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isRef reports whether element i of a message is a ref of the client's.
func isRef(tag string, i int) bool {
	switch tag {
	case tagResult, tagProgress, tagData, tagFault:
		return i == 1
	case tagCallback:
		return i == 2
	}
	return false
}

// ref puts back the bytes the client wrote. A fault's undefined is nil.
func (p *packer) ref(term etf.Raw) error {
	if raw, _, ok := etf.ReadBinary(term); ok {
		p.dst = append(p.dst, raw...)
		return nil
	}
	return p.e.EncodeNil()
}

func (p *packer) value(term etf.Raw) error {
	if v, _, ok := etf.ReadInt(term); ok {
		return p.e.EncodeInt(v)
	}
	if data, _, ok := etf.ReadBinary(term); ok {
		return p.binary(data)
	}
	if name, _, ok := etf.ReadAtom(term); ok {
		return p.atom(name)
	}
	if arity, n, ok := etf.ReadTuple(term); ok {
		return p.sequence(term[n:], arity)
	}
	if pairs, n, ok := etf.ReadMap(term); ok {
		if err := p.e.EncodeMapLen(pairs); err != nil {
			return err
		}
		return p.elements(term[n:], 2*pairs)
	}
	if isList(term) {
		return p.list(term)
	}
	return p.rest(term)
}

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

func (p *packer) list(term etf.Raw) error {
	elements, err := etf.SplitList(term, nil)
	if err != nil {
		return fmt.Errorf("an improper list has no MessagePack form")
	}
	if err := p.e.EncodeArrayLen(len(elements)); err != nil {
		return err
	}
	for _, element := range elements {
		if err := p.value(element); err != nil {
			return err
		}
	}
	return nil
}

func (p *packer) sequence(body etf.Raw, count int) error {
	if err := p.e.EncodeArrayLen(count); err != nil {
		return err
	}
	return p.elements(body, count)
}

func (p *packer) elements(body etf.Raw, count int) error {
	n := 0
	for range count {
		size := etf.Size(body[n:])
		if err := p.value(body[n : n+size]); err != nil {
			return err
		}
		n += size
	}
	return nil
}

// rest writes floats and integers past an int64, and refuses what is left.
func (p *packer) rest(term etf.Raw) error {
	var v any
	if err := etf.Decode(term, &v); err != nil {
		return err
	}
	switch v := v.(type) {
	case float64:
		return p.e.EncodeFloat64(v)
	case *big.Int:
		if v.IsUint64() {
			return p.e.EncodeUint(v.Uint64())
		}
		return fmt.Errorf("an integer outside %d..%d has no MessagePack form", math.MinInt64, uint64(math.MaxUint64))
	}
	return fmt.Errorf("%T has no MessagePack form", v)
}
