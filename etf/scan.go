package etf

import (
	"encoding/binary"
)

// Scan validates the first term of body, which has no version byte, and returns its length; what follows the term is
// not looked at. It is one pass without recursion, and without allocation for maps of up to 65,536 keys. It refuses
// what binary_to_term of OTP 25 refuses, so that a term that has passed can be sent on without spoiling the packet it
// travels in. Errors are a *SyntaxError.
//
// It is stricter than OTP 25 where a term is past the limits; where OTP reads past the end of a term (a reference of no
// words, a FLOAT_EXT whose text fills its field) or takes the internal tags 73 and 75, which are atoms by their number;
// and where the creator of a fun is no pid, which later OTPs refuse. It is less strict with identifiers that name the
// node that reads them: which process numbers, for instance, that node can have given out cannot be known here.
func (l Limits) Scan(body []byte) (n int, err error) {
	if len(body) > 0 && !containers[body[0]] { // needs no scanner, unless for its error
		if n, err := leaf(body, 0); err == nil && n <= len(body) {
			return n, nil
		}
	}
	if n, ok := flatList(body, l.maxDepth()); ok {
		return n, nil
	}
	s := scanner{maxDepth: l.maxDepth(), seed: &scanSeed}
	s.top.left = 1
	n, err = s.scan(body)
	if s.more != nil {
		s.more.release()
	}
	return n, err
}

// A frame is a container whose end has not been reached: how many terms are to come, a list's tail included, and what
// it is. Two words are copied faster than a struct of small fields.
type frame struct {
	left int
	frameInfo
}

// A frameInfo holds a kind, two flags, and in its upper half where the keys of a map begin on the stack of keys.
type frameInfo uint64

// A fun's free variables stand in a frame like the elements of a tuple.
const (
	frameTuple frameInfo = iota + 1
	frameList
	frameMap
	frameFun

	frameKind   frameInfo = 0xff
	frameKeys   frameInfo = 1 << 8 // a map that collects its keys
	frameHashed frameInfo = 1 << 9 // a key, or inside of one: its terms are hashed
)

func (f frameInfo) kind() frameInfo   { return f & frameKind }
func (f frameInfo) hasKeys() bool     { return f&frameKeys != 0 }
func (f frameInfo) isHashed() bool    { return f&frameHashed != 0 }
func (f frameInfo) firstKey() int     { return int(f >> 32) }
func firstKeyInfo(keys int) frameInfo { return frameInfo(keys) << 32 }

// A scanner is the state of one scan. It lives on its caller's stack, and borrows from a pool what a deeper or larger
// term needs.
type scanner struct {
	seed     *seeds
	maxDepth int
	depth    int
	// outer counts the terms still to come in the frames around the top one. Each term takes a byte at least, so a
	// count that brings this past the bytes that are left is false.
	outer int
	top   frame
	sum   partialHash // of the top frame, if that is hashed
	keys  int         // on the stack of keys
	more  *scratch
	low   [8]frame
	// lowKeys suffice for most maps.
	lowKeys [12]key
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
		end, err := s.run(b, i)
		if err != nil {
			return 0, err
		}
		if s.top.left > 0 {
			if end, err = s.open(b, end); err != nil {
				return 0, err
			}
		}
		i = end
	}
}

// run reads the terms of the top frame up to the first container, or all of them, and returns where it stopped.
func (s *scanner) run(b []byte, i int) (int, error) {
	left, keys, hashed := s.top.left, s.top.hasKeys(), s.top.isHashed()
	for ; left > 0; left-- {
		if i >= len(b) {
			return 0, syntaxError(i, "%d terms are missing", s.outer+left)
		}
		start, tag, hash := i, b[i], uint64(0)
		switch {
		case tag == tagSmallInteger:
			i += 2
		case tag == tagInteger:
			i += 5
		case tag == tagBinary && len(b)-i >= 5:
			i += 5 + int(binary.BigEndian.Uint32(b[i+1:]))
		case tag == tagNewFloat && len(b)-i >= 9 && !(b[i+1]&0x7f == 0x7f && b[i+2] >= 0xf0):
			i += 9 // neither NaN nor infinite
		case tag == tagMap && !hashed && s.depth < s.maxDepth && !(keys && left&1 == 0):
			n := flatMap(b[i:])
			if n == 0 {
				s.top.left = left
				return i, nil
			}
			i += n
		case containers[tag]:
			s.top.left = left
			return i, nil
		default:
			var n int
			if n, hash = s.seed.shortAtom(b[i:]); n == 0 {
				var err error
				if n, err = leaf(b, i); err != nil {
					return 0, err
				}
			}
			i += n
		}
		if uint(i) > uint(len(b)) {
			return 0, truncated(start, termName(tag), i-start, len(b)-start)
		}
		if keys && left&1 == 0 {
			s.pushKey(key{at: start, hash: hash})
		}
		if hashed {
			s.top.left = left - 1
			s.sawLeaf(b, start)
		}
	}
	s.top.left = 0
	return i, nil
}

