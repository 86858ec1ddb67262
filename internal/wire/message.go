// Package wire takes packets apart into messages, whichever side they come from and whichever codec
// they are in.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"portworker/etf"
	"portworker/internal/termtext"
)

const (
	// HeaderSize is the length of what comes before each packet.
	HeaderSize = 4
	// MaxPacket is the largest packet that a worker sends, in bytes.
	MaxPacket = 1<<31 - 1
)

// Limits are more than any packet of a worker needs.
var Limits = etf.Limits{MaxDepth: 20_000, MaxInflated: MaxPacket}

// A Message is one message: its tag, and what follows that. In MessagePack all are what a client of ETF would call lists
// and binaries; identifiers of tasks are compared as they are.
type Message struct {
	Tag   string
	Parts []etf.Raw
}

// Term is the message as a term.
func (m Message) Term() etf.Raw {
	term := etf.AppendAtom(etf.AppendTuple(nil, len(m.Parts)+1), m.Tag)
	for _, part := range m.Parts {
		term = append(term, part...)
	}
	return term
}

// IsMessagePack says whether a packet is not in the External Term Format.
func IsMessagePack(packet []byte) bool { return len(packet) > 0 && packet[0] != etf.Version }

// Split takes a packet apart into its messages, which may share its memory.
func Split(packet []byte) ([]Message, error) {
	term, err := open(packet)
	if err != nil {
		return nil, fmt.Errorf("packet: %w", err)
	}
	packed := IsMessagePack(packet)
	if m, err := split(term, packed); err == nil {
		return []Message{m}, nil
	}
	terms, err := etf.SplitList(term, nil)
	if err != nil {
		return nil, fmt.Errorf("packet: %s: expected a message or a list of messages", term)
	}
	messages := make([]Message, len(terms))
	for i, term := range terms {
		if messages[i], err = split(term, packed); err != nil {
			return nil, fmt.Errorf("packet: %w", err)
		}
	}
	return messages, nil
}

// open returns a packet's term.
func open(packet []byte) (etf.Raw, error) {
	if !IsMessagePack(packet) {
		return Limits.Parse(packet)
	}
	v, err := termtext.ParseMessagePack(packet)
	if err != nil {
		return nil, err
	}
	return etf.Append(nil, v)
}

var errNoMessage = errors.New("expected a tuple whose first element is an atom")

func split(term etf.Raw, packed bool) (Message, error) {
	if tag, n, ok := word(term, packed); ok && n == len(term) {
		return Message{Tag: tag}, nil
	}
	var elements []etf.Raw
	if arity, at, isTuple := etf.ReadTuple(term); isTuple && !packed {
		for range arity {
			n := etf.Size(term[at:])
			elements = append(elements, term[at:at+n:at+n])
			at += n
		}
	} else if packed {
		elements, _ = etf.SplitList(term, nil)
	}
	if len(elements) == 0 {
		return Message{}, errNoMessage
	}
	tag, _, ok := word(elements[0], packed)
	if ok {
		return Message{Tag: tag, Parts: elements[1:]}, nil
	}
	if _, _, isInteger := etf.ReadInt(elements[0]); isInteger && !packed {
		switch len(elements) {
		case 2:
			return shortResult(elements[0], elements[1]), nil
		case 4:
			return Message{Tag: "call", Parts: elements}, nil
		}
	}
	return Message{}, errNoMessage
}

// shortResult is the message that {Ref, Term} stands for.
func shortResult(ref, value etf.Raw) Message {
	outcome := etf.AppendAtom(etf.AppendTuple(nil, 2), "ok")
	return Message{Tag: "result", Parts: []etf.Raw{ref, append(outcome, value...)}}
}

// word reads an atom, or a binary where the codec has no atoms.
func word(term etf.Raw, packed bool) (string, int, bool) {
	if packed {
		text, n, ok := etf.ReadBinary(term)
		return string(text), n, ok
	}
	return etf.ReadAtom(term)
}

// Join makes a packet of messages: one by itself, or a batch.
func Join(messages []Message, messagePack bool) ([]byte, error) {
	terms := make([]etf.Raw, len(messages))
	for i, m := range messages {
		terms[i] = m.Term()
	}
	var v any = terms
	if len(terms) == 1 {
		v = terms[0]
	}
	if !messagePack {
		return etf.Append([]byte{etf.Version}, v)
	}
	term, err := etf.Append(nil, v)
	if err != nil {
		return nil, err
	}
	v = nil
	if err := etf.Decode(term, &v); err != nil {
		return nil, err
	}
	return termtext.AppendMessagePack(nil, v)
}

// Frame is a packet with its length before it.
func Frame(packet []byte) []byte {
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, HeaderSize+len(packet)), uint32(len(packet))), packet...)
}
