package etf

import (
	"encoding/binary"
	"hash/maphash"
	"math"
)

// The kinds of a canonical form, so that 1, 1.0 and "1" differ. Every encoding of a term hashes alike.
const (
	hashInt = iota + 1
	hashBig
	hashFloat
	hashAtom
	hashBinary
	hashBits
	hashNil
	hashTuple
	hashList
	hashMap
	hashFun
	hashExport
	hashPid
	hashPort
	hashRef
)

// sameTerm reports whether two scanned terms that share a hash are equal, by a hash with another seed.
func sameTerm(a, b []byte) bool { return hashTerm(&verifySeed, a) == hashTerm(&verifySeed, b) }

// hashTerm hashes the first term of b, which must have been scanned.
func hashTerm(seed *seeds, b []byte) uint64 {
	s := scanner{maxDepth: math.MaxInt, seed: seed, pending: 1}
	s.top = frame{left: 1, hashed: true}
	_, _ = s.scan(b) // it has passed before
	if s.more != nil {
		s.more.release()
	}
	return s.top.hash
}

// sawLeaf notes a term that is no container, for the map it may be a key of and the key it may be part of.
func (s *scanner) sawLeaf(b []byte, start int) {
	if s.top.keys && s.top.left&1 == 1 {
		s.pushKey(key{at: start})
	}
	if !s.top.hashed {
		return
	}
	if s.top.kind == frameList && s.top.left == 0 && b[start] == tagString {
		s.top.hash = s.seed.hashString(s.top.hash, b[start:])
		return
	}
	s.sawHash(s.seed.hashLeaf(b[start:]))
}

// sawHash adds the hash of an element to the top frame, if that is hashed, or leaves it with the key that just ended.
func (s *scanner) sawHash(h uint64) {
	isKey := s.top.kind == frameMap && s.top.left&1 == 1
	if s.top.keys && isKey {
		k := s.lastKey()
		k.hash, k.hashed = h, true
	}
	switch {
	case !s.top.hashed:
	case isKey:
		s.top.keyHash = h
	case s.top.kind == frameMap: // in any order
		s.top.hash += s.seed.mix(s.top.keyHash, h)
	default:
		s.top.hash = s.seed.mix(s.top.hash, h)
	}
}

// openHash begins the hash of a container.
func (s *scanner) openHash(b []byte, f *frame, start int) uint64 {
	switch f.kind {
	case frameList:
		return hashList
	case frameMap:
		return s.seed.mix(hashMap, uint64(f.left))
	case frameFun:
		text, latin1, _, _ := splitAtom(b[start+funModule:])
		h := s.seed.mix(hashFun, s.seed.hashName(text, latin1))
		return s.seed.mix(h, maphash.Bytes(s.seed.leaf, b[start+funArity:start+funModule]))
	}
	return s.seed.mix(hashTuple, uint64(f.left))
}

// closeHash ends the hash of a container.
func (f *frame) closeHash(seed *seeds) uint64 { return seed.mix(f.hash, uint64(f.kind)) }

// hashLeaf hashes the first term of b, which is no container.
func (s *seeds) hashLeaf(b []byte) uint64 {
	switch b[0] {
	case tagSmallAtomUTF8, tagAtomUTF8, tagSmallAtom, tagAtom:
		text, latin1, _, _ := splitAtom(b)
		return s.mix(hashAtom, s.hashName(text, latin1))
	case tagBinary:
		data, _, _ := ReadBinary(b)
		return s.mix(hashBinary, maphash.Bytes(s.leaf, data))
	case tagBitBinary:
		return s.hashBitstring(b)
	case tagSmallInteger, tagInteger, tagSmallBig, tagLargeBig:
		if v, _, ok := ReadInt(b); ok {
			return s.mix(hashInt, uint64(v))
		}
		magnitude, negative, _ := splitBig(b)
		return s.mix(hashBig+uint64(signByte(negative))<<8, maphash.Bytes(s.leaf, magnitude))
	case tagNewFloat, tagFloat:
		v, _, _ := readFloat(b)
		return s.mix(hashFloat, math.Float64bits(v+0)) // -0.0 + 0 is 0.0
	case tagString:
		return s.hashString(hashList, b)
	case tagExport:
		return s.hashExport(b)
	case tagNil:
		return hashNil
	}
	return s.hashIdentifier(b)
}

// hashString goes on with the hash of a list whose tail is a STRING_EXT, or begins one with hashList.
func (s *seeds) hashString(h uint64, b []byte) uint64 {
	chars := b[3 : 3+int(binary.BigEndian.Uint16(b[1:]))]
	whole := h == hashList
	if whole && len(chars) == 0 {
		return hashNil
	}
	for _, c := range chars {
		h = s.mix(h, s.mix(hashInt, uint64(c)))
	}
	h = s.mix(h, hashNil)
	if whole {
		return s.mix(h, frameList)
	}
	return h
}

// hashName hashes the name of an atom as UTF-8.
func (s *seeds) hashName(text []byte, latin1 bool) uint64 {
	if latin1 && !isASCII(text) {
		var utf8 [2 * maxAtomChars]byte
		return maphash.Bytes(s.leaf, appendLatin1(utf8[:0], text))
	}
	return maphash.Bytes(s.leaf, text)
}

// hashBitstring leaves the unused bits out of it. One whose last byte is used whole is a binary.
func (s *seeds) hashBitstring(b []byte) uint64 {
	data, used, _ := splitBitstring(b)
	if used == 0 || used == 8 {
		return s.mix(hashBinary, maphash.Bytes(s.leaf, data))
	}
	last := len(data) - 1
	h := s.mix(hashBits, maphash.Bytes(s.leaf, data[:last]))
	return s.mix(h, uint64(used)<<8|uint64(data[last]>>(8-used)))
}

func (s *seeds) hashIdentifier(b []byte) uint64 {
	id := splitIdentifier(b)
	kind, number := uint64(hashPid), id.number
	var port [8]byte
	switch b[0] {
	case tagV4Port, tagNewPort, tagPort:
		copy(port[8-len(number):], number)
		kind, number = hashPort, port[:]
	case tagNewerReference, tagNewReference, tagReference:
		kind = hashRef
		for len(number) > 4 && binary.BigEndian.Uint32(number[len(number)-4:]) == 0 {
			number = number[:len(number)-4]
		}
	}
	text, latin1, _, _ := splitAtom(id.node)
	h := s.mix(kind+uint64(id.creation)<<8, s.hashName(text, latin1))
	return s.mix(h, maphash.Bytes(s.leaf, number))
}

func (s *seeds) hashExport(b []byte) uint64 {
	h, at := uint64(hashExport), 1
	for range 2 {
		text, latin1, n, _ := splitAtom(b[at:])
		h = s.mix(h, s.hashName(text, latin1))
		at += n
	}
	arity, _, _ := smallAt(b, at)
	return s.mix(h, uint64(uint32(arity))) // OTP keeps 32 bits
}
