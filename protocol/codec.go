package protocol

import (
	"fmt"
	"math"
	"strings"

	"portworker/etf"
)

// Codec is how terms are written on a connection. It builds the worker's
// messages; [Writer] sends them.
type Codec uint8

// The codecs. The zero value is ETF.
const (
	ETF         Codec = iota // the External Term Format
	MessagePack              // arrays for tuples, strings for atoms
)

// String returns "etf" or "msgpack".
func (c Codec) String() string {
	if c == MessagePack {
		return "msgpack"
	}
	return "etf"
}

// headroom is kept free before an encoded message, so that a packet's header
// and a batch's list header can be put there without moving it.
const headroom = headerSize + 6

// maxOutgoing is the largest message sent: what a BEAM accepts in a packet
// with a four-byte header.
const maxOutgoing = math.MaxInt32

// Outgoing is one message for the client, encoded and not yet queued. It may be
// queued once.
type Outgoing struct {
	buf   []byte // headroom bytes, then the message
	alone bool   // it is not to share a packet with others

	// A message may end in bytes of another's, which are written where they are.
	body, tail []byte
	written    chan struct{} // closed when they may be changed again

	loan loan // is given back when it is written
}

// Size returns the length of the encoded message in bytes.
func (o *Outgoing) Size() int { return len(o.buf) - headroom + len(o.body) + len(o.tail) }

// packing is what a message costs in its packet at most beyond its own bytes: the
// version byte, or a part of what makes a batch.
const packing = 8

// Cost returns how many bytes are to be reserved for the message: no fewer than it
// adds to what the client acknowledges.
func (o *Outgoing) Cost() int { return o.Size() + packing }

// finish turns the ETF message in o into one of the codec's and checks its size.
func (c Codec) finish(o *Outgoing) (*Outgoing, error) {
	if c == MessagePack {
		packed := newOutgoing()
		var err error
		packed.buf, err = toMessagePack(packed.buf, o.buf[headroom:])
		o.release()
		if err != nil {
			packed.release()
			return nil, err
		}
		o = packed
	}
	if o.Size() > maxOutgoing {
		return nil, fmt.Errorf("message of %d bytes: a packet holds at most %d", o.Size(), maxOutgoing)
	}
	return o, nil
}

// must finishes a message made of nothing but what every codec can write.
func (c Codec) must(o *Outgoing) *Outgoing {
	finished, err := c.finish(o)
	if err != nil {
		panic("protocol: " + err.Error())
	}
	return finished
}

// The constant parts of the commonest messages, encoded once.
var (
	resultHead   = string(appendHead(nil, tagResult, nil, 3))
	progressHead = string(appendHead(nil, tagProgress, nil, 3))
	pairHead     = string(etf.AppendTuple(nil, 2))
	okHead       = string(etf.AppendAtom(etf.AppendTuple(nil, 2), "ok"))
)

// build encodes a message that is a head, the ref, a second head, and v.
func (c Codec) build(head string, ref etf.Raw, second string, v any) (*Outgoing, error) {
	o := newOutgoing()
	o.buf = append(append(append(o.buf, head...), ref...), second...)
	if c == ETF && o.link(v) {
		o.alone = true
		return c.finish(o)
	}
	o = o.expect(v)
	start := len(o.buf)
	var err error
	if o.buf, err = etf.Append(o.buf, v); err != nil {
		o.release()
		return nil, err
	}
	o.alone = c == ETF && (oddRef(ref) || namesLocal(o.buf[start:]))
	return c.finish(o)
}

// linkedTerm is the size from which an encoded term is not copied into its message.
const linkedTerm = 64 << 10

// link makes v the end of the message without a copy, if it is a large term that is
// encoded already. Nobody changes such a term: it is a part of a packet, or was made
// to be sent.
func (o *Outgoing) link(v any) bool {
	raw, ok := v.(*etf.Raw)
	if !ok || len(*raw) < linkedTerm {
		return false
	}
	if size, err := (etf.Limits{}).Scan(*raw); err != nil || size != len(*raw) {
		return false // for the encoder to explain
	}
	o.body = *raw
	return true
}

// appendHead appends the start of a message: {tag, ref of arity elements.
func appendHead(dst []byte, tag string, ref etf.Raw, arity int) []byte {
	dst = etf.AppendAtom(etf.AppendTuple(dst, arity), tag)
	return append(dst, ref...)
}

