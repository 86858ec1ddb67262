package etf

import "encoding/binary"

// An identifierLayout says what surrounds the node of a pid, a port or a reference.
type identifierLayout struct {
	number   int // bytes between the node and the creation
	creation int // bytes of the creation; one byte holds 0 to 3
	words    bool
}

var identifierLayouts = [256]identifierLayout{
	tagNewPid:         {number: 8, creation: 4},
	tagPid:            {number: 8, creation: 1},
	tagV4Port:         {number: 8, creation: 4},
	tagNewPort:        {number: 4, creation: 4},
	tagPort:           {number: 4, creation: 1},
	tagReference:      {number: 4, creation: 1},
	tagNewerReference: {creation: 4, words: true},
	tagNewReference:   {creation: 1, words: true},
}

// An identifier is the parts of a scanned pid, port or reference.
type identifier struct {
	node     []byte // encoded
	number   []byte // of a pid: id, serial; of a port: id; of a reference: its words
	creation uint32
	n        int // length of the term
}

// splitIdentifier takes apart the scanned pid, port or reference at the start of b.
func splitIdentifier(b []byte) identifier {
	layout := identifierLayouts[b[0]]
	at := 1
	if layout.words {
		at = 3
	}
	_, _, n, _ := splitAtom(b[at:])
	id := identifier{node: b[at : at+n]}
	at += n
	if layout.words { // the creation comes first
		words := 4 * int(binary.BigEndian.Uint16(b[1:]))
		id.creation = creationAt(b[at:], layout.creation)
		at += layout.creation
		id.number = b[at : at+words]
		id.n = at + words
		return id
	}
	id.number = b[at : at+layout.number]
	at += layout.number
	id.creation = creationAt(b[at:], layout.creation)
	id.n = at + layout.creation
	return id
}

func creationAt(b []byte, size int) uint32 {
	if size == 1 {
		return uint32(b[0])
	}
	return binary.BigEndian.Uint32(b)
}

const (
	maxTinyCreation = 3
	// In the old encodings the first word of a reference has 18 bits.
	maxOldReference = 1<<18 - 1
)

// identifierLeaf checks a pid, a port or a reference. What OTP demands beyond this of identifiers of its own node, a
// process number that it could have given out for instance, cannot be known here.
func identifierLeaf(b []byte, i int) (int, error) {
	tag, left := b[i], len(b)-i
	layout := identifierLayouts[tag]
	at, number := i+1, layout.number
	if layout.words {
		if left < 3 {
			return 0, truncated(i, termName(tag), 3, left)
		}
		words := int(binary.BigEndian.Uint16(b[at:]))
		if words < 1 || words > maxRefWords {
			return 0, syntaxError(i, "a reference has %d words, expected 1 to %d", words, maxRefWords)
		}
		at, number = at+2, 4*words
	}
	n, err := nameAt(b, at)
	if err != nil {
		return 0, err
	}
	if at += n + number + layout.creation; at > len(b) {
		return 0, truncated(i, termName(tag), at-i, left)
	}
	if layout.creation == 1 {
		id := splitIdentifier(b[i:])
		if id.creation > maxTinyCreation {
			return 0, syntaxError(i, "%s has the creation %d, expected at most %d", termName(tag), id.creation, maxTinyCreation)
		}
		isRef := tag == tagReference || tag == tagNewReference
		if first := binary.BigEndian.Uint32(id.number); isRef && first > maxOldReference {
			return 0, syntaxError(i, "the first word of a reference is %d, expected at most %d", first, maxOldReference)
		}
	}
	return at - i, nil
}
