package protocol

import (
	"errors"
	"fmt"

	"portworker/etf"
)

// maxElements is the arity of the largest message, and optionsAt the place of a call's options in it.
const (
	maxElements = 6
	optionsAt   = 4
)

// Parser turns packets into messages, one at a time: [Parser.Open] begins a packet, and
// [Parser.Next] returns its messages. The zero value reads the External Term
// Format until a first packet speaks MessagePack. It is not safe for concurrent
// use, but may be handed from goroutine to goroutine between two messages.
type Parser struct {
	// Limits bound the terms that are accepted.
	Limits etf.Limits

	codec   Codec
	decided bool

	body []byte // of the packet under way, without its version byte
	at   int    // where the next message begins in it
	base int    // where body lies in the packet
	left int    // messages that are still to be read
	list bool   // the packet is a batch

	ready []Message // read ahead, to be returned first
	call  Call      // the latest call, which Next returns in place of a new one
	names names
	memo  optionsMemo
	kept  keptOptions
}

// Codec returns the codec of the connection. It is [ETF] until a packet has
// settled it, and never changes after.
func (p *Parser) Codec() Codec { return p.codec }

// Open begins a packet; what is left of the one before is forgotten.
func (p *Parser) Open(packet []byte) {
	p.ready, p.left = nil, 0
	p.settle(packet)
	open := p.openETF
	if p.codec == MessagePack {
		open = p.openMessagePack
	}
	if err := open(packet); err != nil {
		p.fail(err)
	}
}

// Next returns the next message of the packet, in order, or nil at its end. What cannot be
// used is returned as [*Invalid] in its place, and never hides the messages
// before it. A message whose bytes are no term hides those behind it in the same
// packet, since nobody can tell where they begin; then an Invalid without a ref ends the
// packet, unless a call's Invalid has said all there is to say.
//
// A [*Call] is the parser's, and holds until Next is called again.
func (p *Parser) Next() Message {
	if len(p.ready) > 0 {
		m := p.ready[0]
		p.ready = p.ready[1:]
		return m
	}
	if p.left == 0 {
		return nil
	}
	m, size, err := p.message(p.body[p.at:], p.base+p.at)
	p.left--
	p.at += size
	if err != nil {
		err = lost(err, p.left)
		p.left = 0
	} else if p.left == 0 {
		err = p.close()
	}
	if err != nil {
		p.fail(err)
	}
	if m == nil {
		return p.Next() // what has just been found to be wrong
	}
	return m
}

// Done reports whether the packet has no more messages.
func (p *Parser) Done() bool { return p.left == 0 && len(p.ready) == 0 }

// fail ends the packet with err, unless that was told under a call's ref.
func (p *Parser) fail(err error) {
	if _, told := err.(answered); !told {
		p.ready = append(p.ready, &Invalid{Err: frameError(err)})
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

func (p *Parser) openETF(packet []byte) error {
	if len(packet) == 0 {
		return errEmptyPacket
	}
	body, err := p.Limits.Open(packet)
	if err != nil {
		return err
	}
	p.body, p.at, p.base = body, 0, 0 // in a compressed term, offsets count inflated bytes
	if len(packet) == len(body)+1 {
		p.base = 1
	}
	count, n, isList := etf.ReadList(body)
	p.list = isList && n > 1 // the empty batch has no more to it
	switch {
	case !isList:
		p.left = 1
		return nil
	case p.list:
		p.left = count
	}
	if p.at = n; p.left == 0 {
		return p.close()
	}
	return nil
}

// close checks what is behind the last message of a packet.
func (p *Parser) close() error {
	if p.list {
		if err := p.endOfBatch(); err != nil {
			return err
		}
	}
	if p.at < len(p.body) {
		return fmt.Errorf("%d bytes after the end of the term: expected one term in a packet", len(p.body)-p.at)
	}
	return nil
}

func (p *Parser) endOfBatch() error {
	rest := p.body[p.at:]
	tail, err := p.Limits.Scan(rest)
	if err != nil {
		return fmt.Errorf("end of batch: %w", p.located(err, p.base+p.at))
	}
	if _, length, ok := etf.ReadList(rest); !ok || length != 1 {
		return errors.New("batch is an improper list: expected a proper list of messages")
	}
	p.at += tail
	return nil
}

// message reads the first message of b, element by element, so that one scan
// serves for both validity and the places of the elements. base is where b lies in the
// packet. An error is about bytes, and means that the length is not known; it may come with
// the news of it for a call.
func (p *Parser) message(b []byte, base int) (Message, int, error) {
	arity, n, ok := etf.ReadTuple(b)
	if !ok || arity == 0 || arity > maxElements {
		return p.misshapen(b, base)
	}
	var elements [maxElements]etf.Raw
	var known *knownOptions
	for i := range arity {
		if i == optionsAt {
			var size int
			if known, size = p.memo.find(b[n:], p.Limits); known != nil {
				elements[i] = etf.Raw(b[n : n+size : n+size])
				n += size
				continue
			}
		}
		size, err := p.Limits.Scan(b[n:])
		if err != nil {
			err = p.located(err, base+n)
			if ref := p.callRef(elements[:i], arity); ref != nil {
				return &Invalid{Ref: ref, Call: true, Err: frameError(err)}, 0, answered{err}
			}
			return nil, 0, err
		}
		elements[i] = etf.Raw(b[n : n+size : n+size])
		n += size
	}
	return p.parse(elements[:arity], known), n, nil
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
func (p *Parser) misshapen(b []byte, base int) (Message, int, error) {
	n, err := p.Limits.Scan(b)
	if err != nil {
		return nil, 0, p.located(err, base)
	}
	term := etf.Raw(b[:n:n])
	if name, _, ok := etf.ReadAtom(term); ok && name == tagDrain {
		return &Drain{}, n, nil
	}
	if arity, header, ok := etf.ReadTuple(term); ok && arity > maxElements {
		if tag, size, ok := etf.ReadAtom(term[header:]); ok {
			second := term[header+size:]
			return unknownShape(tag, second[:etf.Size(second)], arity), n, nil
		}
	}
	return &Invalid{Err: messageError("%s is no message: expected a tuple that begins with its tag, or the atom drain", term)}, n, nil
}
