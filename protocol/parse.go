package protocol

import (
	"errors"
	"fmt"

	"portworker/etf"
)

// maxElements is the arity of the largest message.
const maxElements = 6

// stringExt is the tag with which the BEAM writes a list of bytes.
const stringExt = 107

// Parser turns packets into messages. The zero value reads the External Term
// Format until a first packet speaks MessagePack. It is not safe for concurrent
// use.
type Parser struct {
	// Limits bound the terms that are accepted.
	Limits etf.Limits

	codec   Codec
	decided bool
}

// Codec returns the codec of the connection. It is [ETF] until a packet has
// settled it, and never changes after.
func (p *Parser) Codec() Codec { return p.codec }

// Each calls handle for each message of a packet, in order. What cannot be
// used is handed over as [*Invalid] in its place, and never hides the messages
// before it. A message whose bytes are no term hides those behind it in the same
// packet, since nobody can tell where they begin; then an Invalid without a ref ends the
// packet, unless a call's Invalid has said all there is to say.
func (p *Parser) Each(packet []byte, handle func(Message)) {
	p.settle(packet)
	each := p.eachETF
	if p.codec == MessagePack {
		each = p.eachMessagePack
	}
	err := each(packet, handle)
	if _, told := err.(answered); err != nil && !told {
		handle(&Invalid{Err: frameError(err)})
	}
}

// answered is the error of a call that was handed over under the call's ref.
type answered struct{ error }

// lost returns the error of a message behind which so many more are lost in the
// packet: those have nobody to tell, but for a fault.
func lost(err error, more int) error {
	if told, ok := err.(answered); ok && more > 0 {
		return told.error
	}
	return err
}

// settle decides on the codec by the first packet that can be a message in one.
func (p *Parser) settle(packet []byte) {
	switch {
	case p.decided || len(packet) == 0:
	case packet[0] == etf.Version:
		p.decided = true
	case looksLikeMessagePack(packet):
		p.codec, p.decided = MessagePack, true
	}
}

var errEmptyPacket = errors.New("empty packet: expected one term")

func (p *Parser) eachETF(packet []byte, handle func(Message)) error {
	if len(packet) == 0 {
		return errEmptyPacket
	}
	body, err := p.Limits.Open(packet)
	if err != nil {
		return err
	}
	base := 0 // in a compressed term, offsets count inflated bytes
	if len(packet) == len(body)+1 {
		base = 1
	}
	n, err := p.messages(body, base, handle)
	if err == nil && n < len(body) {
		err = fmt.Errorf("%d bytes after the end of the term: expected one term in a packet", len(body)-n)
	}
	return err
}

// messages reads one message or a batch and returns how long it was; base is
// where body lies in the packet. An error is about bytes, and means that the
// length is not known.
func (p *Parser) messages(body []byte, base int, handle func(Message)) (int, error) {
	count, n, isList := etf.ReadList(body)
	if !isList {
		return p.message(body, base, handle)
	}
	if n == 1 { // the empty batch
		return n, nil
	}
	for i := range count {
		m, err := p.message(body[n:], base+n, handle)
		if err != nil {
			return 0, lost(err, count-1-i)
		}
		n += m
	}
	tail, err := p.Limits.Scan(body[n:])
	if err != nil {
		return 0, fmt.Errorf("end of batch: %w", p.located(err, base+n))
	}
	if _, length, ok := etf.ReadList(body[n:]); !ok || length != 1 {
		return 0, errors.New("batch is an improper list: expected a proper list of messages")
	}
	return n + tail, nil
}

