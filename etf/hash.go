package etf

import (
	"encoding/binary"
	"hash/maphash"
	"math"
)

// The kinds of a canonical form, so that 1, 1.0 and "1" differ. Every encoding of a term hashes alike.
const (
	hashInt uint64 = iota + 1
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
	s := scanner{maxDepth: math.MaxInt, seed: seed}
	s.top = frame{1, frameHashed}
	_, _ = s.scan(b) // it has passed before
	if s.more != nil {
		s.more.release()
	}
	return s.sum.hash
}

// A partialHash is the hash of a container so far. In a map it also holds the hash of the key whose value is next.
type partialHash struct{ hash, key uint64 }

// sawLeaf adds a term that is no container to the hash of the top frame.
func (s *scanner) sawLeaf(b []byte, start int) {
	if s.top.kind() == frameList && s.top.left == 0 && b[start] == tagString {
		s.sum.hash = s.seed.hashString(s.sum.hash, b[start:])
		return
	}
	s.sawHash(s.seed.hashLeaf(b[start:]))
}

// sawHash adds the hash of an element to the top frame, if that is hashed, and leaves it with the key that just ended.
func (s *scanner) sawHash(h uint64) {
	isKey := s.top.kind() == frameMap && s.top.left&1 == 1
	if s.top.hasKeys() && isKey {
		s.lastKey().hash = h | 1
	}
	switch {
	case !s.top.isHashed():
	case isKey:
		s.sum.key = h
	case s.top.kind() == frameMap: // in any order
		s.sum.hash += s.seed.mix(s.sum.key, h)
	default:
		s.sum.hash = s.seed.mix(s.sum.hash, h)
	}
}

// openHash begins the hash of the top frame.
func (s *scanner) openHash(b []byte, start int) partialHash {
	switch s.top.kind() {
	case frameList:
		return partialHash{hash: hashList}
	case frameMap:
		return partialHash{hash: s.seed.mix(hashMap, uint64(s.top.left))}
	case frameFun:
		return partialHash{hash: s.seed.mix(s.seed.hashFun(b[start:]), uint64(s.top.left))}
	}
	return partialHash{hash: s.seed.mix(hashTuple, uint64(s.top.left))}
}

