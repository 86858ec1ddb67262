package termtext

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"portworker/etf"
)

// A Syntax is how terms are written.
type Syntax int

// The syntaxes. All write a term in one line.
const (
	Elixir Syntax = iota
	Erlang
	JSON
)

// Append appends the text of a term. It is read back as the same term, except from JSON, which knows
// fewer kinds of terms; see [JSON].
//
// v is of etf's dynamic types, or an [etf.Raw] that has been scanned.
func (s Syntax) Append(dst []byte, v any) ([]byte, error) {
	if raw, ok := v.(etf.Raw); ok {
		v = nil
		if err := etf.Decode(raw, &v); err != nil {
			return dst, err
		}
	}
	if s == JSON {
		return appendJSON(dst, v)
	}
	return printer{s}.append(dst, v)
}

// Text is Append for a message to people: what cannot be written is said in words.
func (s Syntax) Text(v any) string {
	text, err := s.Append(nil, v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// A printer writes in the syntax of Erlang or Elixir.
type printer struct{ syntax Syntax }

func (p printer) append(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "nil"...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case *big.Int:
		return v.Append(dst, 10), nil
	case float64:
		return append(dst, floatText(v)...), nil
	case etf.Atom:
		return p.atom(dst, string(v)), nil
	case string:
		return p.binary(dst, v), nil
	case etf.Bitstring:
		return p.bitstring(dst, v), nil
	case []any:
		return p.list(dst, v)
	case etf.ImproperList:
		return p.improper(dst, v)
	case etf.Tuple:
		dst, err := p.elements(append(dst, '{'), v)
		return append(dst, '}'), err
	case etf.Map:
		return p.pairs(dst, v)
	}
	return p.opaque(dst, v)
}

// separator sets elements apart.
func (p printer) separator() string {
	if p.syntax == Erlang {
		return ","
	}
	return ", "
}

func (p printer) elements(dst []byte, elements []any) ([]byte, error) {
	var err error
	for i, v := range elements {
		if i > 0 {
			dst = append(dst, p.separator()...)
		}
		if dst, err = p.append(dst, v); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (p printer) list(dst []byte, list []any) ([]byte, error) {
	var err error
	dst = append(dst, '[')
	if keys, values, ok := keywords(list); ok && p.syntax == Elixir {
		for i, key := range keys {
			if i > 0 {
				dst = append(dst, p.separator()...)
			}
			if dst, err = p.append(p.key(dst, key), values[i]); err != nil {
				return dst, err
			}
		}
	} else {
		dst, err = p.elements(dst, list)
	}
	return append(dst, ']'), err
}

// keywords takes a list of pairs with atoms apart.
func keywords(list []any) (keys []string, values []any, ok bool) {
	for _, v := range list {
		pair, isTuple := v.(etf.Tuple)
		if !isTuple || len(pair) != 2 {
			return nil, nil, false
		}
		key, isAtom := atomName(pair[0])
		if !isAtom {
			return nil, nil, false
		}
		keys, values = append(keys, key), append(values, pair[1])
	}
	return keys, values, len(list) > 0
}

func atomName(v any) (string, bool) {
	switch v := v.(type) {
	case etf.Atom:
		return string(v), true
	case nil:
		return "nil", true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

func (p printer) improper(dst []byte, list etf.ImproperList) ([]byte, error) {
	dst, err := p.elements(append(dst, '['), list.Elements)
	if err != nil {
		return dst, err
	}
	bar := "|"
	if p.syntax == Elixir {
		bar = " | "
	}
	dst, err = p.append(append(dst, bar...), list.Tail)
	return append(dst, ']'), err
}

func (p printer) pairs(dst []byte, m etf.Map) ([]byte, error) {
	sigil, arrow, short := "%{", " => ", true
	if p.syntax == Erlang {
		sigil, arrow, short = "#{", " => ", false
	}
	for _, pair := range m {
		_, isAtom := atomName(pair.Key)
		short = short && isAtom
	}
	dst = append(dst, sigil...)
	var err error
	for i, pair := range m {
		if i > 0 {
			dst = append(dst, p.separator()...)
		}
		if key, _ := atomName(pair.Key); short {
			dst = p.key(dst, key)
		} else if dst, err = p.append(dst, pair.Key); err == nil {
			dst = append(dst, arrow...)
		}
		if err == nil {
			dst, err = p.append(dst, pair.Value)
		}
		if err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// floatText is the shortest text that is read back as the same float, with a point as both syntaxes
// want it.
func floatText(v float64) string {
	text := strings.Replace(strconv.FormatFloat(v, 'g', -1, 64), "e+", "e", 1)
	if strings.Contains(text, ".") {
		return text
	}
	digits, exponent, scientific := strings.Cut(text, "e")
	if scientific {
		return digits + ".0e" + exponent
	}
	return digits + ".0"
}

func (p printer) binary(dst []byte, text string) []byte {
	if !printable(text) {
		return p.bitstring(dst, etf.Bitstring{Bytes: []byte(text)})
	}
	if p.syntax == Elixir {
		return p.quoted(dst, text, '"')
	}
	dst = p.quoted(append(dst, "<<"...), text, '"')
	if !isASCII(text) {
		dst = append(dst, "/utf8"...)
	}
	return append(dst, ">>"...)
}

// printable says whether a binary is text to look at.
func printable(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	for _, c := range text {
		if !unicode.IsPrint(c) && !strings.ContainsRune("\n\t\r\x1b", c) {
			return false
		}
	}
	return true
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func (p printer) bitstring(dst []byte, b etf.Bitstring) []byte {
	dst = append(dst, "<<"...)
	for i, c := range b.Bytes {
		if i > 0 {
			dst = append(dst, p.separator()...)
		}
		if i < len(b.Bytes)-1 || b.Bits == 0 || b.Bits == 8 {
			dst = strconv.AppendInt(dst, int64(c), 10)
			continue
		}
		dst = strconv.AppendInt(dst, int64(c>>(8-b.Bits)), 10)
		size := ":"
		if p.syntax == Elixir {
			size = "::"
		}
		dst = strconv.AppendInt(append(dst, size...), int64(b.Bits), 10)
	}
	return append(dst, ">>"...)
}

// opaque writes what only the BEAM can use.
func (p printer) opaque(dst []byte, v any) ([]byte, error) {
	term, err := etf.Append(nil, v)
	if err != nil {
		return dst, err
	}
	switch term[0] {
	case tagNewPid, tagPid:
		return appendNumbers(dst, "#PID<", term, 1, []int{4, 4}), nil
	case tagNewPort, tagPort:
		return appendNumbers(dst, "#Port<", term, 1, []int{4}), nil
	case tagV4Port:
		return appendNumbers(dst, "#Port<", term, 1, []int{8}), nil
	case tagReference:
		return appendNumbers(dst, "#Reference<", term, 1, []int{4}), nil
	case tagNewReference, tagNewerReference:
		return appendReference(dst, term), nil
	case tagExport:
		return p.external(dst, term), nil
	case tagNewFun:
		dst = base64.StdEncoding.AppendEncode(append(dst, "#Fun<"...), term)
		return append(dst, '>'), nil
	}
	return dst, fmt.Errorf("no text for a value of type %T", v)
}

// appendNumbers writes an identifier: its node, numbers of these sizes, and the creation in what is left.
func appendNumbers(dst []byte, prefix string, term etf.Raw, at int, sizes []int) []byte {
	node, n, _ := etf.ReadAtom(term[at:])
	at += n
	dst = appendNode(append(dst, prefix...), node)
	for _, size := range sizes {
		dst = appendNumber(dst, term[at:at+size])
		at += size
	}
	return append(appendNumber(dst, term[at:]), '>')
}

// appendReference writes the words of a reference in the order the BEAM prints them.
func appendReference(dst []byte, term etf.Raw) []byte {
	node, n, _ := etf.ReadAtom(term[3:])
	dst = appendNode(append(dst, "#Reference<"...), node)
	words := 4 * int(binary.BigEndian.Uint16(term[1:]))
	at := len(term) - words
	for end := len(term); end > at; end -= 4 {
		dst = appendNumber(dst, term[end-4:end])
	}
	return append(appendNumber(dst, term[3+n:at]), '>')
}

func appendNumber(dst []byte, big []byte) []byte {
	var n uint64
	for _, b := range big {
		n = n<<8 | uint64(b)
	}
	return strconv.AppendUint(append(dst, '.'), n, 10)
}
