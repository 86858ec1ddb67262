package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"portworker/etf"
)

// MessagePack is served by translation: a packet becomes ETF bytes on the way in
// and ETF messages become MessagePack on the way out, so that everything between
// has one idea of a term. A ref is carried through as its MessagePack bytes inside a
// binary, and comes out again as it went in.

// looksLikeMessagePack reports whether a first packet can be a message in
// MessagePack: an array, or the string drain.
func looksLikeMessagePack(packet []byte) bool {
	c := packet[0]
	return msgpcode.IsFixedArray(c) || c == msgpcode.Array16 || c == msgpcode.Array32 || string(packet) == "\xa5drain"
}

// unpacker translates one packet.
type unpacker struct {
	packet []byte
	r      *bytes.Reader
	d      *msgpack.Decoder
	dst    []byte
	depth  int
}

// fromMessagePack returns the packet's message or batch as ETF bytes. The bytes
// are well formed, but not scanned: duplicate keys are for the scan to find.
func fromMessagePack(packet []byte, limits etf.Limits) ([]byte, error) {
	depth := limits.MaxDepth
	if depth <= 0 {
		depth = etf.DefaultMaxDepth
	}
	u := &unpacker{packet: packet, r: bytes.NewReader(packet), depth: depth, dst: make([]byte, 0, 2*len(packet)+16)}
	u.d = msgpack.GetDecoder()
	defer msgpack.PutDecoder(u.d)
	u.d.Reset(u.r)
	err := u.top()
	if err == nil && u.r.Len() > 0 {
		err = fmt.Errorf("%d bytes after the end of the value: expected one value in a packet", u.r.Len())
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("truncated MessagePack after %d bytes", len(packet))
	}
	if err != nil {
		return nil, fmt.Errorf("msgpack: %w", err)
	}
	return u.dst, nil
}

func (u *unpacker) offset() int { return len(u.packet) - u.r.Len() }

// top reads a message, or an array of messages.
func (u *unpacker) top() error {
	code, err := u.d.PeekCode()
	if err != nil {
		return err
	}
	if !isArray(code) {
		return u.tag()
	}
	n, err := u.count(u.d.DecodeArrayLen())
	if err != nil {
		return err
	}
	if n == 0 {
		u.dst = etf.AppendNil(u.dst)
		return nil
	}
	if code, err = u.d.PeekCode(); err != nil {
		return err
	}
	if !isArray(code) {
		return u.message(n)
	}
	u.dst = etf.AppendList(u.dst, n)
	for range n {
		if err := u.batched(); err != nil {
			return err
		}
	}
	u.dst = etf.AppendNil(u.dst)
	return nil
}

// batched reads one message of a batch.
func (u *unpacker) batched() error {
	code, err := u.d.PeekCode()
	if err != nil {
		return err
	}
	if !isArray(code) {
		return u.tag()
	}
	n, err := u.count(u.d.DecodeArrayLen())
	if err != nil {
		return err
	}
	return u.message(n)
}

// message reads the n elements of a message as a tuple.
func (u *unpacker) message(n int) error {
	u.dst = etf.AppendTuple(u.dst, n)
	if n == 0 {
		return nil
	}
	start := len(u.dst)
	if err := u.tag(); err != nil {
		return err
	}
	tag, _, _ := etf.ReadAtom(u.dst[start:])
	for i := 1; i < n; i++ {
		if err := u.element(tag, i); err != nil {
			return err
		}
	}
	return nil
}

// element reads element i of a message, which some messages write in a way of
// their own.
func (u *unpacker) element(tag string, i int) error {
	switch {
	case i == 1 && (tag == tagCall || tag == tagCancel || tag == tagCredit || tag == tagSend || tag == tagClose):
		return u.ref()
	case i == 2 && tag == tagReply:
		return u.outcome()
	}
	return u.value(u.depth)
}

// tag reads a string as an atom; what cannot be one stays what it is.
func (u *unpacker) tag() error {
	start := len(u.dst)
	if err := u.value(u.depth); err != nil {
		return err
	}
	name, _, ok := etf.ReadBinary(u.dst[start:])
	if ok && utf8.Valid(name) && utf8.RuneCount(name) <= etf.MaxAtomChars {
		u.dst = etf.AppendAtom(u.dst[:start], string(name))
	}
	return nil
}