// hashLeaf hashes the first term of b, which is no container.
func (s *seeds) hashLeaf(b []byte) uint64 {
	switch b[0] {
	case tagSmallAtomUTF8, tagAtomUTF8, tagSmallAtom, tagAtom:
		text, latin1, _, _ := splitAtom(b)
		return s.hashName(text, latin1)
	case tagBinary:
		data, _, _ := ReadBinary(b)
		return s.hashBytes(hashBinary, data)
	case tagBitBinary:
		return s.hashBitstring(b)
	case tagSmallInteger, tagInteger, tagSmallBig, tagLargeBig:
		if v, _, ok := ReadInt(b); ok {
			return s.mix(hashInt, uint64(v))
		}
		magnitude, negative, _ := splitBig(b)
		return s.mix(uint64(signByte(negative)), s.hashBytes(hashBig, magnitude))
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

// hashWord hashes the n bytes of a word, n at most 8.
func (s *seeds) hashWord(kind uint64, n uint, word uint64) uint64 {
	return s.mix(kind|uint64(n)<<8, word)
}

// hashPair hashes 9 to 16 bytes as the first 8 of them and the last 8, which may overlap.
func (s *seeds) hashPair(kind uint64, n uint, first, last uint64) uint64 {
	return s.mix(s.mix(kind|uint64(n)<<8, first), last)
}

// hashBytes is hashWord for any number of bytes.
func (s *seeds) hashBytes(kind uint64, data []byte) uint64 {
	n := len(data)
	if n > 16 {
		return s.mix(kind, maphash.Bytes(s.leaf, data))
	}
	if n > 8 {
		return s.hashPair(kind, uint(n), binary.LittleEndian.Uint64(data), binary.LittleEndian.Uint64(data[n-8:]))
	}
	var word [8]byte
	copy(word[:], data)
	return s.hashWord(kind, uint(n), binary.LittleEndian.Uint64(word[:]))
}

const highBits = 0x8080808080808080

// shortAtom returns the length and the hash of an atom whose name is ASCII and fits two words: most are read without a
// loop. For any other term, and near the end of b, n is 0.
func (s *seeds) shortAtom(b []byte) (n int, hash uint64) {
	if len(b) < 3+8 {
		return 0, 0
	}
	name, size := b[2:], uint(b[1])
	switch b[0] {
	case tagSmallAtomUTF8, tagSmallAtom:
	case tagAtom, tagAtomUTF8:
		name, size = b[3:], size<<8|uint(b[2])
	default:
		return 0, 0
	}
	n = len(b) - len(name) + int(size)
	first := binary.LittleEndian.Uint64(name)
	if size <= 8 {
		first &= 1<<(8*size) - 1
		if first&highBits != 0 {
			return 0, 0
		}
		return n, s.hashWord(hashAtom, size, first) | 1
	}
	if size > 16 || size > uint(len(name)) {
		return 0, 0
	}
	last := binary.LittleEndian.Uint64(name[size-8:])
	if (first|last)&highBits != 0 {
		return 0, 0
	}
	return n, s.hashPair(hashAtom, size, first, last) | 1
}

// shortName is shortAtom without the hash, for names of up to eight bytes.
func shortName(b []byte) (n int) {
	if len(b) < 3+8 || b[0] != tagSmallAtomUTF8 && b[0] != tagAtom && b[0] != tagAtomUTF8 && b[0] != tagSmallAtom {
		return 0
	}
	name, size := b[2:], uint(b[1])
	if b[0] == tagAtom || b[0] == tagAtomUTF8 {
		name, size = b[3:], size<<8|uint(b[2])
	}
	if size > 8 || binary.LittleEndian.Uint64(name)&(1<<(8*size)-1)&highBits != 0 {
		return 0
	}
	return len(b) - len(name) + int(size)
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
		return s.mix(h, uint64(frameList))
	}
	return h
}

// hashName hashes the name of an atom as UTF-8.
func (s *seeds) hashName(text []byte, latin1 bool) uint64 {
	if latin1 && !isASCII(text) {
		var utf8 [2 * MaxAtomChars]byte
		return s.hashBytes(hashAtom, appendLatin1(utf8[:0], text))
	}
	return s.hashBytes(hashAtom, text)
}

// hashBitstring leaves the unused bits out of it. One whose last byte is used whole is a binary.
func (s *seeds) hashBitstring(b []byte) uint64 {
	data, used, _ := splitBitstring(b)
	if used == 0 || used == 8 {
		return s.hashBytes(hashBinary, data)
	}
	last := len(data) - 1
	h := s.hashBytes(hashBits, data[:last])
	return s.mix(h, uint64(used)<<8|uint64(data[last]>>(8-used)))
}

func (s *seeds) hashIdentifier(b []byte) uint64 {
	id := splitIdentifier(b)
	kind, number := hashPid, id.number
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
	h := s.mix(uint64(id.creation), s.hashName(text, latin1))
	return s.mix(h, s.hashBytes(kind, number))
}

// hashFun hashes what tells local funs apart in OTP 25, beside their free variables: module, index and old uniq.
func (s *seeds) hashFun(b []byte) uint64 {
	text, latin1, n, _ := splitAtom(b[funModule:])
	h := s.mix(hashFun, s.hashName(text, latin1))
	h = s.mix(h, uint64(binary.BigEndian.Uint32(b[funIndex:])))
	at := funModule + n
	_, n, _ = smallAt(b, at) // the old index
	uniq, _, _ := smallAt(b, at+n)
	return s.mix(h, uint64(uniq))
}

func (s *seeds) hashExport(b []byte) uint64 {
	h, at := hashExport, 1
	for range 2 {
		text, latin1, n, _ := splitAtom(b[at:])
		h = s.mix(h, s.hashName(text, latin1))
		at += n
	}
	arity, _, _ := smallAt(b, at)
	return s.mix(h, uint64(uint32(arity))) // OTP keeps 32 bits
}
