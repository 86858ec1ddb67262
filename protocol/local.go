package protocol

import (
	"bytes"
	"encoding/binary"

	"portworker/etf"
)

// A BEAM that is no node refuses identifiers that claim to be its own and cannot be:
// a pid beyond its numbers, say. Which those are differs between releases, so that the
// scan cannot tell; a real client never sends them, and a hostile one that has them
// echoed must not spoil the packet for others. So what may hold one travels alone.

// localNode is the name that identifiers have on a BEAM that is no node.
var localNode = []byte("nonode@nohost")

// namesLocal reports whether an encoded value may hold a local identifier. A binary holds none.
func namesLocal(value []byte) bool {
	return len(value) > len(localNode) && len(value) < linkSize && value[0] != binaryExt && bytes.Contains(value, localNode)
}

const (
	binaryExt      = 109
	newerReference = 90
	atomExt        = 100 // has two bytes of length
	atomUTF8Ext    = 118 // as well
	refIDBits      = 18  // of a local reference's first word
)

// oddRef reports whether a call's ref may be one that its BEAM refuses to read.
// The references that a BEAM makes are not: they are in every message.
func oddRef(ref etf.Raw) bool {
	if len(ref) <= len(localNode) || ref[0] != newerReference {
		return namesLocal(ref)
	}
	node := 5
	if ref[3] == atomExt || ref[3] == atomUTF8Ext {
		node++
	}
	if !bytes.HasPrefix(ref[node:], localNode) {
		return false
	}
	words := binary.BigEndian.Uint16(ref[1:])
	first := node + len(localNode) + 4 // behind the creation
	if len(ref) < first+4 || len(ref) != first+4*int(words) || words != 3 && words != 5 {
		return true
	}
	return binary.BigEndian.Uint32(ref[first:]) >= 1<<refIDBits
}
