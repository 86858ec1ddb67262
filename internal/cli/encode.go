package cli

import (
	"errors"
	"fmt"
	"io"

	"portworker/etf"
	"portworker/internal/termtext"
	"portworker/internal/wire"
)

// Encoding says what the text is in, and what the packets are in.
type Encoding struct {
	Syntax      termtext.Syntax // of the text; to be read, Erlang and Elixir are one
	MessagePack bool            // packets in MessagePack, not in the External Term Format
}

// A termReader reads terms one by one, up to io.EOF.
type termReader interface{ Next() (any, error) }

func (e Encoding) reader(in io.Reader) termReader {
	if e.Syntax == termtext.JSON {
		return termtext.NewJSONReader(in)
	}
	return termtext.NewReader(in)
}

// Encode reads terms from in and writes each to out as a packet, as soon as it is there. With drain
// it adds the message that lets a worker finish what it was given before the input ends.
func Encode(in io.Reader, out io.Writer, e Encoding, drain bool) error {
	terms := e.reader(in)
	for {
		v, err := terms.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = e.write(out, v)
		}
		if err != nil {
			return fmt.Errorf("encode: %w", err)
		}
	}
	if drain {
		return e.write(out, etf.Atom("drain"))
	}
	return nil
}

// write writes a term as one packet, in one piece.
func (e Encoding) write(out io.Writer, v any) (err error) {
	var packet []byte
	if e.MessagePack {
		packet, err = termtext.AppendMessagePack(nil, v)
	} else {
		if e.Syntax == termtext.JSON {
			v = messagesOf(v)
		}
		packet, err = etf.Append([]byte{etf.Version}, v)
	}
	if err != nil {
		return err
	}
	if len(packet) > wire.MaxPacket {
		return fmt.Errorf("a term of %d bytes: a packet holds at most %d", len(packet), wire.MaxPacket)
	}
	_, err = out.Write(wire.Frame(packet))
	return err
}

// messagesOf gives a message that came as JSON its tuples and its atoms: an array is one, an array of
// arrays is a batch.
func messagesOf(v any) any {
	if v == "drain" {
		return etf.Atom("drain")
	}
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return v
	}
	if _, isBatch := list[0].([]any); isBatch {
		batch := make([]any, len(list))
		for i := range list {
			batch[i] = messagesOf(list[i])
		}
		return batch
	}
	tag, ok := list[0].(string)
	if !ok {
		return v
	}
	message := append(etf.Tuple{etf.Atom(tag)}, list[1:]...)
	if tag == "reply" && len(message) == 3 {
		if outcome, ok := message[2].([]any); ok && len(outcome) == 2 {
			if word, ok := outcome[0].(string); ok {
				message[2] = etf.Tuple{etf.Atom(word), outcome[1]}
			}
		}
	}
	return message
}
