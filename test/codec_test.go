package test

import (
	"bytes"
	"fmt"
	"io"
	"math/big"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"portworker/etf"
)

// A codec is one of the two forms a connection's packets take. Scenarios write
// terms as etf values; encode turns them into the codec's own form.
type codec interface {
	// packet is the payload of a packet that holds v.
	packet(v any) []byte
	// term is v as it stands inside a message.
	term(v any) []byte
	// messages are the messages in a payload, in order.
	messages(payload []byte) ([]Message, error)
	// value decodes one element of a message.
	value(term []byte) (any, error)
}

// etfCodec is the External Term Format.
type etfCodec struct{}

func (etfCodec) packet(v any) []byte { return must(etf.Marshal(v)) }

func (etfCodec) term(v any) []byte { return must(etf.Append(nil, v)) }

func (etfCodec) messages(payload []byte) ([]Message, error) {
	term, err := etf.Limits{}.Parse(payload)
	if err != nil {
		return nil, err
	}
	terms := []etf.Raw{term}
	if n, _, ok := etf.ReadList(term); ok {
		if n == 0 {
			return nil, fmt.Errorf("an empty batch")
		}
		if terms, err = etf.SplitList(term, nil); err != nil {
			return nil, err
		}
	}
	messages := make([]Message, len(terms))
	for i, term := range terms {
		if messages[i], err = etfMessage(term); err != nil {
			return nil, err
		}
	}
	return messages, nil
}

func etfMessage(term etf.Raw) (Message, error) {
	arity, n, ok := etf.ReadTuple(term)
	if !ok || arity == 0 {
		return Message{}, fmt.Errorf("want a tuple, got % x", head(term))
	}
	rest := term[n:]
	tag, n, ok := etf.ReadAtom(rest)
	if !ok {
		return Message{}, fmt.Errorf("want a tag, got % x", head(rest))
	}
	m := Message{Tag: tag, Size: len(term)}
	for rest = rest[n:]; len(rest) > 0; {
		size := etf.Size(rest)
		e := Element{Bytes: rest[:size]}
		if count, _, ok := etf.ReadList(rest); ok && tag == "data" && len(m.Elements) == 1 {
			m.Count = count
		} else if err := rest[:size].Unmarshal(&e.Value); err != nil {
			return Message{}, fmt.Errorf("element of %s: %w", tag, err)
		}
		m.Elements = append(m.Elements, e)
		rest = rest[size:]
	}
	return m, nil
}

func (etfCodec) value(term []byte) (v any, err error) {
	err = etf.Raw(term).Unmarshal(&v)
	return v, err
}

// msgpackCodec is MessagePack: tuples are arrays and atoms strings.
type msgpackCodec struct{}

func (c msgpackCodec) packet(v any) []byte { return c.term(v) }

