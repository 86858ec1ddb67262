package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
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
	call   etf.Raw // the ref of the call that is being read, once it is known
}

// openMessagePack reads all messages of a packet, like Next.
func (p *Parser) openMessagePack(packet []byte) error {
	if len(packet) == 0 {
		return errEmptyPacket
	}
	depth := p.Limits.MaxDepth
	if depth <= 0 {
		depth = etf.DefaultMaxDepth
	}
	u := &unpacker{packet: packet, r: bytes.NewReader(packet), depth: depth, dst: make([]byte, 0, 2*len(packet)+16)}
	u.d = msgpack.GetDecoder()
	defer msgpack.PutDecoder(u.d)
	u.d.Reset(u.r)
	count, err := u.batch()
	if err != nil {
		return u.explained(err)
	}
	for i := range count {
		if err := p.nextMessagePack(u); err != nil {
			return lost(err, count-1-i)
		}
	}
	if u.r.Len() > 0 {
		return u.explained(fmt.Errorf("%d bytes after the end of the value: expected one value in a packet", u.r.Len()))
	}
	return nil
}

// nextMessagePack reads the next message of u. Its translation is well formed, but
// not scanned: duplicate keys are for the scan to find.
func (p *Parser) nextMessagePack(u *unpacker) error {
	start := len(u.dst)
	u.call = nil
	if err := u.message(); err != nil {
		err = u.explained(err)
		if u.call == nil {
			return err
		}
		p.ready = append(p.ready, &Invalid{Ref: u.call, Call: true, Err: frameError(err)})
		return answered{err}
	}
	m, _, err := p.message(u.dst[start:len(u.dst):len(u.dst)], 0)
	if call, ok := m.(*Call); ok {
		own := *call
		m = &own
	}
	if m != nil {
		p.ready = append(p.ready, m)
	}
	return err
}

func (u *unpacker) explained(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("truncated after %d bytes", len(u.packet))
	}
	if strings.HasPrefix(err.Error(), "msgpack: ") { // the library's own
		return err
	}
	return fmt.Errorf("msgpack: %w", err)
}

func (u *unpacker) offset() int { return len(u.packet) - u.r.Len() }

// batch reads the header of an array of messages and returns how many there
// are. Anything else is left to be read as one message.
func (u *unpacker) batch() (messages int, err error) {
	if !isArray(u.packet[0]) {
		return 1, nil
	}
	n, err := u.count(u.d.DecodeArrayLen())
	if err != nil || n == 0 {
		return 0, err
	}
	code, err := u.d.PeekCode()
	if err != nil {
		return 0, err
	}
	if isArray(code) {
		return n, nil
	}
	_, err = u.r.Seek(0, io.SeekStart)
	return 1, err
}

// message reads an array as a tuple that begins with a tag. What is no array
// is read as a tag alone.
func (u *unpacker) message() error {
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
	return u.tuple(n)
}

// tuple reads n elements as a tuple that begins with a tag.
func (u *unpacker) tuple(n int) error {
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
		start = len(u.dst)
		if err := u.element(tag, i); err != nil {
			return err
		}
		if i == 1 && tag == tagCall {
			u.call = u.dst[start:len(u.dst):len(u.dst)]
		}
	}
	return nil
}

// element reads element i of a message, which some messages write in a way of
// their own.
func (u *unpacker) element(tag string, i int) error {
	switch {
	case i == 1 && namesTask(tag):
		return u.ref()
	case i == 1 && tag == tagReply:
		return u.callbackRef()
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

// callbackRef reads the ref of a callback. Those the worker gives out are
// integers; anything else is kept like a client's ref, so that a fault can name it.
func (u *unpacker) callbackRef() error {
	code, err := u.d.PeekCode()
	if err == nil && isInteger(code) {
		return u.value(u.depth)
	}
	return u.ref()
}

// outcome reads ["ok", v] or ["error", v] as a tuple.
func (u *unpacker) outcome() error {
	code, err := u.d.PeekCode()
	if err != nil {
		return err
	}
	if !isArray(code) {
		return u.value(u.depth)
	}
	n, err := u.count(u.d.DecodeArrayLen())
	if err != nil {
		return err
	}
	u.dst = etf.AppendTuple(u.dst, n)
	for i := range n {
		read := u.tag
		if i > 0 {
			read = func() error { return u.value(u.depth) }
		}
		if err := read(); err != nil {
			return err
		}
	}
	return nil
}

// value reads any value; depth is how many levels of containers it may be.
func (u *unpacker) value(depth int) error {
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
	u.dst = etf.AppendList(u.dst, n)
	if err := u.values(n, depth); err != nil {
		return err
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
	return u.values(2*n, depth)
}

// values reads what is in a container that may be so many levels deep.
func (u *unpacker) values(n, depth int) error {
	if n > 0 && depth <= 0 {
		return fmt.Errorf("nested deeper than %d levels at byte %d", u.depth, u.offset())
	}
	for range n {
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

func isInteger(code byte) bool {
	return msgpcode.IsFixedNum(code) || code >= msgpcode.Uint8 && code <= msgpcode.Int64
}