// message reads the first message of b, element by element, so that one scan
// serves for both validity and the places of the elements.
func (p *Parser) message(b []byte, base int, handle func(Message)) (int, error) {
	arity, n, ok := etf.ReadTuple(b)
	if !ok || arity == 0 || arity > maxElements {
		return p.misshapen(b, base, handle)
	}
	var elements [maxElements]etf.Raw
	for i := range arity {
		size, err := p.Limits.Scan(b[n:])
		if err != nil {
			err = p.located(err, base+n)
			if ref := callRef(elements[:i]); ref != nil {
				handle(&Invalid{Ref: ref, Call: true, Err: frameError(err)})
				err = answered{err}
			}
			return 0, err
		}
		elements[i] = etf.Raw(b[n : n+size : n+size])
		n += size
	}
	handle(parseMessage(elements[:arity]))
	return n, nil
}

// located says of a scan's error where in the packet it is. Offsets in a
// translated packet would lead nowhere.
func (p *Parser) located(err error, base int) error {
	syntax, ok := errors.AsType[*etf.SyntaxError](err)
	switch {
	case !ok:
		return err
	case p.codec == MessagePack:
		return errors.New("msgpack: " + syntax.What)
	}
	return &etf.SyntaxError{Offset: base + syntax.Offset, What: syntax.What}
}

// misshapen reads what is not a tuple of a message's size.
func (p *Parser) misshapen(b []byte, base int, handle func(Message)) (int, error) {
	n, err := p.Limits.Scan(b)
	if err != nil {
		return 0, p.located(err, base)
	}
	term := etf.Raw(b[:n:n])
	if name, _, ok := etf.ReadAtom(term); ok && name == tagDrain {
		handle(&Drain{})
		return n, nil
	}
	if arity, header, ok := etf.ReadTuple(term); ok && arity > maxElements {
		if tag, size, ok := etf.ReadAtom(term[header:]); ok {
			second := term[header+size:]
			handle(unknownShape(tag, second[:etf.Size(second)], arity))
			return n, nil
		}
	}
	handle(&Invalid{Err: messageError("%s is no message: expected a tuple that begins with its tag, or the atom drain", term)})
	return n, nil
}

// callRef returns the ref of a call whose later elements could not be read.
func callRef(elements []etf.Raw) etf.Raw {
	if len(elements) < 2 {
		return nil
	}
	if tag, _, ok := etf.ReadAtom(elements[0]); ok && tag == tagCall {
		return elements[1]
	}
	return nil
}

// parseMessage makes a message of a tuple's elements.
func parseMessage(e []etf.Raw) Message {
	tag, _, ok := etf.ReadAtom(e[0])
	if !ok {
		return &Invalid{Err: messageError("message tag %s: expected an atom", e[0])}
	}
	switch n := len(e) - 1; {
	case tag == tagCall && (n == 3 || n == 4):
		return parseCall(e)
	case tag == tagCancel && n == 1:
		return &Cancel{Ref: e[1]}
	case tag == tagCredit && n == 2:
		return parseCredit(e)
	case tag == tagSend && n == 2:
		return &Send{Ref: e[1], Term: e[2]}
	case tag == tagClose && n == 1:
		return &Close{Ref: e[1]}
	case tag == tagOwnerDown && n == 1:
		return &OwnerDown{Owner: e[1]}
	case tag == tagReply && n == 2:
		return parseReply(e)
	case tag == tagAck && n == 1:
		return parseAck(e)
	case tag == tagPing && n == 1:
		return &Ping{Term: e[1]}
	case tag == tagDrain && n == 0:
		return &Drain{}
	case tag == tagHello && n == 1:
		return parseHello(e[1])
	}
	var second etf.Raw
	if len(e) > 1 {
		second = e[1]
	}
	return unknownShape(tag, second, len(e))
}

// shapes says how each message is written, for those who got it wrong.
var shapes = map[string]string{
	tagCall:      "{call, Ref, Name, Args} or {call, Ref, Name, Args, Opts}",
	tagCancel:    "{cancel, Ref}",
	tagCredit:    "{credit, Ref, N}",
	tagSend:      "{send, Ref, Term}",
	tagClose:     "{close, Ref}",
	tagOwnerDown: "{owner_down, Owner}",
	tagReply:     "{reply, CallbackRef, {ok, Term} | {error, Term}}",
	tagAck:       "{ack, Bytes}",
	tagPing:      "{ping, Term}",
	tagDrain:     "drain",
	tagHello:     "{hello, Map}",
}

