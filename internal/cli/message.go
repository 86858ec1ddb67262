package cli

import (
	"fmt"

	"portworker/etf"
)

// A message is one of the worker's: its tag, and what follows that, which aliases the packet.
type message struct {
	tag   string
	parts []etf.Raw
}

// splitPacket takes a packet in the External Term Format apart into its messages.
func splitPacket(packet []byte) ([]message, error) {
	term, err := packetLimits.Parse(packet)
	if err != nil {
		return nil, fmt.Errorf("packet from the worker: %w", err)
	}
	if _, _, isTuple := etf.ReadTuple(term); isTuple {
		m, err := splitMessage(term)
		return []message{m}, err
	}
	terms, err := etf.SplitList(term, nil)
	if err != nil {
		return nil, fmt.Errorf("packet from the worker: %w", err)
	}
	messages := make([]message, len(terms))
	for i, term := range terms {
		if messages[i], err = splitMessage(term); err != nil {
			return nil, err
		}
	}
	return messages, nil
}

func splitMessage(term etf.Raw) (message, error) {
	arity, at, _ := etf.ReadTuple(term)
	if arity == 0 {
		return message{}, fmt.Errorf("message %s from the worker: expected a tuple", term)
	}
	tag, n, ok := etf.ReadAtom(term[at:])
	if !ok {
		return message{}, fmt.Errorf("message %s from the worker: expected an atom first", term)
	}
	m := message{tag: tag, parts: make([]etf.Raw, arity-1)}
	at += n
	for i := range m.parts {
		n = etf.Size(term[at:])
		m.parts[i] = term[at : at+n : at+n]
		at += n
	}
	return m, nil
}
