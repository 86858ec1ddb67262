package etf

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// A Pid is a process identifier. Like Port, Ref and Fun it keeps the bytes it was read from and is sent on as it came.
// It can be compared with == and be a key of a Go map; identifiers of one process read from different nodes may have
// different bytes. The zero value is no process, and an error to encode.
type Pid struct{ term string }

// A Port is a port identifier. See Pid.
type Port struct{ term string }

// A Ref is a reference. See Pid.
type Ref struct{ term string }

// A Fun is a function, which only the BEAM can call: a local one with the variables it closes over, or an external one
// like fun lists:map/2. See Pid.
type Fun struct{ term string }

// Node returns the name of the process's node; that of the zero value is empty.
func (p Pid) Node() string { return nodeOf(p.term) }

// Node returns the name of the port's node; that of the zero value is empty.
func (p Port) Node() string { return nodeOf(p.term) }

// Node returns the name of the node that made the reference; that of the zero value is empty.
func (r Ref) Node() string { return nodeOf(r.term) }

func nodeOf(term string) string {
	if term == "" {
		return ""
	}
	name, _, _ := ReadAtom(splitIdentifier([]byte(term)).node)
	return name
}

// String is for logs: "#PID<node.id.serial>".
func (p Pid) String() string { return identifierString("PID", p.term) }

// String is for logs: "#Port<node.id>".
func (p Port) String() string { return identifierString("Port", p.term) }

// String is for logs: "#Ref<node.words>", the words in the order the BEAM prints them.
func (r Ref) String() string { return identifierString("Ref", r.term) }

func identifierString(kind, term string) string {
	if term == "" {
		return "#" + kind + "<>"
	}
	id := splitIdentifier([]byte(term))
	var out strings.Builder
	name, _, _ := ReadAtom(id.node)
	fmt.Fprintf(&out, "#%s<%s", kind, name)
	switch {
	case kind == "Port" && len(id.number) == 8:
		fmt.Fprintf(&out, ".%d", binary.BigEndian.Uint64(id.number))
	case kind == "Ref":
		for at := len(id.number); at > 0; at -= 4 {
			fmt.Fprintf(&out, ".%d", binary.BigEndian.Uint32(id.number[at-4:]))
		}
	default:
		for at := 0; at < len(id.number); at += 4 {
			fmt.Fprintf(&out, ".%d", binary.BigEndian.Uint32(id.number[at:]))
		}
	}
	return out.String() + ">"
}

// Module returns the name of the module that holds the function; that of the zero value is empty.
func (f Fun) Module() string {
	if f.term == "" {
		return ""
	}
	at := 1
	if f.term[0] == tagNewFun {
		at = funModule
	}
	name, _, _ := ReadAtom([]byte(f.term[at:]))
	return name
}

// Arity returns the number of arguments the function takes; that of the zero value is -1.
func (f Fun) Arity() int {
	if f.term == "" {
		return -1
	}
	b := []byte(f.term)
	if b[0] == tagNewFun {
		return int(b[funArity])
	}
	_, at := exportName(b)
	arity, _, _ := smallAt(b, at)
	return int(uint32(arity))
}

// String is for logs: "fun lists:map/2", or "#Fun<module.index/arity>" for a local one.
func (f Fun) String() string {
	switch {
	case f.term == "":
		return "#Fun<>"
	case f.term[0] == tagNewFun:
		index := binary.BigEndian.Uint32([]byte(f.term[funIndex:funFree]))
		return "#Fun<" + f.Module() + "." + strconv.Itoa(int(index)) + "/" + strconv.Itoa(f.Arity()) + ">"
	}
	name, _ := exportName([]byte(f.term))
	return "fun " + f.Module() + ":" + name + "/" + strconv.Itoa(f.Arity())
}

// exportName returns the function's name in a scanned EXPORT_EXT, and where its arity begins.
func exportName(b []byte) (name string, arityAt int) {
	_, n, _ := ReadAtom(b[1:])
	at := 1 + n
	name, n, _ = ReadAtom(b[at:])
	return name, at + n
}
