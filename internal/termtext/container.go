package termtext

import (
	"strconv"
	"strings"
	"unicode"

	"portworker/etf"
)

// list reads a list, proper or not. Its last elements may be pairs, as in [a: 1].
func (r *Reader) list() (any, error) {
	r.take()
	list := []any{}
	for {
		done, err := r.closing(']', len(list), "or , in a list")
		if done || err != nil {
			return list, err
		}
		if c, _ := r.peek(); c == '|' && len(list) > 0 {
			return r.tail(list)
		}
		v, key, err := r.element()
		if err != nil {
			return nil, err
		}
		if key {
			if v, err = r.keyword(v); err != nil {
				return nil, err
			}
		}
		list = append(list, v)
	}
}

// closing reads up to the next element: a comma, where it is not the first, or the end. It leaves a
// bar alone.
func (r *Reader) closing(end rune, elements int, expected string) (done bool, err error) {
	if err := r.space(); err != nil {
		return false, err
	}
	if r.accept(end) {
		return true, nil
	}
	c, _ := r.peek()
	if elements == 0 || end == ']' && c == '|' {
		return false, nil
	}
	if !r.accept(',') {
		return false, r.unexpected(string(end) + " " + expected)
	}
	return false, r.space()
}

// tail reads the rest of an improper list.
func (r *Reader) tail(list []any) (any, error) {
	r.take()
	if err := r.space(); err != nil {
		return nil, err
	}
	tail, err := r.term()
	if err == nil {
		err = r.space()
	}
	if err == nil {
		err = r.expect(']', "after the tail of a list")
	}
	if err != nil {
		return nil, err
	}
	switch tail := tail.(type) {
	case []any:
		return append(list, tail...), nil
	case etf.ImproperList:
		tail.Elements = append(list, tail.Elements...)
		return tail, nil
	}
	return etf.ImproperList{Elements: list, Tail: tail}, nil
}

// element reads a term, or a key: a name or a text with a colon behind it.
func (r *Reader) element() (v any, key bool, err error) {
	c, _ := r.peek()
	if v, err = r.term(); err != nil {
		return nil, false, err
	}
	if next, _ := r.peek(); next != ':' || r.peekSecond() == ':' {
		return v, false, nil
	}
	name, key := keyName(c, v)
	if !key {
		return v, false, nil
	}
	r.take()
	return name, true, nil
}

// keyName returns the name that a term gives when a colon follows it; first is its first character.
func keyName(first rune, v any) (string, bool) {
	if first == '"' {
		name, ok := v.(string)
		return name, ok
	}
	if !unicode.IsLetter(first) {
		return "", false
	}
	switch v := v.(type) {
	case etf.Atom:
		if unicode.IsUpper(first) { // Foo: 1 has the key :Foo and not the module
			return strings.TrimPrefix(string(v), "Elixir."), true
		}
		return string(v), true
	case bool:
		return strconv.FormatBool(v), true
	case nil:
		return "nil", true
	}
	return "", false
}

// keyword reads the value of a key, for the pair that both are in a list.
func (r *Reader) keyword(key any) (any, error) {
	if err := r.space(); err != nil {
		return nil, err
	}
	v, err := r.term()
	if err != nil {
		return nil, err
	}
	return etf.Tuple{atomValue(key.(string)), v}, nil
}

// tuple reads a tuple, or a JSON object, which shows in a text with a colon. A tuple's last
// element may be pairs without their brackets, as in {ok, a: 1}.
func (r *Reader) tuple() (any, error) {
	r.take()
	tuple := etf.Tuple{}
	var keywords []any
	for {
		done, err := r.closing('}', len(tuple)+len(keywords), "or , in a tuple")
		if err != nil {
			return nil, err
		}
		if done {
			if keywords != nil {
				tuple = append(tuple, keywords)
			}
			return tuple, nil
		}
		if c, _ := r.peek(); c == '"' && len(tuple)+len(keywords) == 0 {
			text, object, err := r.textOrObject()
			if object != nil || err != nil {
				return object, err
			}
			tuple = append(tuple, text)
			continue
		}
		v, key, err := r.element()
		switch {
		case err != nil:
			return nil, err
		case key:
			if v, err = r.keyword(v); err != nil {
				return nil, err
			}
			keywords = append(keywords, v)
		case keywords != nil:
			return nil, r.problem("expected key: value after a pair in a tuple")
		default:
			tuple = append(tuple, v)
		}
	}
}

// textOrObject reads the text that a brace begins with, and the whole object if a colon follows.
func (r *Reader) textOrObject() (text string, object etf.Map, err error) {
	if text, err = r.quoted(bytesEscapes); err == nil {
		err = r.space()
	}
	if err == nil && r.accept(':') {
		object, err = r.object(text)
	}
	return text, object, err
}

// object reads the rest of a JSON object, after its first key and colon.
func (r *Reader) object(key string) (etf.Map, error) {
	r.json++
	defer func() { r.json-- }()
	object := etf.Map{}
	for {
		if err := r.space(); err != nil {
			return nil, err
		}
		v, err := r.term()
		if err != nil {
			return nil, err
		}
		object = append(object, etf.Pair{Key: key, Value: v})
		done, err := r.closing('}', len(object), "or , in an object")
		if done || err != nil {
			return object, err
		}
		if c, _ := r.peek(); c != '"' {
			return nil, r.unexpected("a key in quotes")
		}
		if key, err = r.quoted(bytesEscapes); err == nil {
			err = r.space()
		}
		if err == nil {
			err = r.expect(':', "after a key")
		}
		if err != nil {
			return nil, err
		}
	}
}

// pairs reads a map in the syntax of Erlang or Elixir, which may be mixed.
func (r *Reader) pairs(sigil rune) (any, error) {
	r.take()
	if err := r.expect('{', "after "+string(sigil)); err != nil {
		return nil, err
	}
	m := etf.Map{}
	for {
		done, err := r.closing('}', len(m), "or , in a map")
		if done || err != nil {
			return m, err
		}
		key, keyword, err := r.element()
		if err != nil {
			return nil, err
		}
		if keyword {
			key = atomValue(key.(string))
		} else if err := r.arrow(); err != nil {
			return nil, err
		}
		if err := r.space(); err != nil {
			return nil, err
		}
		v, err := r.term()
		if err != nil {
			return nil, err
		}
		m = append(m, etf.Pair{Key: key, Value: v})
	}
}

func (r *Reader) arrow() error {
	if err := r.space(); err != nil {
		return err
	}
	if !r.accept('=') || !r.accept('>') {
		return r.unexpected("=> after a key")
	}
	return nil
}
