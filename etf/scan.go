package etf

import (
	"encoding/binary"
	"unicode/utf8"
)

// Scan validates the first term of body, which has no version byte, and returns its length; what follows the term is
// not looked at. It is one pass without recursion or allocation, and refuses what binary_to_term of OTP 25 refuses,
// so that a term that has passed can be sent on without spoiling the packet it travels in. Beyond that it refuses
// terms past the limits. Errors are a *SyntaxError.
func (l Limits) Scan(body []byte) (n int, err error) {
	s := scanner{maxDepth: l.maxDepth(), seed: &scanSeed}
	s.top.left, s.pending = 1, 1
	n, err = s.scan(body)
	if s.more != nil {
		s.more.release()
	}
	return n, err
}

// The kinds of frame. A fun's free variables stand in a frame like the elements of a tuple.
const (
	frameTuple = iota + 1
	frameList
	frameMap
	frameFun
)

// A frame is a container whose end has not been reached.
type frame struct {
	left int // terms still to come, a list's tail included
	// The rest serves the search for duplicate keys.
	firstKey int    // where this map's keys begin on the scanner's stack of keys
	hash     uint64 // of the elements so far, when hashed
	keyHash  uint64 // of the key whose value is next
	kind     uint8
	hashed   bool // inside a key that is a container
	keys     bool // a map that collects its keys
}

// A scanner is the state of one scan. It lives on its caller's stack, and borrows from a pool what a deeper or larger
// term needs.
type scanner struct {
	seed     *seeds
	maxDepth int
	depth    int
	// pending counts the terms that are promised and not yet read. Each takes a byte at least, so a count that brings
	// it past the bytes that are left is false.
	pending int
	top     frame
	keys    int // on the stack of keys
	low     [8]frame
	lowKeys [16]key
	more    *scratch
}

// scan reads the terms of the top frame, and of the frames that open meanwhile, to the end of the outermost one. The
// commonest terms are read right here.
func (s *scanner) scan(b []byte) (int, error) {
	i := 0
	for {
		for s.top.left == 0 {
			if s.depth == 0 {
				return i, nil
			}
			if err := s.close(b); err != nil {
				return 0, err
			}
		}
		if i >= len(b) {
			return 0, syntaxError(i, "%d terms are missing", s.pending)
		}
		start, tag := i, b[i]
		switch {
		case tag == tagSmallAtomUTF8 && len(b)-i >= 10 && b[i+1] <= 8:
			// A short name fits a word: its bytes are ASCII when no high bit is set.
			n := uint(b[i+1])
			word := binary.LittleEndian.Uint64(b[i+2:])
			if i += 2 + int(n); word<<(64-8*n)&highBits != 0 && !utf8.Valid(b[start+2:i]) {
				return 0, badUTF8(start, b[start+2:i])
			}
		case tag == tagSmallInteger:
			i += 2
		case tag == tagInteger:
			i += 5
		case tag == tagBinary && len(b)-i >= 5:
			i += 5 + int(binary.BigEndian.Uint32(b[i+1:]))
		case containers[tag]:
			end, err := s.open(b, i)
			if err != nil {
				return 0, err
			}
			i = end
			continue
		default:
			n, err := leaf(b, i)
			if err != nil {
				return 0, err
			}
			i += n
		}
		if uint(i) > uint(len(b)) {
			return 0, truncated(start, termName(tag), i-start, len(b)-start)
		}
		s.pending--
		if s.top.left--; s.top.keys || s.top.hashed {
			s.sawLeaf(b, start)
		}
	}
}

const highBits = 0x8080808080808080

// containers are the tags that open a frame, or, as the header of a list without elements, stand for what follows.
var containers = [256]bool{tagSmallTuple: true, tagLargeTuple: true, tagList: true, tagMap: true, tagNewFun: true}

// open reads the header of a container, and returns where its first element begins.
func (s *scanner) open(b []byte, i int) (int, error) {
	f := frame{kind: frameTuple}
	n, count := 5, 0
	switch tag := b[i]; {
	case tag == tagNewFun:
		size, free, err := funHeader(b, i)
		if err != nil {
			return 0, err
		}
		f.kind, n, count = frameFun, size, free
	case tag == tagSmallTuple:
		if len(b)-i < 2 {
			return 0, truncated(i, termName(tag), 2, len(b)-i)
		}
		n, count = 2, int(b[i+1])
	case len(b)-i < 5:
		return 0, truncated(i, termName(tag), 5, len(b)-i)
	default:
		claimed := uint64(binary.BigEndian.Uint32(b[i+1:]))
		if claimed > uint64(len(b)) {
			return 0, falseCount(i, tag, claimed, len(b)-i-5)
		}
		count = int(claimed)
	}
	switch b[i] {
	case tagList:
		if count == 0 {
			return i + n, nil // stands for its tail
		}
		f.kind = frameList
		count++
	case tagMap:
		f.kind, f.keys, f.firstKey = frameMap, count > 1 && !s.seed.verifying, s.keys
		count *= 2
	}
	if s.pending += count - 1; s.pending > len(b)-i-n {
		return 0, falseCount(i, b[i], uint64(count), len(b)-i-n)
	}
	return i + n, s.push(b, f, i, count)
}

// push makes f the top frame. A list that is the tail of a list takes that one's place, so that a chain of them is no
// deeper than the list it is equal to.
func (s *scanner) push(b []byte, f frame, start, count int) error {
	f.left = count
	if s.top.left--; s.top.left == 0 && s.top.kind == frameList && f.kind == frameList {
		s.top.left = count
		return nil
	}
	if s.depth >= s.maxDepth {
		return syntaxError(start, "nested deeper than the limit of %d", s.maxDepth)
	}
	isKey := s.top.keys && s.top.left&1 == 1
	if isKey {
		s.pushKey(key{at: start}) // its hash follows when it ends
	}
	if f.keys {
		f.firstKey = s.keys
	}
	if f.hashed = s.top.hashed || isKey; f.hashed {
		f.hash = s.openHash(b, &f, start)
	}
	if s.depth < len(s.low) {
		s.low[s.depth] = s.top
	} else {
		s.scratch().push(s.top)
	}
	s.depth++
	s.top = f
	return nil
}

// close leaves the top frame, whose terms have all been read.
func (s *scanner) close(b []byte) error {
	f := s.top
	if f.keys {
		if err := s.distinct(b, s.keysFrom(f.firstKey)); err != nil {
			return err
		}
		s.keys = f.firstKey
	}
	if s.depth--; s.depth < len(s.low) {
		s.top = s.low[s.depth]
	} else {
		s.top = s.more.pop()
	}
	if f.hashed {
		s.sawHash(f.closeHash(s.seed))
	}
	return nil
}

func falseCount(offset int, tag byte, claimed uint64, left int) error {
	return syntaxError(offset, "%s claims %d terms, only %d bytes are left", termName(tag), claimed, left)
}

func badUTF8(offset int, name []byte) error {
	return syntaxError(offset, "the name of an atom is not UTF-8: %q", name)
}
