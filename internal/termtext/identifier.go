package termtext

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"unicode"

	"portworker/etf"
)

// The tags of what only the BEAM can use. They are on the wire and never change.
const (
	tagNewPid         = 88
	tagNewPort        = 89
	tagNewerReference = 90
	tagReference      = 101 // old, as are the next two
	tagPort           = 102
	tagPid            = 103
	tagNewFun         = 112
	tagExport         = 113
	tagNewReference   = 114 // old
	tagV4Port         = 120
)

// identifierKinds are how identifiers begin, and how many numbers they have after the node, the
// creation included.
var identifierKinds = []struct {
	prefix     string
	least, all int
}{
	{"#PID<", 3, 3},
	{"#Port<", 2, 2},
	{"#Reference<", 2, 6},
	{"#Fun<", 0, 0},
}

// identifier reads #PID<node.id.serial.creation> and its like.
func (r *Reader) identifier() (any, error) {
	start := r.at
	r.take()
	kind := r.name()
	if err := r.expect('<', "after #"+kind); err != nil {
		return nil, err
	}
	var text strings.Builder
	for !r.accept('>') {
		c, ok := r.peek()
		if !ok || c == '\n' {
			return nil, r.unexpected("> at the end of an identifier")
		}
		text.WriteString(r.take())
		if c == '\\' {
			text.WriteString(r.take())
		}
	}
	if kind == "Fun" {
		return localFunction(start, text.String())
	}
	for _, known := range identifierKinds {
		if known.prefix == "#"+kind+"<" {
			term, problem := identifierTerm(kind, text.String(), known.least, known.all)
			if problem != "" {
				return nil, start.problem("%s", problem)
			}
			return term, nil
		}
	}
	return nil, start.problem("#%s<: expected #PID<, #Port<, #Reference< or #Fun<", kind)
}

// identifierTerm encodes an identifier; what is wrong with it comes back in words.
func identifierTerm(kind, text string, least, all int) (term etf.Raw, problem string) {
	parts := splitNode(text)
	numbers := make([]uint64, 0, all)
	for len(parts) > 1 && len(numbers) < all {
		n, err := strconv.ParseUint(parts[len(parts)-1], 10, 64)
		if err != nil || n > math.MaxUint32 && !(kind == "Port" && len(numbers) == 1) {
			break
		}
		numbers = append(numbers, n)
		parts = parts[:len(parts)-1]
	}
	node, err := Parse("'" + strings.ReplaceAll(strings.Join(parts, "."), "'", "\\'") + "'")
	name, isAtom := atomName(node)
	if err != nil || !isAtom || len(numbers) < least {
		return nil, "#" + kind + "<" + text + ">: expected a node and " + strconv.Itoa(least) + " numbers, set apart by full stops"
	}
	creation := uint32(numbers[0])
	switch {
	case kind == "PID":
		term = etf.AppendAtom(etf.Raw{tagNewPid}, name)
		term = binary.BigEndian.AppendUint32(term, uint32(numbers[2]))
		term = binary.BigEndian.AppendUint32(term, uint32(numbers[1]))
	case kind == "Port" && numbers[1] <= math.MaxUint32:
		term = etf.AppendAtom(etf.Raw{tagNewPort}, name)
		term = binary.BigEndian.AppendUint32(term, uint32(numbers[1]))
	case kind == "Port":
		term = etf.AppendAtom(etf.Raw{tagV4Port}, name)
		term = binary.BigEndian.AppendUint64(term, numbers[1])
	default:
		words := numbers[1:] // the last word is written first
		term = etf.AppendAtom(etf.Raw{tagNewerReference, 0, byte(len(words))}, name)
		term = binary.BigEndian.AppendUint32(term, creation)
		for _, word := range words {
			term = binary.BigEndian.AppendUint32(term, uint32(word))
		}
		return term, ""
	}
	return binary.BigEndian.AppendUint32(term, creation), ""
}

// splitNode splits at full stops, but for those behind a backslash: they belong to the node.
func splitNode(text string) (parts []string) {
	start := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '.':
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

// localFunction reads a function by its bytes.
func localFunction(at position, text string) (any, error) {
	term, err := base64.StdEncoding.DecodeString(text)
	if err == nil {
		var n int
		if n, err = (etf.Limits{}).Scan(term); err == nil && (n != len(term) || term[0] != tagNewFun) {
			return nil, at.problem("#Fun<: the bytes are no local function")
		}
	}
	if err != nil {
		return nil, at.problem("#Fun<: expected a function's bytes in Base64: %v", err)
	}
	return etf.Raw(term), nil
}

// external reads the m:f/a of an external function in Erlang's syntax.
func (r *Reader) external() (any, error) {
	r.take()
	module, err := r.functionName()
	if err == nil {
		err = r.expect(':', "after a module")
	}
	if err != nil {
		return nil, err
	}
	return r.functionAndArity(module)
}

// capture reads &m.f/a, an external function in Elixir's syntax.
func (r *Reader) capture() (any, error) {
	r.take()
	module, err := r.functionName()
	if err == nil {
		err = r.expect('.', "after a module")
	}
	if err != nil {
		return nil, err
	}
	return r.functionAndArity(module)
}

func (r *Reader) functionAndArity(module etf.Atom) (any, error) {
	name, err := r.functionName()
	if err == nil {
		err = r.expect('/', "after a function's name")
	}
	if err != nil {
		return nil, err
	}
	start := r.at
	arity, err := r.number()
	n, ok := arity.(int64)
	if err == nil && (!ok || n < 0 || n > 255) {
		err = start.problem("expected an arity from 0 to 255")
	}
	if err != nil {
		return nil, err
	}
	term := etf.AppendAtom(etf.AppendAtom(etf.Raw{tagExport}, string(module)), string(name))
	return etf.Raw(etf.AppendInt(term, n)), nil
}

// functionName reads the name of a module or a function: bare, quoted, after a colon, or an alias.
func (r *Reader) functionName() (etf.Atom, error) {
	c, _ := r.peek()
	if c == '"' {
		name, err := r.quoted(charEscapes)
		return etf.Atom(name), err
	}
	if c != ':' && c != '\'' && !unicode.IsLetter(c) {
		return "", r.unexpected("a name")
	}
	v, err := r.term()
	if err != nil {
		return "", err
	}
	term, err := etf.Append(nil, v)
	name, _, ok := etf.ReadAtom(term)
	if err != nil || !ok {
		return "", r.problem("expected a name")
	}
	return etf.Atom(name), nil
}
