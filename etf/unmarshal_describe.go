package etf

import (
	"fmt"
	"strconv"
	"strings"
)

// describe shows the first term of b, which has been scanned, as an error would: its kind and its beginning, in
// Elixir's notation. It looks at a bounded number of terms.
func describe(b []byte) string {
	text := render(b, 2)
	switch {
	case isInteger(b):
		return "integer " + text
	case text == "nil":
		return text
	}
	switch b[0] {
	case tagNewFloat, tagFloat:
		return "float " + text
	case tagSmallAtomUTF8, tagAtomUTF8, tagSmallAtom, tagAtom:
		return "atom " + text
	case tagBinary:
		return "binary " + text
	case tagNil, tagString, tagList:
		return "list " + text
	case tagSmallTuple, tagLargeTuple:
		return "tuple " + text
	case tagMap:
		return "map " + text
	}
	return text
}

// render writes a term, at most depth containers deep.
func render(b []byte, depth int) string {
	if isInteger(b) {
		return renderInteger(b)
	}
	if f, _, ok := readFloat(b); ok {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	if name, _, ok := ReadAtom(b); ok {
		return renderAtom(name)
	}
	if data, _, ok := ReadBinary(b); ok {
		return strconv.Quote(clip(string(data[:min(len(data), 64)])))
	}
	if arity, n, ok := ReadTuple(b); ok {
		return "{" + renderTerms(b[n:], arity, depth) + "}"
	}
	if pairs, n, ok := ReadMap(b); ok {
		if name := structName(b); name != "" {
			return "%" + clip(name) + "{…}"
		}
		return "%{" + renderPairs(b[n:], pairs, depth) + "}"
	}
	if items, ok := openList(b); ok {
		return renderList(items, depth)
	}
	return renderOpaque(b[0])
}

// structName returns the module of an Elixir struct without its prefix, or nothing for any other map. It looks at a
// bounded number of keys.
func structName(b []byte) string {
	pairs, at, ok := ReadMap(b)
	if !ok {
		return ""
	}
	for range min(pairs, 64) {
		name, n := keyName(b[at:])
		at += n
		if string(name) == "__struct__" {
			module, _, _ := ReadAtom(b[at:])
			return strings.TrimPrefix(module, "Elixir.")
		}
		at += Size(b[at:])
	}
	return ""
}

func renderOpaque(tag byte) string {
	switch tag {
	case tagBitBinary:
		return "bitstring"
	case tagNewPid, tagPid:
		return "pid"
	case tagNewPort, tagPort, tagV4Port:
		return "port"
	case tagNewFun, tagExport:
		return "function"
	}
	return "reference"
}

func renderInteger(b []byte) string {
	if v, _, ok := ReadInt(b); ok {
		return strconv.FormatInt(v, 10)
	}
	magnitude, negative, _ := splitBig(b)
	if len(magnitude) > 16 {
		return fmt.Sprintf("of %d bytes", len(magnitude))
	}
	return bigMagnitude(magnitude, negative).String()
}

func renderAtom(name string) string {
	switch name {
	case "nil", "true", "false":
		return name
	}
	for i, r := range name {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return ":" + strconv.Quote(clip(name))
		}
	}
	return ":" + clip(name)
}

// shown is how many elements of a container are rendered.
const shown = 3

func renderTerms(b []byte, count, depth int) string {
	if depth == 0 && count > 0 {
		return "…"
	}
	var parts []string
	for range min(count, shown) {
		parts = append(parts, render(b, depth-1))
		b = b[Size(b):]
	}
	return joinShown(parts, count)
}

func renderPairs(b []byte, count, depth int) string {
	if depth == 0 && count > 0 {
		return "…"
	}
	var parts []string
	for range min(count, shown) {
		size := Size(b)
		arrow := render(b, depth-1) + " => "
		if name, _, ok := ReadAtom(b); ok {
			arrow = strings.TrimPrefix(renderAtom(name), ":") + ": "
		}
		parts = append(parts, arrow+render(b[size:], depth-1))
		b = b[size:]
		b = b[Size(b):]
	}
	return joinShown(parts, count)
}

func renderList(items elements, depth int) string {
	var parts []string
	count := 0
	for ; count <= shown && items.more(); count++ {
		if depth == 0 {
			return "[…]"
		}
		term := items.term()
		if count < shown {
			parts = append(parts, render(term, depth-1))
		}
		items.advance(Size(term))
	}
	if items.improper {
		return "[" + joinShown(parts, count) + " | " + render(items.rest, 0) + "]"
	}
	return "[" + joinShown(parts, count) + "]"
}

func joinShown(parts []string, count int) string {
	if count > len(parts) {
		parts = append(parts, "…")
	}
	return strings.Join(parts, ", ")
}