// Result builds {result, Ref, {ok, v}}. It fails when v cannot be encoded.
func (c Codec) Result(ref etf.Raw, v any) (*Outgoing, error) {
	return c.build(resultHead, ref, okHead, v)
}

// ShortResult builds {Ref, v}, which says the same as the message of [Codec.Result] and takes a BEAM an eighth of the time
// to read: it has no words to look up. A ref that is no integer, and MessagePack, have no such form, and are
// written as by Result.
func (c Codec) ShortResult(ref etf.Raw, v any) (*Outgoing, error) {
	if _, n, ok := etf.ReadInt(ref); c != ETF || !ok || n != len(ref) {
		return c.Result(ref, v)
	}
	return c.build(pairHead, ref, "", v)
}

// Failure builds {result, Ref, {error, e}}.
func (c Codec) Failure(ref etf.Raw, e *Error) *Outgoing {
	return c.withError(ref, e, func(dst []byte) []byte {
		return etf.AppendAtom(etf.AppendTuple(appendHead(dst, tagResult, ref, 3), 2), "error")
	})
}

// Fault builds {fault, Ref, e}; a nil ref is sent as the atom undefined.
func (c Codec) Fault(ref etf.Raw, e *Error) *Outgoing {
	if ref == nil {
		ref = undefined
	}
	return c.withError(ref, e, func(dst []byte) []byte { return appendHead(dst, tagFault, ref, 3) })
}

var undefined = etf.Raw(etf.AppendAtom(nil, "undefined"))

// withError builds a message that ends in an error. Details that this codec
// cannot write are left out rather than the error.
func (c Codec) withError(ref etf.Raw, e *Error, head func([]byte) []byte) *Outgoing {
	o := newOutgoing()
	o.buf = appendError(head(o.buf), e)
	o.alone = c == ETF && oddRef(ref)
	finished, err := c.finish(o)
	if err == nil {
		return finished
	}
	plain := *e
	plain.Details, plain.Message = nil, fmt.Sprintf("%s (its details could not be encoded: %v)", e.Message, err)
	o = newOutgoing()
	o.buf = appendError(head(o.buf), &plain)
	return c.must(o)
}

// Progress builds {progress, Ref, v}.
func (c Codec) Progress(ref etf.Raw, v any) (*Outgoing, error) {
	return c.build(progressHead, ref, "", v)
}

// Hello builds the worker's hello from a map.
func (c Codec) Hello(fields etf.Map) (*Outgoing, error) {
	o := newOutgoing()
	o.buf = etf.AppendAtom(etf.AppendTuple(o.buf, 2), tagHello)
	var err error
	if o.buf, err = etf.Append(o.buf, fields); err != nil {
		return nil, err
	}
	return c.finish(o)
}

// Log builds {log, Level, Message, Attrs}.
func (c Codec) Log(level, message string, attrs etf.Map) (*Outgoing, error) {
	o := newOutgoing()
	o.buf = etf.AppendAtom(etf.AppendTuple(o.buf, 4), tagLog)
	o.buf = etf.AppendString(etf.AppendAtom(o.buf, level), message)
	var err error
	if o.buf, err = etf.Append(o.buf, attrs); err != nil {
		return nil, err
	}
	return c.finish(o)
}

// Replace builds {replace, #{reason => Binary, abandoned => N}}.
func (c Codec) Replace(reason string, abandoned int) *Outgoing {
	o := newOutgoing()
	o.buf = etf.AppendAtom(etf.AppendTuple(o.buf, 2), tagReplace)
	o.buf = etf.AppendAtom(etf.AppendMap(o.buf, 2), "reason")
	o.buf = etf.AppendString(o.buf, strings.ToValidUTF8(reason, "\uFFFD"))
	o.buf = etf.AppendInt(etf.AppendAtom(o.buf, "abandoned"), int64(abandoned))
	return c.must(o)
}

// Pong builds the answer to a ping.
func (c Codec) Pong(term etf.Raw) *Outgoing {
	o := newOutgoing()
	o.buf = append(etf.AppendAtom(etf.AppendTuple(o.buf, 2), tagPong), term...)
	o.alone = c == ETF && namesLocal(term)
	finished, err := c.finish(o)
	if err != nil { // a term that came in through MessagePack goes back through it
		return c.Fault(nil, &Error{Reason: BadMessage, Message: "ping: " + err.Error()})
	}
	return finished
}
