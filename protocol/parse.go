package protocol

import (
	"fmt"

	"portworker/etf"
)

// stringExt is the tag with which the BEAM writes a list of bytes.
const stringExt = 107

// shortArity is that of a short call, {Ref, Name, Args, N}.
const shortArity = 4

// isShort reports whether a message of so many elements, of which this is the first, is a short call. MessagePack has none,
// for its refs are not read.
func (p *Parser) isShort(first etf.Raw, arity int) bool {
	_, _, ok := etf.ReadInt(first)
	return ok && arity == shortArity && p.codec == ETF
}

// callRef returns the ref of a call, of so many elements, whose later ones could not be read.
func (p *Parser) callRef(elements []etf.Raw, arity int) etf.Raw {
	if len(elements) > 0 && p.isShort(elements[0], arity) {
		return elements[0]
	}
	if len(elements) < 2 {
		return nil
	}
	if tag, _, ok := etf.ReadAtom(elements[0]); ok && tag == tagCall {
		return elements[1]
	}
	return nil
}

// The atom call, as the BEAM writes it: since OTP 26, and before.
const (
	callUTF8   = "w\x04call"
	callLatin1 = "d\x00\x04call"
)

// parse makes a message of a tuple's elements; known are its options, if it is a call with
// such that came before.
func (p *Parser) parse(e []etf.Raw, known *knownOptions) Message {
	if text := string(e[0]); (text == callUTF8 || text == callLatin1) && (len(e) == 4 || len(e) == 5) {
		return p.parseCall(e, known)
	}
	tag, _, ok := etf.ReadAtom(e[0])
	if !ok && p.isShort(e[0], len(e)) {
		return p.parseCall([]etf.Raw{nil, e[0], e[1], e[2], e[3]}, nil)
	}
	if !ok {
		return &Invalid{Err: messageError("message tag %s: expected an atom", e[0])}
	}
	switch n := len(e) - 1; {
	case tag == tagCall && (n == 3 || n == 4):
		return p.parseCall(e, known)
	case tag == tagCancel && n == 1:
		return &Cancel{Ref: e[1]}
	case tag == tagCredit && n == 2:
		return parseCredit(e)
	case tag == tagSend && n == 2:
		return &Send{Ref: e[1], Term: e[2]}
	case tag == tagClose && n == 1:
		return &Close{Ref: e[1]}
	case tag == tagOwnerDown && n == 1:
		p.kept.forget(e[1])
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

func (p *Parser) parseCall(e []etf.Raw, known *knownOptions) Message {
	call := &p.call
	call.Ref, call.Args = e[1], e[3]
	refuse := func(err *Error) Message { return &Invalid{Ref: call.Ref, Call: true, Err: err} }
	name, ok := p.names.read(e[2])
	if !ok {
		return refuse(messageError("function name %s: expected an atom or a binary", e[2]))
	}
	call.Function = name
	if !isList(call.Args) {
		return refuse(messageError("arguments %s: expected a list", call.Args))
	}
	if known != nil {
		call.CallOptions = known.read(e[optionsAt])
		return call
	}
	call.CallOptions = defaultOptions
	if len(e) > optionsAt {
		if err := p.parseOptions(e[optionsAt], &call.CallOptions); err != nil {
			return refuse(err)
		}
	}
	return call
}

// parseOptions reads what stands in the place of a call's options.
func (p *Parser) parseOptions(term etf.Raw, o *CallOptions) *Error {
	if _, _, isMap := etf.ReadMap(term); !isMap {
		kept, err := p.kept.read(term)
		if err == nil {
			*o = *kept
		}
		return err
	}
	if err := parseOptions(term, o); err != nil {
		return err
	}
	if o.numbered {
		return p.kept.keep(*o)
	}
	p.memo.keep(term, o)
	return nil
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
