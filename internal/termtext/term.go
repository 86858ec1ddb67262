package termtext

import (
	"strings"
	"unicode"

	"portworker/etf"
)

// term reads a term whose first character comes next.
func (r *Reader) term() (any, error) {
	if r.depth++; r.depth > maxDepth {
		return nil, r.problem("terms nest more than %d levels deep", maxDepth)
	}
	defer func() { r.depth-- }()
	c, ok := r.peek()
	switch {
	case !ok:
		return nil, r.unexpected("a term")
	case c == '"':
		return r.quoted(bytesEscapes)
	case c == '\'':
		return r.quotedAtom()
	case c == ':':
		return r.colonAtom()
	case c == '[':
		return r.list()
	case c == '{':
		return r.tuple()
	case c == '%':
		return r.pairs('%')
	case c == '#' && r.peekSecond() == '{':
		return r.pairs('#')
	case c == '#':
		return r.identifier()
	case c == '<':
		return r.bits()
	case c == '~':
		return r.charlist()
	case c == '&':
		return r.capture()
	case c == '$' || c == '?':
		return r.character()
	case c == '-' || c == '+' || isDigit(c):
		return r.number()
	case unicode.IsUpper(c):
		return r.alias()
	case unicode.IsLetter(c):
		return r.word()
	}
	return nil, r.unexpected("a term")
}

// word reads a bare atom, or an external function.
func (r *Reader) word() (any, error) {
	name := r.name()
	switch name {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "nil":
		return nil, nil
	case "null":
		if r.json > 0 {
			return nil, nil
		}
	case "fun":
		if c, ok := r.peek(); ok && c == ' ' {
			return r.external()
		}
	}
	return etf.Atom(name), nil
}

// name reads the characters of a bare atom.
func (r *Reader) name() string {
	var name strings.Builder
	for {
		c, ok := r.peek()
		if ok && (unicode.IsLetter(c) || unicode.IsDigit(c) || c == '_' || c == '@' || unicode.Is(unicode.Mn, c)) {
			name.WriteString(r.take())
			continue
		}
		if ok && (c == '?' || c == '!') && name.Len() > 0 {
			name.WriteString(r.take())
		}
		return name.String()
	}
}

// colonAtom reads :name, :"name" or :'name'.
func (r *Reader) colonAtom() (any, error) {
	r.take()
	switch c, _ := r.peek(); {
	case c == '"':
		return r.atomOf(r.quoted(charEscapes))
	case c == '\'':
		return r.quotedAtom()
	}
	name := r.name()
	if name == "" || isDigit(rune(name[0])) {
		return nil, r.unexpected("an atom's name after :")
	}
	return atomValue(name), nil
}

func (r *Reader) quotedAtom() (any, error) { return r.atomOf(r.quoted(charEscapes)) }

func (r *Reader) atomOf(name string, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return atomValue(name), nil
}

// atomValue gives the atoms that are Go's own.
func atomValue(name string) any {
	switch name {
	case "true":
		return true
	case "false":
		return false
	case "nil":
		return nil
	}
	return etf.Atom(name)
}

// alias reads a module's name as Elixir has it. It may be a key, which has no prefix; see pair.
func (r *Reader) alias() (any, error) {
	name := r.name()
	for {
		c, ok := r.peek()
		if !ok || c != '.' || !unicode.IsUpper(rune(r.peekSecond())) {
			if name == "Elixir" || strings.HasPrefix(name, "Elixir.") {
				return etf.Atom(name), nil
			}
			return etf.Atom("Elixir." + name), nil
		}
		r.take()
		name += "." + r.name()
	}
}

func isDigit(c rune) bool { return c >= '0' && c <= '9' }
