package termtext

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// escapes says what \xHH and \NNN stand for: a byte, in binaries, or a character.
type escapes bool

const (
	bytesEscapes escapes = true
	charEscapes  escapes = false
)

// simpleEscapes are the characters that stand for another after a backslash. The others stand for themselves.
var simpleEscapes = map[rune]byte{
	'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', 'v': '\v', 'e': 27, 's': ' ', 'd': 127, 'a': 7,
}

// quoted reads a text between quotes, whichever come next.
func (r *Reader) quoted(kind escapes) (string, error) {
	start := r.at
	quote, _ := r.peek()
	r.take()
	var text strings.Builder
	for {
		c, ok := r.peek()
		switch {
		case !ok:
			err := start.problem("expected %q at the end of the text that begins here", quote)
			err.AtEnd = true
			return "", err
		case c == quote:
			r.take()
			return text.String(), nil
		case c == '\\':
			r.take()
			if err := r.escape(&text, kind); err != nil {
				return "", err
			}
		default:
			text.WriteString(r.take())
		}
	}
}

// escape reads what follows a backslash.
func (r *Reader) escape(text *strings.Builder, kind escapes) error {
	c, ok := r.peek()
	if !ok {
		return r.unexpected("a character after \\")
	}
	switch {
	case c == 'x':
		r.take()
		return r.hexEscape(text, kind)
	case c == 'u':
		r.take()
		return r.unicodeEscape(text)
	case c >= '0' && c <= '7':
		digits := r.digits(3, func(c rune) bool { return c >= '0' && c <= '7' })
		n, _ := strconv.ParseUint(digits, 8, 32)
		return r.code(text, rune(n), kind)
	}
	if plain, ok := simpleEscapes[c]; ok {
		r.take()
		text.WriteByte(plain)
		return nil
	}
	text.WriteString(r.take())
	return nil
}

// hexEscape reads the HH or {H...} of a \x.
func (r *Reader) hexEscape(text *strings.Builder, kind escapes) error {
	if c, _ := r.peek(); c == '{' {
		return r.braced(text)
	}
	digits := r.digits(2, isHex)
	if digits == "" {
		return r.unexpected("a hexadecimal digit after \\x")
	}
	n, _ := strconv.ParseUint(digits, 16, 32)
	return r.code(text, rune(n), kind)
}

// unicodeEscape reads the HHHH or {H...} of a \u, and its other half where it is a half of a pair.
func (r *Reader) unicodeEscape(text *strings.Builder) error {
	if c, _ := r.peek(); c == '{' {
		return r.braced(text)
	}
	first, err := r.fourDigits()
	if err != nil {
		return err
	}
	if utf16.IsSurrogate(first) {
		if !r.accept('\\') || !r.accept('u') {
			return r.unexpected("the second half of a surrogate pair")
		}
		second, err := r.fourDigits()
		if err != nil {
			return err
		}
		first = utf16.DecodeRune(first, second)
	}
	return r.code(text, first, charEscapes)
}

func (r *Reader) fourDigits() (rune, error) {
	digits := r.digits(4, isHex)
	if len(digits) < 4 {
		return 0, r.unexpected("four hexadecimal digits after \\u")
	}
	n, _ := strconv.ParseUint(digits, 16, 32)
	return rune(n), nil
}

// braced reads {H...}, a code point.
func (r *Reader) braced(text *strings.Builder) error {
	r.take()
	digits := r.digits(6, isHex)
	if digits == "" {
		return r.unexpected("a hexadecimal digit")
	}
	n, _ := strconv.ParseUint(digits, 16, 32)
	if err := r.expect('}', "after a code point"); err != nil {
		return err
	}
	return r.code(text, rune(n), charEscapes)
}

func (r *Reader) code(text *strings.Builder, c rune, kind escapes) error {
	if kind == bytesEscapes {
		if c > 0xff {
			return r.problem("\\%o is no byte", c)
		}
		text.WriteByte(byte(c))
		return nil
	}
	if !utf8.ValidRune(c) {
		return r.problem("%#x is no code point", c)
	}
	text.WriteRune(c)
	return nil
}

// digits reads at most so many of the characters that are wanted.
func (r *Reader) digits(most int, wanted func(rune) bool) string {
	var digits strings.Builder
	for digits.Len() < most {
		c, ok := r.peek()
		if !ok || !wanted(c) {
			break
		}
		digits.WriteString(r.take())
	}
	return digits.String()
}

func isHex(c rune) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// charlist reads ~c"text" or ~c'text', a list of code points.
func (r *Reader) charlist() (any, error) {
	r.take()
	if !r.accept('c') {
		return nil, r.unexpected("c after ~: no other sigil is known")
	}
	if c, _ := r.peek(); c != '"' && c != '\'' {
		return nil, r.unexpected("a quote after ~c")
	}
	text, err := r.quoted(charEscapes)
	if err != nil {
		return nil, err
	}
	if !utf8.ValidString(text) {
		return nil, r.problem("a charlist is not UTF-8")
	}
	list := []any{}
	for _, c := range text {
		list = append(list, int64(c))
	}
	return list, nil
}

// character reads $c or ?c, an integer.
func (r *Reader) character() (any, error) {
	r.take()
	c, ok := r.peek()
	if !ok {
		return nil, r.unexpected("a character")
	}
	if c != '\\' {
		r.take()
		return int64(c), nil
	}
	r.take()
	var text strings.Builder
	if err := r.escape(&text, charEscapes); err != nil {
		return nil, err
	}
	code, _ := utf8.DecodeRuneInString(text.String())
	return int64(code), nil
}
