package cli

import (
	"errors"
	"fmt"
	"io"

	"portworker/etf"
	"portworker/internal/recording"
	"portworker/internal/termtext"
	"portworker/internal/wire"
	"portworker/protocol"
)

// Decode reads packets from in and writes their messages to out, each in a line, as they come. A
// batch is as many lines: how messages are put into packets means nothing. Of a recording it writes the packets
// that are in it as terms.
func Decode(in io.Reader, out io.Writer, e Encoding) error {
	packets := protocol.NewPacketReader(in, wire.MaxPacket)
	recorded := false
	for n := 1; ; n++ {
		packet, err := packets.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return fmt.Errorf("decode: the input ended inside packet %d: expected whole packets, each a four-byte length and that many bytes", n)
		case err != nil:
			return fmt.Errorf("decode: %w", err)
		}
		v, err := e.parse(packet)
		if err != nil {
			return fmt.Errorf("decode: packet %d: %w", n, err)
		}
		if recorded {
			v = e.opened(v)
		}
		recorded = recorded || n == 1 && recording.IsHeader(packet)
		if err := e.print(out, v); err != nil {
			return fmt.Errorf("decode: %w", err)
		}
	}
}

func (e Encoding) parse(packet []byte) (any, error) {
	if e.MessagePack {
		return termtext.ParseMessagePack(packet)
	}
	term, err := wire.Limits.Parse(packet)
	if err != nil {
		return nil, fmt.Errorf("%w (packets in MessagePack are read with --msgpack)", err)
	}
	var v any
	return v, etf.Decode(term, &v)
}

// opened is a record of a recording with the term of its packet, where that is one.
func (e Encoding) opened(record any) any {
	tuple, ok := record.(etf.Tuple)
	if !ok || len(tuple) != 3 {
		return record
	}
	packet, ok := tuple[2].(string)
	if !ok {
		return record
	}
	v, err := Encoding{MessagePack: wire.IsMessagePack([]byte(packet))}.parse([]byte(packet))
	if err != nil {
		return record
	}
	return etf.Tuple{tuple[0], tuple[1], v}
}

// print writes the messages of a packet.
func (e Encoding) print(out io.Writer, v any) error {
	messages, isBatch := v.([]any)
	for _, m := range messages {
		isBatch = isBatch && e.isMessage(m)
	}
	if !isBatch || len(messages) == 0 {
		messages = []any{v}
	}
	var lines []byte
	var err error
	for _, m := range messages {
		if lines, err = e.Syntax.Append(lines, m); err != nil {
			return err
		}
		lines = append(lines, '\n')
	}
	_, err = out.Write(lines)
	return err
}

// isMessage says whether an element of a list is a message, and the list a batch.
func (e Encoding) isMessage(v any) bool {
	switch v := v.(type) {
	case etf.Tuple:
		return true
	case etf.Atom:
		return v == "drain"
	case []any:
		return e.MessagePack
	}
	return false
}