// ref reads a scalar and keeps its bytes.
func (u *unpacker) ref() error {
	code, err := u.d.PeekCode()
	if err != nil {
		return err
	}
	if isArray(code) || isMap(code) || msgpcode.IsExt(code) {
		return fmt.Errorf("ref at byte %d: expected a scalar (string, binary, number, boolean or nil)", u.offset())
	}
	from, start := u.offset(), len(u.dst)
	if err := u.value(u.depth); err != nil {
		return err
	}
	u.dst = etf.AppendBytes(u.dst[:start], u.packet[from:u.offset()])
	return nil
}

// outcome reads ["ok", v] or ["error", v] as a tuple.
func (u *unpacker) outcome() error {
	code, err := u.d.PeekCode()
	if err != nil || !isArray(code) {
		return errors.Join(err, u.value(u.depth))
	}
	n, err := u.count(u.d.DecodeArrayLen())
	if err != nil {
		return err
	}
	return u.message(n)
}

// value reads any value; depth is how many more levels may be nested.
func (u *unpacker) value(depth int) error {
	if depth <= 0 {
		return fmt.Errorf("nested deeper than %d levels at byte %d", u.depth, u.offset())
	}
	code, err := u.d.PeekCode()
	if err != nil {
		return err
	}
	switch {
	case isArray(code):
		return u.list(depth)
	case isMap(code):
		return u.mapping(depth)
	case msgpcode.IsString(code) || msgpcode.IsBin(code):
		return u.binary()
	}
	return u.scalar(code)
}

func (u *unpacker) scalar(code byte) error {
	switch {
	case code == msgpcode.Nil:
		u.dst = etf.AppendAtom(u.dst, "nil")
		return u.d.DecodeNil()
	case code == msgpcode.True || code == msgpcode.False:
		v, err := u.d.DecodeBool()
		u.dst = etf.AppendBool(u.dst, v)
		return err
	case code == msgpcode.Float || code == msgpcode.Double:
		v, err := u.d.DecodeFloat64()
		if err != nil {
			return err
		}
		u.dst, err = etf.AppendFloat(u.dst, v)
		return err
	case code == msgpcode.Uint64:
		v, err := u.d.DecodeUint64()
		u.dst = etf.AppendUint(u.dst, v)
		return err
	case msgpcode.IsExt(code):
		return fmt.Errorf("extension type at byte %d: it has no term", u.offset())
	}
	v, err := u.d.DecodeInt64()
	u.dst = etf.AppendInt(u.dst, v)
	return err
}

func (u *unpacker) binary() error {
	n, err := u.count(u.d.DecodeBytesLen())
	if err != nil {
		return err
	}
	from := u.offset()
	u.dst = etf.AppendBytes(u.dst, u.packet[from:from+n])
	_, err = u.r.Seek(int64(n), io.SeekCurrent)
	return err
}

func (u *unpacker) list(depth int) error {
	n, err := u.count(u.d.DecodeArrayLen())
	if err != nil {
		return err
	}
	if n > 0 {
		u.dst = etf.AppendList(u.dst, n)
	}
	for range n {
		if err := u.value(depth - 1); err != nil {
			return err
		}
	}
	u.dst = etf.AppendNil(u.dst)
	return nil
}

func (u *unpacker) mapping(depth int) error {
	n, err := u.count(u.d.DecodeMapLen())
	if err != nil {
		return err
	}
	u.dst = etf.AppendMap(u.dst, n)
	for range 2 * n {
		if err := u.value(depth - 1); err != nil {
			return err
		}
	}
	return nil
}

// count refuses a length that the rest of the packet cannot hold, before
// anything is made on its word.
func (u *unpacker) count(n int, err error) (int, error) {
	if err == nil && (n < 0 || n > u.r.Len()) {
		err = fmt.Errorf("length %d at byte %d: only %d bytes are left", n, u.offset(), u.r.Len())
	}
	return n, err
}

func isArray(code byte) bool {
	return msgpcode.IsFixedArray(code) || code == msgpcode.Array16 || code == msgpcode.Array32
}

func isMap(code byte) bool {
	return msgpcode.IsFixedMap(code) || code == msgpcode.Map16 || code == msgpcode.Map32
}
