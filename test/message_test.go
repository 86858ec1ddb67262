package test

import (
	"fmt"
	"strings"

	"portworker/etf"
)

// A Message is one message of the worker: its tag and what follows.
type Message struct {
	Tag      string
	Elements []Element
	Size     int // encoded, in bytes
	Count    int // how many elements a data message brings
}

// An Element is one element of a message: its encoded bytes and its decoded value.
// The list of a data message is counted and not decoded; see [Peer.Elements].
type Element struct {
	Bytes []byte
	Value any
}

// Ref is the encoded ref of a message that has one, else "".
func (m Message) Ref() string {
	if len(m.Elements) == 0 {
		return ""
	}
	return string(m.Elements[0].Bytes)
}

// At is the plain form of element i after the tag, nil where there is none.
func (m Message) At(i int) any {
	if i >= len(m.Elements) {
		return nil
	}
	return plain(m.Elements[i].Value)
}

func (m Message) String() string {
	parts := []string{m.Tag}
	for i, e := range m.Elements {
		if m.Tag == "data" && i == 1 {
			parts = append(parts, fmt.Sprintf("%d elements", m.Count))
			continue
		}
		text := fmt.Sprint(plain(e.Value))
		if len(text) > 300 {
			text = text[:300] + "…"
		}
		parts = append(parts, text)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// A Failure is an Error map of the worker.
type Failure struct {
	Reason, Message, Stack string
	Details                any
}

// failure reads an Error map, which is to have a reason of the closed list and a message.
func failure(v any) (Failure, error) {
	m, ok := plain(v).(map[string]any)
	if !ok {
		return Failure{}, fmt.Errorf("want an error map, got %v", v)
	}
	f := Failure{Details: m["details"]}
	f.Reason, _ = m["reason"].(string)
	f.Stack, _ = m["stack"].(string)
	f.Message, ok = m["message"].(string)
	if !ok {
		return f, fmt.Errorf("want an error with a message, got %v", m)
	}
	if !reasons[f.Reason] {
		return f, fmt.Errorf("reason %q is not in the closed list: %v", f.Reason, m)
	}
	return f, nil
}

var reasons = map[string]bool{
	"unknown_function": true, "bad_args": true, "bad_message": true, "bad_frame": true,
	"frame_too_large": true, "duplicate_ref": true, "cancelled": true, "timeout": true,
	"overloaded": true, "draining": true, "panic": true, "failed": true, "circuit_open": true,
	"unsupported": true,
}

// plain is the form in which both codecs agree: atoms and binaries are strings,
// tuples and lists []any, maps of text keys map[string]any.
func plain(v any) any {
	switch v := v.(type) {
	case etf.Atom:
		return string(v)
	case []byte:
		return string(v)
	case etf.Tuple:
		return plain([]any(v))
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = plain(e)
		}
		return list
	case etf.Map:
		return plainMap(v)
	case int:
		return int64(v)
	default:
		return v
	}
}

func plainMap(m etf.Map) any {
	text := make(map[string]any, len(m))
	other := make(etf.Map, len(m))
	for i, p := range m {
		key := plain(p.Key)
		other[i] = etf.Pair{Key: key, Value: plain(p.Value)}
		if s, ok := key.(string); ok {
			text[s] = other[i].Value
		}
	}
	if len(text) < len(other) {
		return other
	}
	return text
}

// atom, tuple, list and options write terms the way a script would.

func atom(name string) etf.Atom { return etf.Atom(name) }

func tuple(elements ...any) etf.Tuple { return elements }

func list(elements ...any) []any {
	if elements == nil {
		return []any{}
	}
	return elements
}

// options is a map with atom keys, from keys and values in turn.
func options(keysAndValues ...any) etf.Map {
	var m etf.Map
	for i := 0; i < len(keysAndValues); i += 2 {
		m = append(m, etf.Pair{Key: atom(keysAndValues[i].(string)), Value: keysAndValues[i+1]})
	}
	return m
}

func call(ref any, name string, args ...any) etf.Tuple {
	return tuple(atom("call"), ref, atom(name), list(args...))
}

func callWith(opts etf.Map, ref any, name string, args ...any) etf.Tuple {
	return append(call(ref, name, args...), opts)
}

func cancel(ref any) etf.Tuple { return tuple(atom("cancel"), ref) }

func ownerDown(owner any) etf.Tuple { return tuple(atom("owner_down"), owner) }

func credit(ref, n any) etf.Tuple { return tuple(atom("credit"), ref, n) }

func send(ref, v any) etf.Tuple { return tuple(atom("send"), ref, v) }

func halfClose(ref any) etf.Tuple { return tuple(atom("close"), ref) }

func ack(bytes any) etf.Tuple { return tuple(atom("ack"), bytes) }

func reply(id, v any) etf.Tuple { return tuple(atom("reply"), id, tuple(atom("ok"), v)) }

func replyError(id, v any) etf.Tuple { return tuple(atom("reply"), id, tuple(atom("error"), v)) }

func ping(v any) etf.Tuple { return tuple(atom("ping"), v) }

func hello(keysAndValues ...any) etf.Tuple {
	return tuple(atom("hello"), append(options("protocol", 1), options(keysAndValues...)...))
}

// text is all a plain value says, to look for words in.
func text(v any) string { return fmt.Sprint(v) }
