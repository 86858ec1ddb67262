package termtext

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"portworker/etf"
)

// erlangWords cannot be bare atoms in Erlang.
var erlangWords = strings.Fields(`after and andalso band begin bnot bor bsl bsr bxor case catch cond div else end fun if let
	maybe not of or orelse receive rem try when xor`)

func (p printer) atom(dst []byte, name string) []byte {
	if p.syntax == Erlang {
		if isBare(name) && !slices.Contains(erlangWords, name) {
			return append(dst, name...)
		}
		return p.quoted(dst, name, '\'')
	}
	switch alias, ok := strings.CutPrefix(name, "Elixir."); {
	case ok && isAlias(alias):
		return append(dst, alias...)
	case isName(name):
		return append(append(dst, ':'), name...)
	}
	return p.quoted(append(dst, ':'), name, '"')
}

// key writes an atom as a key in Elixir's short form.
func (p printer) key(dst []byte, name string) []byte {
	if isName(name) && name[0] != '_' {
		dst = append(dst, name...)
	} else {
		dst = p.quoted(dst, name, '"')
	}
	return append(dst, ": "...)
}

// isBare says whether a name needs no quotes in Erlang.
func isBare(name string) bool {
	return name != "" && name[0] >= 'a' && name[0] <= 'z' && isWord(name)
}

// isName says whether a name needs no quotes after a colon in Elixir.
func isName(name string) bool {
	if strings.HasSuffix(name, "?") || strings.HasSuffix(name, "!") {
		name = name[:len(name)-1]
	}
	return name != "" && !isDigit(rune(name[0])) && name[0] != '@' && isWord(name)
}

// isAlias says whether a name without its prefix is one that Elixir writes bare.
func isAlias(name string) bool {
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || part[0] < 'A' || part[0] > 'Z' || !isWord(part) || strings.Contains(part, "@") {
			return false
		}
	}
	return name != "Elixir" && !strings.HasPrefix(name, "Elixir.")
}

func isWord(name string) bool {
	for i := range len(name) {
		c := name[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || isDigit(rune(c)) || c == '_' || c == '@') {
			return false
		}
	}
	return true
}

// plainEscapes are the characters that have an escape in both syntaxes.
var plainEscapes = map[rune]string{'\n': `\n`, '\t': `\t`, '\r': `\r`, '\x1b': `\e`, '\\': `\\`}

// quoted writes a text between quotes.
func (p printer) quoted(dst []byte, text string, quote rune) []byte {
	dst = append(dst, byte(quote))
	for i, c := range text {
		switch escape := plainEscapes[c]; {
		case escape != "":
			dst = append(dst, escape...)
		case c == quote:
			dst = append(dst, '\\', byte(c))
		case c == '#' && p.syntax == Elixir && strings.HasPrefix(text[i+1:], "{"):
			dst = append(dst, '\\', '#')
		case !unicode.IsPrint(c):
			dst = appendCode(dst, c)
		default:
			dst = utf8.AppendRune(dst, c)
		}
	}
	return append(dst, byte(quote))
}

func appendCode(dst []byte, c rune) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, `\x{`...)
	started := false
	for shift := 20; shift >= 0; shift -= 4 {
		if digit := c >> shift & 0xf; digit > 0 || started || shift == 0 {
			started = true
			dst = append(dst, hex[digit])
		}
	}
	return append(dst, '}')
}

// appendNode writes the node of an identifier, so that its full stops are told from those that follow.
func appendNode(dst []byte, node string) []byte {
	for i, c := range node {
		switch {
		case c == '\\' || c == '>':
			dst = append(dst, '\\', byte(c))
		case c == '.' && (i+1 == len(node) || isDigit(rune(node[i+1]))):
			dst = append(dst, `\.`...)
		case !unicode.IsPrint(c):
			dst = appendCode(dst, c)
		default:
			dst = utf8.AppendRune(dst, c)
		}
	}
	return dst
}

// external writes an external function.
func (p printer) external(dst []byte, term etf.Raw) []byte {
	module, n, _ := etf.ReadAtom(term[1:])
	at := 1 + n
	name, n, _ := etf.ReadAtom(term[at:])
	arity := term[at+n:]
	if p.syntax == Erlang {
		dst = append(p.atom(append(dst, "fun "...), module), ':')
		dst = p.atom(dst, name)
	} else {
		dst = append(p.atom(append(dst, '&'), module), '.')
		if isName(name) && name[0] >= 'a' {
			dst = append(dst, name...)
		} else {
			dst = p.quoted(dst, name, '"')
		}
	}
	dst = append(dst, '/')
	text, _ := p.append(nil, any(int64(arity[1])))
	return append(dst, text...)
}