// containers are the tags that open a frame, or, as the header of a list without elements, stand for what follows.
var containers = [256]bool{tagSmallTuple: true, tagLargeTuple: true, tagList: true, tagMap: true, tagNewFun: true}

// open reads the header of a container, and returns where its first element begins.
func (s *scanner) open(b []byte, i int) (int, error) {
	kind, n, count := frameTuple, 5, 0
	switch tag := b[i]; {
	case tag == tagSmallTuple && len(b)-i >= 2:
		n, count = 2, int(b[i+1])
	case tag == tagNewFun:
		size, free, err := funHeader(b, i)
		if err != nil {
			return 0, err
		}
		kind, n, count = frameFun, size, free
	case len(b)-i < 5:
		return 0, truncated(i, termName(tag), 5, len(b)-i)
	default:
		claimed := binary.BigEndian.Uint32(b[i+1:])
		if uint64(claimed) > uint64(len(b)) {
			return 0, falseCount(i, tag, int(claimed), len(b)-i-n)
		}
		count = int(claimed)
	}
	switch b[i] {
	case tagList:
		if count == 0 {
			return i + n, nil // stands for its tail
		}
		kind = frameList
		count++
	case tagMap:
		kind = frameMap
		count *= 2
	}
	if s.outer+s.top.left-1+count > len(b)-i-n {
		return 0, falseCount(i, b[i], count, len(b)-i-n)
	}
	return i + n, s.push(b, kind, i, count)
}

// push opens a frame. A list that is the tail of a list takes that one's place, so that a chain of them is no deeper
// than the list it is equal to.
func (s *scanner) push(b []byte, kind frameInfo, start, count int) error {
	if s.top.left--; s.top.left == 0 && kind == frameList && s.top.kind() == frameList {
		s.top.left = count
		return nil
	}
	if s.depth >= s.maxDepth {
		return syntaxError(start, "nested deeper than the limit of %d", s.maxDepth)
	}
	info := kind | s.top.frameInfo&frameHashed
	if s.top.hasKeys() && s.top.left&1 == 1 {
		s.pushKey(key{at: start}) // its hash follows when it ends
		info |= frameHashed
	}
	if kind == frameMap && count > 2 && !s.seed.verifying {
		info |= frameKeys | firstKeyInfo(s.keys)
	}
	if s.depth < len(s.low) {
		s.low[s.depth] = frame{s.top.left, s.top.frameInfo}
	} else {
		s.scratch().pushFrame(s.top)
	}
	s.outer += s.top.left
	s.depth++
	s.top.left, s.top.frameInfo = count, info
	if info.isHashed() {
		s.scratch().pushSum(s.sum)
		s.sum = s.openHash(b, start)
	}
	return nil
}

// close leaves the top frame, whose terms have all been read.
func (s *scanner) close(b []byte) error {
	ended := s.top.frameInfo
	if ended.hasKeys() {
		if err := s.distinct(b, s.keysFrom(ended.firstKey())); err != nil {
			return err
		}
		s.keys = ended.firstKey()
	}
	if s.depth--; s.depth < len(s.low) {
		outer := &s.low[s.depth]
		s.top.left, s.top.frameInfo = outer.left, outer.frameInfo
	} else {
		s.top = s.more.popFrame()
	}
	s.outer -= s.top.left
	if ended.isHashed() {
		h := s.seed.mix(s.sum.hash, uint64(ended.kind()))
		s.sum = s.more.popSum()
		s.sawHash(h)
	}
	return nil
}

func falseCount(offset int, tag byte, claimed, left int) error {
	return syntaxError(offset, "%s claims %d terms, only %d bytes are left", termName(tag), claimed, left)
}

func badUTF8(offset int, name []byte) error {
	return syntaxError(offset, "the name of an atom is not UTF-8: %q", name)
}