func (msgpackCodec) term(v any) []byte {
	var buf bytes.Buffer
	if err := encodeMsgpack(msgpack.NewEncoder(&buf), v); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

func encodeMsgpack(enc *msgpack.Encoder, v any) error {
	switch v := v.(type) {
	case etf.Atom:
		return enc.EncodeString(string(v))
	case etf.Tuple:
		return encodeMsgpack(enc, []any(v))
	case []any:
		if err := enc.EncodeArrayLen(len(v)); err != nil {
			return err
		}
		for _, e := range v {
			if err := encodeMsgpack(enc, e); err != nil {
				return err
			}
		}
		return nil
	case etf.Map:
		if err := enc.EncodeMapLen(len(v)); err != nil {
			return err
		}
		for _, p := range v {
			if err := encodeMsgpack(enc, p.Key); err != nil {
				return err
			}
			if err := encodeMsgpack(enc, p.Value); err != nil {
				return err
			}
		}
		return nil
	default:
		return enc.Encode(v)
	}
}

func (msgpackCodec) messages(payload []byte) ([]Message, error) {
	if payload[0] == etf.Version {
		// Before the peer's first usable packet the worker cannot know its codec, and
		// no message of this one begins like that.
		return etfCodec{}.messages(payload)
	}
	first, err := splitArray(payload)
	if err != nil || len(first) == 0 {
		return nil, fmt.Errorf("want a message or a batch, got % x: %w", head(payload), err)
	}
	if msgpcode.IsString(first[0][0]) {
		m, err := msgpackMessage(payload)
		return []Message{m}, err
	}
	messages := make([]Message, len(first))
	for i, raw := range first {
		if messages[i], err = msgpackMessage(raw); err != nil {
			return nil, err
		}
	}
	return messages, nil
}

func msgpackMessage(raw []byte) (Message, error) {
	parts, err := splitArray(raw)
	if err != nil || len(parts) == 0 {
		return Message{}, fmt.Errorf("want a message, got % x: %w", head(raw), err)
	}
	m := Message{Size: len(raw)}
	if err := msgpack.Unmarshal(parts[0], &m.Tag); err != nil {
		return m, fmt.Errorf("tag: %w", err)
	}
	for i, part := range parts[1:] {
		if m.Tag == "data" && i == 1 {
			if m.Count, err = msgpack.NewDecoder(bytes.NewReader(part)).DecodeArrayLen(); err != nil {
				return m, fmt.Errorf("elements of data: %w", err)
			}
			m.Elements = append(m.Elements, Element{Bytes: part})
			continue
		}
		v, err := decodeMsgpack(msgpack.NewDecoder(bytes.NewReader(part)))
		if err != nil {
			return m, fmt.Errorf("element of %s: %w", m.Tag, err)
		}
		m.Elements = append(m.Elements, Element{Bytes: part, Value: v})
	}
	return m, nil
}

func (msgpackCodec) value(term []byte) (any, error) {
	return decodeMsgpack(msgpack.NewDecoder(bytes.NewReader(term)))
}

// splitArray returns the elements of an array as bytes, and refuses anything after it.
func splitArray(raw []byte) ([]msgpack.RawMessage, error) {
	r := bytes.NewReader(raw)
	dec := msgpack.NewDecoder(r)
	n, err := dec.DecodeArrayLen()
	if err != nil {
		return nil, err
	}
	if n < 0 {
		return nil, fmt.Errorf("nil where an array was expected")
	}
	parts := make([]msgpack.RawMessage, n)
	for i := range parts {
		if parts[i], err = dec.DecodeRaw(); err != nil {
			return nil, err
		}
	}
	if _, err := dec.PeekCode(); err != io.EOF {
		return nil, fmt.Errorf("bytes after the array")
	}
	return parts, nil
}

// decodeMsgpack decodes into the types etf decodes into: both kinds of bytes
// become a string, integers int64 or *big.Int, maps etf.Map.
func decodeMsgpack(dec *msgpack.Decoder) (any, error) {
	code, err := dec.PeekCode()
	if err != nil {
		return nil, err
	}
	switch {
	case msgpcode.IsFixedArray(code), code == msgpcode.Array16, code == msgpcode.Array32:
		n, err := dec.DecodeArrayLen()
		if err != nil {
			return nil, err
		}
		list := make([]any, n)
		for i := range list {
			if list[i], err = decodeMsgpack(dec); err != nil {
				return nil, err
			}
		}
		return list, nil
	case msgpcode.IsFixedMap(code), code == msgpcode.Map16, code == msgpcode.Map32:
		n, err := dec.DecodeMapLen()
		if err != nil {
			return nil, err
		}
		m := make(etf.Map, n)
		for i := range m {
			if m[i].Key, err = decodeMsgpack(dec); err != nil {
				return nil, err
			}
			if m[i].Value, err = decodeMsgpack(dec); err != nil {
				return nil, err
			}
		}
		return m, nil
	default:
		v, err := dec.DecodeInterfaceLoose()
		return scalar(v), err
	}
}

func scalar(v any) any {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case uint64:
		if i := int64(v); i >= 0 {
			return i
		}
		return new(big.Int).SetUint64(v)
	default:
		return v
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func head(b []byte) []byte { return b[:min(len(b), 32)] }