// unknownShape refuses a tuple of elements that is no message; second is its
// second element, or nil.
func unknownShape(tag string, second etf.Raw, elements int) *Invalid {
	shape, known := shapes[tag]
	if !known {
		return &Invalid{Err: messageError("unknown message tag %q: expected call, cancel, credit, send, close, owner_down, reply, ack, ping, drain or hello", clip(tag))}
	}
	invalid := &Invalid{Err: messageError("%s with %d elements: expected %s", tag, elements, shape)}
	if namesTask(tag) || tag == tagReply {
		invalid.Ref = second
		invalid.Call = tag == tagCall && second != nil
	}
	return invalid
}

// namesTask reports whether the second element of a client's message is the ref
// of a task.
func namesTask(tag string) bool {
	switch tag {
	case tagCall, tagCancel, tagCredit, tagSend, tagClose:
		return true
	}
	return false
}

func parseCall(e []etf.Raw) Message {
	call := &Call{Ref: e[1], Args: e[3]}
	call.CallOptions = CallOptions{Credit: CreditDefault, Progress: true}
	refuse := func(err *Error) Message { return &Invalid{Ref: call.Ref, Call: true, Err: err} }
	name, ok := readName(e[2])
	if !ok {
		return refuse(messageError("function name %s: expected an atom or a binary", e[2]))
	}
	call.Function = name
	if !isList(call.Args) {
		return refuse(messageError("arguments %s: expected a list", call.Args))
	}
	if len(e) == 5 {
		if err := parseOptions(e[4], &call.CallOptions); err != nil {
			return refuse(err)
		}
	}
	return call
}

func parseCredit(e []etf.Raw) Message {
	n, _, ok := etf.ReadInt(e[2])
	if !ok || n <= 0 {
		return &Invalid{Ref: e[1], Err: messageError("credit %s: expected a positive integer", e[2])}
	}
	return &Credit{Ref: e[1], N: clampInt(n)}
}

func parseReply(e []etf.Raw) Message {
	arity, n, ok := etf.ReadTuple(e[2])
	if ok && arity == 2 {
		body := e[2][n:]
		if tag, size, isAtom := etf.ReadAtom(body); isAtom && (tag == "ok" || tag == "error") {
			return &Reply{Ref: e[1], OK: tag == "ok", Value: etf.Raw(body[size:])}
		}
	}
	return &Invalid{Ref: e[1], Err: messageError("reply %s: expected {ok, Term} or {error, Term}", e[2])}
}

func parseAck(e []etf.Raw) Message {
	n, _, ok := etf.ReadInt(e[1])
	if !ok || n < 0 {
		return &Invalid{Err: messageError("ack %s: expected a number of bytes", e[1])}
	}
	return &Ack{Bytes: clampInt(n)}
}

// readName reads a name, which may be an atom or a binary.
func readName(term etf.Raw) (string, bool) {
	if name, _, ok := etf.ReadAtom(term); ok {
		return name, true
	}
	if name, _, ok := etf.ReadBinary(term); ok {
		return string(name), true
	}
	return "", false
}

// isList tells a list of any encoding from other terms. Whether it is a proper
// one shows when the arguments are split, in the task's goroutine.
func isList(term etf.Raw) bool {
	_, _, ok := etf.ReadList(term)
	return ok || term[0] == stringExt
}

func frameError(err error) *Error {
	return &Error{Reason: BadFrame, Message: err.Error()}
}

func messageError(format string, args ...any) *Error {
	return &Error{Reason: BadMessage, Message: fmt.Sprintf(format, args...)}
}

// clampInt keeps a count from another machine's integers within this one's.
func clampInt(n int64) int { return int(min(n, 1<<62)) }
